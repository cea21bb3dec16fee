"""The files of a commit, read from the object database when they are asked for."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pygit2
from pygit2.enums import FileMode

from gitops import errors
from gitops.git import library
from gitops.source import EntryKind, paths

library.prepare()

MAX_FILE = 10 * 1024 * 1024
"""Bytes. Ten times what the API server takes for one object."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """The most that is read of one commit: so many files, and so many bytes of all of them together."""

    files: int = 50_000
    bytes: int = 256 * 1024 * 1024


KINDS = {
    FileMode.TREE: EntryKind.DIRECTORY,
    FileMode.BLOB: EntryKind.FILE,
    FileMode.BLOB_EXECUTABLE: EntryKind.FILE,
    FileMode.LINK: EntryKind.SYMLINK,
    FileMode.COMMIT: EntryKind.SUBMODULE,
}
Entry = tuple[EntryKind, pygit2.Oid]


class GitTree:
    """The `Tree` of one commit in a repository on disk.

    It is a value: it names a directory and a commit, opens the repository at first use, and can be sent to another
    process. No symbolic link is followed: a path through one leads nowhere.
    """

    def __init__(
        self, repository: Path, commit: str, *, max_file: int = MAX_FILE, bounds: Bounds | None = None
    ) -> None:
        self._where = repository
        self._commit = commit
        self._max_file = max_file
        self._bounds = bounds or Bounds()
        self._open()

    def _open(self) -> None:
        # libgit2's objects belong to one thread at a time.
        self._lock = threading.Lock()
        self._repository: pygit2.Repository | None = None
        self._directories: dict[str, dict[str, Entry]] = {}
        self._counted: set[str] = set()
        self._bytes = 0

    @property
    def identity(self) -> tuple[str, str]:
        """Repository and commit: trees of equal identity hold the same files."""
        return str(self._where), self._commit

    def __getstate__(self) -> dict[str, Any]:
        return {"where": self._where, "commit": self._commit, "max_file": self._max_file, "bounds": self._bounds}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self._where, self._commit, self._max_file = state["where"], state["commit"], state["max_file"]
        self._bounds = state["bounds"]
        self._open()

    def kind(self, path: str) -> EntryKind | None:
        """What stands at `path`."""
        parts = paths.parts(path)
        with self._lock:
            if not parts:
                return EntryKind.DIRECTORY
            entry = self._entry(parts)
            return entry[0] if entry else None

    def read(self, path: str) -> bytes:
        """The bytes of the file at `path`, as committed: no filter, no line-end conversion."""
        parts = paths.parts(path)
        with self._lock:
            entry = self._entry(parts) if parts else None
            if entry is None or entry[0] is not EntryKind.FILE:
                raise errors.ConfigError(f"{path} is {_article(entry)}")
            return self._blob(path, entry[1])

    def names(self, path: str) -> tuple[str, ...]:
        """The sorted names in the directory at `path`."""
        with self._lock:
            directory = self._directory(paths.parts(path))
            return tuple(sorted(directory)) if directory else ()

    def _blob(self, path: str, oid: pygit2.Oid) -> bytes:
        repository = self._opened()
        try:
            _, size = repository.odb.read_header(oid)
            if size > self._max_file:
                raise errors.ConfigError(
                    f"{path} is too large", cause=f"it has {size} bytes, the limit is {self._max_file}"
                )
            self._count(path, size)
            return repository.odb.read(oid)[1]
        except (pygit2.GitError, KeyError) as error:
            raise self._broken(path) from error

    def _count(self, path: str, size: int) -> None:
        """Refuse the file that makes it too many, or too much; one read twice counts once."""
        if path in self._counted:
            return
        self._counted.add(path)
        self._bytes += size
        if len(self._counted) > self._bounds.files:
            raise errors.ConfigError(
                f"{self._commit[:12]} has too many files", cause=f"the limit is {self._bounds.files} files in one build"
            )
        if self._bytes > self._bounds.bytes:
            raise errors.ConfigError(
                f"the files of {self._commit[:12]} are too large together",
                cause=f"the limit is {self._bounds.bytes} bytes in one build, the last file was {path}",
            )

    def _entry(self, parts: tuple[str, ...]) -> Entry | None:
        directory = self._directory(parts[:-1])
        return directory.get(parts[-1]) if directory is not None else None

    def _directory(self, parts: tuple[str, ...]) -> dict[str, Entry] | None:
        key = "/".join(parts)
        if key in self._directories:
            return self._directories[key]
        if not parts:
            oid = self._root()
        else:
            entry = self._entry(parts)
            if entry is None or entry[0] is not EntryKind.DIRECTORY:
                return None
            oid = entry[1]
        return self._directories.setdefault(key, self._listing(key, oid))

    def _listing(self, path: str, oid: pygit2.Oid) -> dict[str, Entry]:
        try:
            library.weigh(self._opened(), oid)
            tree = self._opened()[oid].peel(pygit2.Tree)
        except (pygit2.GitError, KeyError) as error:
            raise self._broken(path) from error
        found: dict[str, Entry] = {}
        for item in tree:
            name = (item.raw_name or b"").decode("utf-8", "surrogateescape")
            kind = KINDS.get(item.filemode)
            # Git itself refuses such names on checkout; a crafted tree can hold them.
            if kind is not None and name not in {"", ".", "..", ".git"} and "/" not in name:
                found[name] = (kind, item.id)
        return found

    def _root(self) -> pygit2.Oid:
        commit = library.commit(self._opened(), self._commit)
        if commit is None:
            raise errors.RevisionNotFound(f"commit {self._commit[:12]} is not in {self._where}")
        return commit.tree_id

    def _opened(self) -> pygit2.Repository:
        if self._repository is None:
            self._repository = pygit2.Repository(str(self._where))
        return self._repository

    def _broken(self, path: str) -> errors.SourceUnavailable:
        return errors.SourceUnavailable(
            f"cannot read {path or 'the root'} at {self._commit[:12]}",
            cause=f"an object is missing from {self._where}",
            hint="a mirror mends itself at the next fetch; in a clone of yours, run git fsck",
        )


def _article(entry: Entry | None) -> str:
    match entry[0] if entry else None:
        case EntryKind.DIRECTORY:
            return "a directory, not a file"
        case EntryKind.SYMLINK:
            return "a symbolic link, which is not followed"
        case EntryKind.SUBMODULE:
            return "a submodule, which is not fetched"
        case _:
            return "not there"
