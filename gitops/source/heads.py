"""What a server advertises (`refs/…` to object id), and what a reference means in it.

An annotated tag is advertised twice: itself, and peeled with `^{}` (gitprotocol-pack(5)); the peeled one counts.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping

from gitops import errors
from gitops.api.gitsync import Reference
from gitops.source import semver
from gitops.source.revision import Revision

TAGS = "refs/tags/"
Heads = Mapping[str, str]
FETCHED = "refs/gitops/fetched"
"""Where the mirror notes what it fetched last; everything private lives below refs/gitops/."""
FETCHED_TAGS = "refs/gitops/tags/"
"""Where fetched tags stand, as the server has them: an annotated one is an object of its own."""
COMMITS = re.compile(r"^[0-9a-f]{4,40}(~\d{0,6})*$")
"""What `Repository.named` takes."""
ALL = ("+refs/heads/*:refs/gitops/heads/*", "+refs/tags/*:refs/gitops/tags/*")


def find(heads: Heads, reference: Reference, *, where: str) -> Revision:
    """The revision a reference stands for; a bare commit is taken at its word. `where` names the repository.

    Raises:
        RevisionNotFound: no such branch or tag; the hint offers names that are there.
        ConfigError: the reference names nothing.
    """
    if reference.commit:
        return Revision(commit=reference.commit)
    if reference.branch:
        return _named(heads, "branch", reference.branch, where)
    if reference.tag:
        return _named(heads, "tag", reference.tag, where)
    if reference.semver:
        return _newest(heads, reference.semver, where)
    raise errors.ConfigError(
        "the source follows nothing", hint="set one of ref.branch, ref.tag, ref.semver, ref.commit"
    )


def no_commit(text: str) -> errors.RevisionNotFound:
    """The error of a text that names no commit of the mirror, or several."""
    return errors.RevisionNotFound(
        f"no single commit is meant by {text!r}",
        hint="name a branch, a tag, or a commit by at least 4 digits; NAME~2 is two before it",
    )


def _newest(heads: Heads, wanted: str, where: str) -> Revision:
    """The highest version among the tags that lies in the range."""
    tags = [head.removeprefix(TAGS) for head in heads if head.startswith(TAGS) and not head.endswith("^{}")]
    name = semver.newest(tags, semver.parse(wanted))
    if name is not None:
        return Revision(commit=peeled(heads, TAGS + name), reference=name)
    highest = semver.newest(tags, semver.parse("*")) or semver.newest(tags, semver.parse(">=0.0.0-0"))
    raise errors.RevisionNotFound(
        f"no tag in {where} is a version in {wanted!r}",
        cause=f"the highest of its versions is {highest}" if highest else f"none of its {len(tags)} tags is a version",
        hint="tags are read as vMAJOR.MINOR.PATCH; pre-releases only if the range names one",
    )


def _named(heads: Heads, what: str, name: str, where: str) -> Revision:
    prefix = "refs/heads/" if what == "branch" else TAGS
    commit = peeled(heads, prefix + name)
    if commit:
        return Revision(commit=commit, reference=name)
    known = sorted(head.removeprefix(prefix) for head in heads if head.startswith(prefix) and not head.endswith("^{}"))
    raise errors.RevisionNotFound(
        f"no {what} {name!r} in {where}",
        cause="" if known else f"the server has no {what} at all",
        hint=_offer(name, known),
    )


def _offer(name: str, known: list[str]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    if close:
        return f"did you mean {close[0]!r}?"
    if known:
        return f"it has {', '.join(known[:5])}{', …' if len(known) > 5 else ''}"  # noqa: PLR2004
    return "push it first"


def peeled(heads: Heads, name: str) -> str:
    """The object behind an advertised name, through an annotated tag; empty if it is not advertised."""
    return heads.get(f"{name}^{{}}") or heads.get(name, "")


def attempts(heads: Heads, revision: Revision) -> tuple[tuple[str, ...], ...]:
    """Refspecs to fetch a commit with, the cheapest first; stop as soon as the commit is there.

    The reference that stands at the commit; the reference it was resolved from (the commit is behind its tip now);
    all branches and tags; the commit by its id, which many servers refuse.
    """
    names = [f"refs/heads/{revision.reference}", f"refs/tags/{revision.reference}"]
    names += [name for name in heads if name.startswith(("refs/heads/", "refs/tags/")) and not name.endswith("^{}")]
    at = [name for name in names if peeled(heads, name) == revision.commit][:1]
    behind = [name for name in names[:2] if name in heads and name not in at][:1] if revision.reference else []
    single = [(f"+{name}:{FETCHED}",) for name in at + behind]
    return (*single, ALL, (f"+{revision.commit}:{FETCHED}",))
