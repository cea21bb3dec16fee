"""A repository in memory: the `Repository` port for tests, held to the same contract as the mirror."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from gitops import errors
from gitops.api.gitsync import Reference
from gitops.ports.repository import Commit
from gitops.source import MemoryTree, Revision, Tree, heads, trailers

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
WHERE = "memory"


class MemoryRepository:
    """Server and mirror in one: `push`, `tag` and `delete` change the server, the port's methods read it.

    `failure` is raised instead of talking to the server while it is set; `requests` lists what was asked of the
    server. A push with `force` replaces the branch's history: what was fetched before stays readable.
    """

    def __init__(self) -> None:
        self.failure: errors.GitOpsError | None = None
        self.kept: dict[str, str] = {}
        self.requests: list[str] = []
        self._heads: dict[str, str] = {}
        self._trees: dict[str, MemoryTree] = {}
        self._commits: dict[str, Commit] = {}
        self._parents: dict[str, str] = {}
        self._fetched: set[str] = set()

    def push(
        self, files: Mapping[str, bytes], *, branch: str = "main", message: str = "change", force: bool = False
    ) -> Revision:
        """Commit a whole tree on a branch."""
        parent = "" if force else self._heads.get(f"refs/heads/{branch}", "")
        seed = f"{len(self._commits)}\n{parent}\n{message}\n{sorted(files.items())}"
        commit = hashlib.sha1(seed.encode(), usedforsecurity=False).hexdigest()
        self._trees[commit] = MemoryTree(dict(files))
        self._parents[commit] = parent
        self._commits[commit] = Commit(
            id=commit,
            author="Ada",
            email="ada@example.com",
            when=EPOCH + timedelta(minutes=len(self._commits)),
            subject=trailers.subject(message),
            trailers=trailers.trailers(message),
        )
        self._heads[f"refs/heads/{branch}"] = commit
        return Revision(commit=commit, reference=branch)

    def tag(self, name: str, revision: Revision) -> None:
        """Put a tag on a commit."""
        self._heads[f"refs/tags/{name}"] = revision.commit

    def delete(self, branch: str) -> None:
        """Delete a branch."""
        del self._heads[f"refs/heads/{branch}"]

    async def resolve(self, reference: Reference) -> Revision:
        """What the reference points at on the server now."""
        if reference.commit:
            return Revision(commit=reference.commit)
        self._ask("resolve")
        return heads.find(self._heads, reference, where=WHERE)

    async def fetch(self, revision: Revision) -> None:
        """Have the commit."""
        if revision.commit in self._fetched:
            return
        self._ask("fetch")
        if revision.commit not in self._reachable():
            raise errors.RevisionNotFound(f"{WHERE} does not have commit {revision.commit[:12]}")
        self._fetched.update(self._above(revision.commit))

    async def tree(self, revision: Revision) -> Tree:
        """The files at a fetched revision."""
        return self._trees[self._known(revision)]

    async def commit(self, revision: Revision) -> Commit:
        """What the commit says of itself."""
        return self._commits[self._known(revision)]

    async def between(self, older: Revision, newer: Revision, *, limit: int) -> tuple[Commit, ...]:
        """The commits `newer` has and `older` has not."""
        known = self._above(self._known(older))
        return tuple(self._commits[one] for one in self._above(self._known(newer)) if one not in known)[:limit]

    async def named(self, text: str) -> Revision:
        """A commit by an abbreviation, and `~n` for what is before it."""
        if not heads.COMMITS.fullmatch(text):
            raise heads.no_commit(text)
        name, *back = text.split("~")
        found = [one for one in self._fetched if one.startswith(name)]
        line = self._above(found[0]) if len(found) == 1 else []
        steps = sum(int(one or 1) for one in back)
        if steps >= len(line):
            raise heads.no_commit(text)
        return Revision(commit=line[steps])

    async def keep(self, name: str, revision: Revision) -> None:
        """Keep the commit."""
        self.kept[name] = self._known(revision)

    def _ask(self, what: str) -> None:
        self.requests.append(what)
        if self.failure is not None:
            raise self.failure

    def _known(self, revision: Revision) -> str:
        if revision.commit not in self._fetched:
            raise errors.RevisionNotFound(f"{revision.short} is not in the mirror", hint="fetch it first")
        return revision.commit

    def _above(self, commit: str) -> list[str]:
        """The commit and everything before it, newest first."""
        found = []
        while commit:
            found.append(commit)
            commit = self._parents[commit]
        return found

    def _reachable(self) -> set[str]:
        found: set[str] = set()
        for commit in self._heads.values():
            at = commit
            while at and at not in found:
                found.add(at)
                at = self._parents[at]
        return found
