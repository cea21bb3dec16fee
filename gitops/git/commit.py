"""A commit on a branch of its own in a person's clone: neither the index nor a file on disk is touched."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pygit2
from pygit2.enums import FileMode

from gitops import errors
from gitops.git import library
from gitops.source import Revision

library.prepare()


def write(root: Path, base: Revision, files: Mapping[str, bytes], message: str) -> Revision:
    """A commit after `base` in which these files (paths from the root) are new or changed. No branch has it yet.

    Raises:
        ConfigError: Git knows no author, or `root` is no repository.
        RevisionNotFound: `base` is not here.
    """
    repository = _open(root)
    parent = library.commit(repository, base.commit)
    if parent is None:
        raise errors.RevisionNotFound(f"no commit {base.short} in {root}", hint="git fetch gets what is new")
    try:
        author = repository.default_signature
    except KeyError:
        raise errors.ConfigError(
            "Git does not know who you are",
            cause="a commit needs an author",
            hint="git config user.name and git config user.email",
        ) from None
    index = pygit2.Index()
    index.read_tree(parent.tree)
    for path, content in files.items():
        mode = index[path].mode if path in index else FileMode.BLOB
        index.add(pygit2.IndexEntry(path, repository.create_blob(content), mode))
    made = repository.create_commit(None, author, author, message, index.write_tree(repository), [parent.id])
    return Revision(commit=str(made), reference="")


def branch(root: Path, name: str, revision: Revision) -> None:
    """A new branch that ends in this commit.

    Raises:
        ConfigError: there is one of that name already, or it can be no branch's name.
    """
    repository = _open(root)
    commit = library.commit(repository, revision.commit)
    if commit is None:
        raise errors.RevisionNotFound(f"no commit {revision.short} in {root}")
    try:
        repository.branches.local.create(name, commit)
    except pygit2.AlreadyExistsError as error:
        raise errors.ConfigError(
            f"there is a branch {name!r} already", hint=f"choose another name, or: git branch -D {name}"
        ) from error
    except (pygit2.GitError, ValueError) as error:
        raise errors.ConfigError(f"{name!r} can be no branch", cause=str(error)) from error


def _open(root: Path) -> pygit2.Repository:
    try:
        return pygit2.Repository(str(root))
    except pygit2.GitError as error:
        raise errors.ConfigError(f"{root} is not a usable Git repository", cause=str(error)) from error
