"""Talking to a Git server: what it advertises, and the objects of a commit.

Plain functions that block; `mirror` runs them on its thread, or in a process of their own when their trust is
another than this process's. They are left early by raising from a callback: libgit2 has no other way.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

import pygit2
from pygit2.enums import CredentialType

from gitops import errors
from gitops.git import failures, library, store
from gitops.git.credentials import DEFAULT_USERNAME, Credentials, SshKey
from gitops.git.site import Site, origin
from gitops.source import Revision, heads, known_hosts

library.prepare()


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The most a server may send, and how long it may take to.

    With `memory` (bytes), what it sends is unpacked by a process of its own that may take so much and no more: a pack
    of a megabyte can unfold to gigabytes. Without, a quarter of a second is saved.
    """

    bytes: int = 2 * 1024**3
    objects: int = 5_000_000
    seconds: float = 600.0
    memory: int = 0


class Callbacks(pygit2.RemoteCallbacks):
    """Gives credentials once and to the site only, watches the limits, and leaves when told to."""

    def __init__(self, site: Site, limits: Limits, stop: threading.Event) -> None:
        super().__init__()
        self._site = site
        self._limits = limits
        self._stop = stop
        self._until = time.monotonic() + limits.seconds
        self._asked = 0

    def check(self) -> None:
        """Leave, if told to or out of time."""
        if self._stop.is_set():
            raise failures.Stopped
        if time.monotonic() > self._until:
            raise errors.SourceUnavailable(
                f"gave up on {self._site.name}", cause=f"it took longer than {self._limits.seconds:.0f} s"
            )

    def credentials(
        self, url: str, username_from_url: str | None, allowed_types: CredentialType
    ) -> pygit2.UserPass | pygit2.KeypairFromMemory | pygit2.Username:
        """Say who we are, when asked; the same answer twice would be refused twice."""
        self.check()
        if origin(url) != self._site.origin:
            raise failures.Elsewhere(urlsplit(url).netloc.rpartition("@")[2])
        if allowed_types == CredentialType.USERNAME:
            return pygit2.Username(username_from_url or DEFAULT_USERNAME)
        self._asked += 1
        if self._asked > 1:
            raise failures.BadCredentials
        match self._site.credentials:
            case Credentials(username=username, password=password):
                return pygit2.UserPass(username, password)
            case SshKey(identity=identity, passphrase=passphrase) if allowed_types & CredentialType.SSH_MEMORY:
                return pygit2.KeypairFromMemory(username_from_url or DEFAULT_USERNAME, None, identity, passphrase)
            case _:
                raise failures.BadCredentials

    def host_key(self, key: bytes) -> None:
        """Only a key that the site's known_hosts names for this host."""
        self.check()
        lines = self._site.credentials.known_hosts if isinstance(self._site.credentials, SshKey) else ""
        _, host, port = self._site.origin
        standing = known_hosts.standing(lines, host, port, key)
        if standing is not known_hosts.Standing.KNOWN:
            raise failures.WrongHost(standing, key)

    def transfer_progress(self, stats: pygit2.remotes.TransferProgress) -> None:
        """Called many times a second while objects arrive."""
        self.check()
        if stats.received_bytes > self._limits.bytes or stats.total_objects > self._limits.objects:
            raise failures.TooLarge(
                f"it sends {stats.total_objects} objects, {stats.received_bytes} bytes so far; "
                f"the limits are {self._limits.objects} and {self._limits.bytes}"
            )

    def sideband_progress(self, string: str) -> None:  # noqa: ARG002  # its words are not shown
        """Called while the server counts and compresses."""
        self.check()


def advertised(directory: Path, site: Site, limits: Limits, stop: threading.Event) -> dict[str, str]:
    """What the server advertises now: reference name to object id. Nothing is fetched and nothing is locked."""
    callbacks = Callbacks(site, limits, stop)
    if not (directory / "gitops-mirror").exists():
        with store.locked(directory, callbacks.check):
            store.ready(directory, site.url)
    with _translated(site):
        return _heads(_remote(pygit2.Repository(str(directory)), site), site, callbacks)


def fetch(directory: Path, site: Site, revision: Revision, limits: Limits, stop: threading.Event) -> None:
    """Have the commit in the mirror.

    Raises:
        RevisionNotFound: the server does not give it.
    """
    callbacks = Callbacks(site, limits, stop)
    with store.locked(directory, callbacks.check), _translated(site):
        repository = store.ready(directory, site.url)
        if library.commit(repository, revision.commit):
            return
        advertised = _heads(_remote(repository, site), site, callbacks)
        for specs in heads.attempts(advertised, revision):
            got = _fetched(repository, site, specs, Callbacks(site, limits, stop))
            if got and library.commit(pygit2.Repository(str(directory)), revision.commit):
                return
    raise errors.RevisionNotFound(
        f"{site.name} does not have commit {revision.commit[:12]}",
        cause=f"{revision.reference!r} no longer leads to it" if revision.reference else "no branch or tag leads to it",
        hint="was it pushed? A force-push removes commits",
    )


def fetch_tag(directory: Path, site: Site, revision: Revision, limits: Limits, stop: threading.Event) -> None:
    """Have the tag a revision is named after in the mirror, as the object it is, with the commit behind it.

    Raises:
        RevisionNotFound: the server does not have the tag, or it stands for another commit now.
    """
    callbacks = Callbacks(site, limits, stop)
    name = revision.reference
    with store.locked(directory, callbacks.check), _translated(site):
        repository = store.ready(directory, site.url)
        advertised = _heads(_remote(repository, site), site, callbacks)
        if not name or heads.peeled(advertised, heads.TAGS + name) != revision.commit:
            raise errors.RevisionNotFound(
                f"no tag {name!r} in {site.name} stands for {revision.commit[:12]}",
                hint="spec.source.verify.mode: tag needs the signed tag itself; was it moved or deleted?",
            )
        specs = (f"+{heads.TAGS}{name}:{heads.FETCHED_TAGS}{name}",)
        _fetched(repository, site, specs, Callbacks(site, limits, stop))


def _fetched(repository: pygit2.Repository, site: Site, specs: tuple[str, ...], callbacks: Callbacks) -> bool:
    """Fetch; False if the server refuses to give an object by its id."""
    try:
        _remote(repository, site).fetch(list(specs), callbacks=callbacks, proxy=_proxy(site))
    except (pygit2.GitError, KeyError, ValueError):
        if specs[0].startswith("+refs/"):
            raise
        return False
    return True


def _remote(repository: pygit2.Repository, site: Site) -> pygit2.remotes.Remote:
    if isinstance(site.credentials, SshKey):
        _, host, port = site.origin
        library.prefer(site.origin, known_hosts.lines(site.credentials.known_hosts, host, port))
    return repository.remotes.create_anonymous(site.url)


def _heads(remote: pygit2.remotes.Remote, site: Site, callbacks: Callbacks) -> dict[str, str]:
    try:
        found = remote.list_heads(callbacks=callbacks, proxy=_proxy(site))
    except pygit2.GitError as error:
        if failures.NO_COMMON_KEY not in str(error):
            raise
        # It has no key of a type we know. Any other then: it will be refused, but its fingerprint is told.
        library.prefer(site.origin, ())
        found = remote.list_heads(callbacks=callbacks, proxy=_proxy(site))
    return {head.name: str(head.oid) for head in found if head.name}


def _proxy(site: Site) -> str | Literal[True]:
    """The GitSync's proxy; without one, what HTTPS_PROXY and NO_PROXY say."""
    return site.proxy.url if site.proxy else True


@contextmanager
def _translated(site: Site) -> Iterator[None]:
    try:
        yield
    except (failures.Stopped, errors.GitOpsError):
        raise
    except (pygit2.GitError, KeyError, ValueError, OSError, *failures.OURS) as error:
        raise failures.translate(error, site) from error
