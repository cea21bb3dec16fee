"""libgit2's settings, which are one set for the whole process, put right before its first use.

Importing this module imports pygit2 (90 ms), so the modules of the command line import it only where they need it.
"""

from __future__ import annotations

import tempfile
import threading
from pathlib import Path

import pygit2
from pygit2.enums import ConfigLevel, ObjectType

from gitops import errors
from gitops.git import hostkeys
from gitops.source import Revision, heads

CONNECT_SECONDS = 10
ANSWER_SECONDS = 30
LARGEST = 16 * 1024 * 1024
"""Bytes of a commit, tag or directory: 300,000 names in one directory."""

_lock = threading.Lock()
_trusted: set[str] = set()
_hosts: dict[tuple[str, str, int], tuple[str, ...]] = {}
_home: list[tempfile.TemporaryDirectory[str]] = []


def prepare() -> None:
    """Make this process independent of whose machine it runs on; called by every module that opens a repository."""
    settings = pygit2.settings
    # A person's or a machine's gitconfig can rewrite URLs (insteadOf) and name proxies: renderings would depend on it.
    for level in (ConfigLevel.PROGRAMDATA, ConfigLevel.SYSTEM, ConfigLevel.XDG, ConfigLevel.GLOBAL):
        settings.search_path[level] = ""
    settings.server_connect_timeout = CONNECT_SECONDS * 1000
    settings.server_timeout = ANSWER_SECONDS * 1000
    # Git refuses repositories of other owners because their config can name programs to run. libgit2 runs none, and
    # checkouts of another owner are ordinary in containers.
    settings.owner_validation = False
    settings.enable_fsync_gitdir(value=True)
    hostkeys.install()


def commit(repository: pygit2.Repository, name: str) -> pygit2.Commit | None:
    """The commit with this id; None if the repository has none.

    Raises:
        SourceError: it is larger than any honest one.
    """
    try:
        weigh(repository, name)
        found = repository.get(name)
    except (ValueError, KeyError, pygit2.GitError):
        return None
    return found.peel(pygit2.Commit) if found is not None and found.type == ObjectType.COMMIT else None


def weigh(repository: pygit2.Repository, name: pygit2.Oid | str) -> None:
    """Look at an object's size before it is unpacked into memory.

    Raises:
        SourceError: it is too large.
        KeyError, ValueError: there is no such object.
    """
    _, size = repository.odb.read_header(name)
    if size > LARGEST:
        raise errors.SourceError(f"object {str(name)[:12]} is too large", cause=f"{size} bytes, the limit is {LARGEST}")


def tag(repository: pygit2.Repository, revision: Revision) -> bytes | None:
    """The fetched tag a revision is named after, as it was made; empty for a lightweight tag, a mere name.

    None if it was not fetched, or stands for another commit.
    """
    try:
        reference = repository.references[f"{heads.FETCHED_TAGS}{revision.reference}"]
        weigh(repository, reference.target)
        if str(reference.peel(pygit2.Commit).id) != revision.commit:
            return None
        found = repository[reference.target]
        return bytes(found.read_raw()) if found.type == ObjectType.TAG else b""
    except (KeyError, ValueError, pygit2.GitError):
        return None


def trust(ca: str) -> bool:
    """Whether this process trusts exactly the system's authorities and `ca`; the first caller with a CA decides.

    libgit2 has one certificate store a process, and what was added stays (openssl.c, git_openssl__set_cert_location).
    A CA given for one site would vouch for all others, so a second trust gets a process of its own (`isolated`).
    """
    with _lock:
        if not ca:
            return not _trusted
        if not _trusted:
            with tempfile.NamedTemporaryFile("w", suffix=".pem") as file:
                file.write(ca)
                file.flush()
                pygit2.settings.set_ssl_cert_locations(file.name, None)
            _trusted.add(ca)
        return ca in _trusted


def prefer(origin: tuple[str, str, int], lines: tuple[str, ...]) -> None:
    """Have libgit2 ask this SSH server for a key of a type that its lines of known_hosts name; without any, for any.

    It reads them from one home directory a process. That decides nothing: whether a key is the right one,
    `exchange.Callbacks.host_key` decides by the site's own lines. A person's ~/.ssh is never read.
    """
    with _lock:
        if not _home:
            _home.append(tempfile.TemporaryDirectory(prefix="gitops-"))
            (Path(_home[0].name) / ".ssh").mkdir(mode=0o700)
            pygit2.settings.homedir = _home[0].name
        if _hosts.get(origin, ()) != lines:
            _hosts[origin] = lines
            file = Path(_home[0].name) / ".ssh" / "known_hosts"
            written = file.with_suffix(".new")
            written.write_text("".join(f"{line}\n" for known in _hosts.values() for line in known))
            written.replace(file)


def leave() -> None:
    """Remove what this process left on disk; for one that is ended rather than ends."""
    with _lock:
        while _home:
            _home.pop().cleanup()
        _hosts.clear()


prepare()
