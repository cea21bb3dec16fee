"""The mirror of one repository: the `Repository` port over a bare clone with its whole history.

Every call runs on the mirror's own thread, one after the other, so the event loop never waits for a disk or a server;
a cancelled call leaves libgit2 at its next callback.
"""

from __future__ import annotations

import asyncio
import itertools
import re
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import pygit2
from pygit2.enums import SortMode

from gitops import errors
from gitops.api.gitsync import Reference, VerifyMode
from gitops.git import exchange, github, isolated, library, signature, store
from gitops.git.credentials import App
from gitops.git.exchange import Limits
from gitops.git.site import Site
from gitops.git.tree import GitTree
from gitops.ports.repository import Commit
from gitops.source import Revision, Tree, heads, signers, trailers

library.prepare()

Result = TypeVar("Result")
KEEP_NAME = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._-]{0,200}$")


class Mirror:
    """A bare clone in `<directory>/<hash of URL and scope>.git`; an async context manager.

    `scope` names who reads (a GitSync, say): two readers of one URL may have different rights on the server, and one
    must not find in the mirror what only the other may fetch. With `verify`, a commit without a signature that counts
    is fetched and then refused (SignatureInvalid): nothing of it is ever read.
    """

    def __init__(
        self,
        directory: Path,
        site: Site,
        *,
        scope: str = "",
        limits: Limits | None = None,
        verify: signers.Policy | None = None,
        tokens: github.Tokens | None = None,
    ) -> None:
        if site.local is not None and _overlap(site.local, directory):
            raise errors.ConfigError(f"{site.name} is where mirrors are kept", hint="name the repository itself")
        self.path = directory.absolute() / site.directory_name(scope)
        self._site = site
        self._limits = limits or Limits()
        self._policy = verify
        self._tokens = tokens or github.Tokens()
        self._verified: set[Revision] = set()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="git")

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._thread.shutdown(wait=False, cancel_futures=True)

    async def resolve(self, reference: Reference) -> Revision:
        """What the reference points at on the server now."""
        advertised: dict[str, str] = {}
        if not reference.commit:
            advertised = await self._talk(exchange.advertised)
        return heads.find(advertised, reference, where=self._site.name)

    async def fetch(self, revision: Revision) -> None:
        """Have the commit in the mirror, and its signature verified."""
        if not await self._run(self._has, revision):
            act = exchange.fetch_tag if self._by_tag else exchange.fetch
            await self._talk(act, revision)
        await self._run(self._verify, revision)

    async def tree(self, revision: Revision) -> Tree:
        """The files at a fetched revision."""
        await self.commit(revision)
        return GitTree(self.path, revision.commit)

    async def commit(self, revision: Revision) -> Commit:
        """What the commit says of itself."""
        return await self._run(self._commit, revision)

    async def between(self, older: Revision, newer: Revision, *, limit: int) -> tuple[Commit, ...]:
        """The commits `newer` has and `older` has not, newest first."""
        return await self._run(self._between, older, newer, limit)

    async def named(self, text: str) -> Revision:
        """A commit by an abbreviation, and `~n` for what is before it."""
        return await self._run(self._named, text)

    async def keep(self, name: str, revision: Revision) -> None:
        """Keep the commit under refs/gitops/kept/<name>.

        Raises:
            RevisionNotFound: it is not in the mirror.
        """
        if not KEEP_NAME.fullmatch(name) or name.endswith((".lock", ".")) or ".." in name:
            raise errors.ConfigError(f"not a name for a kept commit: {name!r}")
        await self._run(self._keep, name, revision)

    async def _talk(self, act: Callable[..., Result], *arguments: Any) -> Result:
        return await self._run(self._exchange, act, arguments, stoppable=True)

    def _exchange(self, act: Callable[..., Result], arguments: tuple[Any, ...], stop: threading.Event) -> Result:
        """Talk to the server as whom the site says; a GitHub App's token that is refused is renewed, once."""
        app = self._site.credentials
        if not isinstance(app, App):
            return self._said(act, self._site, arguments, stop)
        kept = self._tokens.kept(app)
        if kept is not None:
            with suppress(errors.SourceDenied):
                return self._said(act, replace(self._site, credentials=kept), arguments, stop)
        fresh = self._tokens.fresh(app, self._site)
        return self._said(act, replace(self._site, credentials=fresh), arguments, stop)

    def _said(
        self, act: Callable[..., Result], where: Site, arguments: tuple[Any, ...], stop: threading.Event
    ) -> Result:
        # A list of names is small; what is fetched may be anything.
        memory = 0 if act is exchange.advertised else self._limits.memory
        return isolated.run(act, where, (self.path, where, *arguments, self._limits), stop, memory=memory)

    async def _run(self, act: Callable[..., Result], *arguments: Any, stoppable: bool = False) -> Result:
        stop = threading.Event()
        future = self._thread.submit(act, *arguments, *((stop,) if stoppable else ()))
        try:
            return await asyncio.wrap_future(future)
        finally:
            stop.set()

    def _opened(self) -> pygit2.Repository | None:
        try:
            return pygit2.Repository(str(self.path))
        except pygit2.GitError:
            return None

    @property
    def _by_tag(self) -> bool:
        return self._policy is not None and self._policy.mode is VerifyMode.TAG

    def _has(self, revision: Revision) -> bool:
        repository = self._opened()
        if repository is None or library.commit(repository, revision.commit) is None:
            return False
        return not self._by_tag or library.tag(repository, revision) is not None

    def _verify(self, revision: Revision) -> None:
        """Refuse a revision without the signature that is wanted; once is enough, commits do not change."""
        if self._policy is None or revision in self._verified:
            return
        from gitops.git import signatures  # noqa: PLC0415  # cryptography takes 20 ms, and few verify

        repository, found = self._found(revision)
        if self._policy.mode is VerifyMode.HEAD:
            signatures.of_commit(found.read_raw(), self._policy, what=f"commit {revision.short}")
        else:
            raw = library.tag(repository, revision)
            if raw is None:
                raise errors.RevisionNotFound(f"tag {revision.short} is not in the mirror", hint="fetch it first")
            signatures.of_tag(raw, self._policy, name=revision.reference)
        self._verified.add(revision)

    def _found(self, revision: Revision) -> tuple[pygit2.Repository, pygit2.Commit]:
        repository = self._opened()
        found = library.commit(repository, revision.commit) if repository is not None else None
        if repository is None or found is None:
            raise errors.RevisionNotFound(f"{revision.short} is not in the mirror", hint="fetch it first")
        return repository, found

    def _commit(self, revision: Revision) -> Commit:
        self._verify(revision)
        _, found = self._found(revision)
        return _described(found)

    def _between(self, older: Revision, newer: Revision, limit: int) -> tuple[Commit, ...]:
        repository, newest = self._found(newer)
        _, known = self._found(older)
        walker = repository.walk(newest.id, SortMode.TOPOLOGICAL)
        walker.hide(known.id)
        return tuple(_described(one) for one in itertools.islice(walker, limit))

    def _named(self, text: str) -> Revision:
        repository = self._opened()
        if repository is not None and heads.COMMITS.fullmatch(text):
            with suppress(KeyError, ValueError, pygit2.GitError):
                return Revision(commit=str(repository.revparse_single(text).peel(pygit2.Commit).id))
        raise heads.no_commit(text)

    def _keep(self, name: str, revision: Revision) -> None:
        with store.locked(self.path, lambda: None):
            repository, found = self._found(revision)
            repository.references.create(f"{store.KEPT}{name}", found.id, force=True)


def _described(found: pygit2.Commit) -> Commit:
    message = found.raw_message.decode("utf-8", "replace")
    author = found.author
    return Commit(
        id=str(found.id),
        author=signature.text(author.raw_name),
        email=signature.text(author.raw_email),
        when=signature.moment(author.time, author.offset),
        subject=trailers.subject(message),
        trailers=trailers.trailers(message),
    )


def _overlap(one: Path, other: Path) -> bool:
    one, other = one.resolve(), other.resolve()
    return one.is_relative_to(other)
