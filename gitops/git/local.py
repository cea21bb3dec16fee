"""A person's clone: what a name means in it, what is checked out, whether files differ from it."""

from __future__ import annotations

from pathlib import Path

import pygit2
from pygit2.enums import FileStatus

from gitops import errors
from gitops.git import library
from gitops.source import Revision, trailers

library.prepare()


def _open(root: Path) -> pygit2.Repository:
    try:
        return pygit2.Repository(str(root))
    except pygit2.GitError as error:
        raise errors.ConfigError(f"{root} is not a usable Git repository", cause=str(error)) from error


def resolve(root: Path, name: str) -> Revision:
    """The commit a name stands for.

    Raises:
        RevisionNotFound: there is no such thing, or it is no commit.
    """
    repository = _open(root)
    try:
        found, reference = repository.resolve_refish(name)
    except (pygit2.GitError, KeyError, ValueError):
        raise errors.RevisionNotFound(
            f"no revision {name!r} in {root}", hint="a branch, a tag, a commit, or HEAD~1; git fetch gets what is new"
        ) from None
    return Revision(commit=str(found.id), reference=_shorthand(reference))


def _shorthand(reference: pygit2.Reference | None) -> str:
    if reference is None or reference.name == "HEAD":
        return ""
    return reference.shorthand


def describe(root: Path) -> tuple[Revision | None, bool]:
    """The commit checked out, None before the first; and whether files differ from it (ignored ones do not count)."""
    repository = _open(root)
    if repository.head_is_unborn:
        return None, True
    head = repository.head
    reference = "" if repository.head_is_detached else head.shorthand
    changed = any(
        flags not in {FileStatus.CURRENT, FileStatus.IGNORED} for flags in repository.status(ignored=False).values()
    )
    return Revision(commit=str(head.target), reference=reference), changed


def trailers_of(root: Path, revision: Revision) -> trailers.Trailers:
    """What a commit's message says in its trailers.

    Raises:
        RevisionNotFound: the commit is not here.
    """
    found = library.commit(_open(root), revision.commit)
    if found is None:
        raise errors.RevisionNotFound(f"no commit {revision.short} in {root}", hint="git fetch gets what is new")
    return trailers.trailers(found.raw_message.decode("utf-8", "replace"))
