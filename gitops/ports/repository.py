"""A Git repository: what a reference points at, and the files of a commit."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from gitops.api.gitsync import Reference
from gitops.source import Revision, Tree


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    """What a commit says of itself; `trailers` are its last paragraph's `Key: value` lines."""

    id: str
    author: str
    email: str
    when: datetime
    subject: str
    trailers: tuple[tuple[str, str], ...] = ()


class Repository(Protocol):
    """A mirror of one repository. Calls of one mirror run one after the other."""

    async def resolve(self, reference: Reference) -> Revision:
        """Ask the server what the reference points at now; nothing is fetched.

        Raises:
            SourceUnavailable: no answer.
            SourceDenied: credentials or certificate refused.
            RevisionNotFound: no such branch, tag or commit.
        """
        ...

    async def fetch(self, revision: Revision) -> None:
        """Have the commit's objects in the mirror; returns at once if it has them.

        Raises:
            SourceUnavailable: no answer, or a pack that broke off: the mirror keeps what it had.
            SourceDenied: credentials or certificate refused.
            RevisionNotFound: the server does not give this commit.
        """
        ...

    async def tree(self, revision: Revision) -> Tree:
        """The files at a fetched revision.

        Raises:
            RevisionNotFound: not in the mirror.
        """
        ...

    async def commit(self, revision: Revision) -> Commit:
        """What the commit says of itself.

        Raises:
            RevisionNotFound: not in the mirror.
        """
        ...

    async def between(self, older: Revision, newer: Revision, *, limit: int) -> tuple[Commit, ...]:
        """The commits that `newer` has and `older` has not, newest first, at most `limit`.

        Raises:
            RevisionNotFound: one of them is not in the mirror.
        """
        ...

    async def named(self, text: str) -> Revision:
        """A commit of the mirror as people write it: `3f2a1b9` if only one begins so, and `3f2a1b9~2` two before it.

        Raises:
            RevisionNotFound: there is none in the mirror, or more than one.
        """
        ...

    async def keep(self, name: str, revision: Revision) -> None:
        """Keep the commit under a private reference, so that it survives a force-push and garbage collection."""
        ...
