"""A directory on disk as a tree: what a person is editing now, under the same rules as a commit.

It gives the same answers as `GitTree` would for the same files: no symbolic link is followed, `.git` is not there, a
repository inside is a submodule. It does not need pygit2.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

from gitops import errors
from gitops.source import EntryKind, paths

MAX_FILE = 10 * 1024 * 1024


class WorkTree:
    """The `Tree` of a directory; files are read when asked for, and only once."""

    def __init__(self, root: Path, *, max_file: int = MAX_FILE) -> None:
        self.root = root.resolve()
        self._max_file = max_file
        self._kinds: dict[str, EntryKind | None] = {"": EntryKind.DIRECTORY}
        self._files: dict[str, bytes] = {}

    def kind(self, path: str) -> EntryKind | None:
        """What stands at `path`; nothing, if the way there leads through a link, a submodule or `.git`."""
        if path in self._kinds:
            return self._kinds[path]
        *above, name = paths.parts(path)
        found = None
        if name != ".git" and self.kind("/".join(above)) is EntryKind.DIRECTORY:
            found = _kind(self.root / path)
        self._kinds[path] = found
        return found

    def read(self, path: str) -> bytes:
        """The bytes of the file at `path`."""
        if path in self._files:
            return self._files[path]
        found = self.kind(path)
        if found is not EntryKind.FILE:
            raise errors.ConfigError(f"{path or '.'} is {found or 'not there'}{', not a file' if found else ''}")
        content = self._bytes(path)
        self._files[path] = content
        return content

    def _bytes(self, path: str) -> bytes:
        try:
            # A link put there since `kind` looked must not be followed either.
            descriptor = os.open(self.root / path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
            with os.fdopen(descriptor, "rb") as file:
                content = file.read(self._max_file + 1)
        except OSError as error:
            raise errors.ConfigError(f"cannot read {path}", cause=error.strerror or str(error)) from error
        if len(content) > self._max_file:
            raise errors.ConfigError(f"{path} is too large", cause=f"the limit is {self._max_file} bytes")
        return content

    def replace(self, path: str, content: bytes) -> None:
        """Write a file that is there, in one step and with its mode; nothing outside of the directory is touched.

        What was read before stays what this tree says: open the directory anew to see the change.

        Raises:
            ConfigError: no file is there, or it cannot be written.
        """
        if self.kind(path) is not EntryKind.FILE:
            raise errors.ConfigError(f"{path or '.'} is not a file")
        target = self.root / path
        beside = target.with_name(f".{target.name}.gitops-{os.getpid()}")
        try:
            mode = stat.S_IMODE(target.lstat().st_mode)
            descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                os.fchmod(file.fileno(), mode)
            beside.replace(target)
        except OSError as error:
            beside.unlink(missing_ok=True)
            raise errors.ConfigError(f"cannot write {path}", cause=error.strerror or str(error)) from error

    def names(self, path: str) -> tuple[str, ...]:
        """The sorted names in the directory at `path`."""
        if self.kind(path) is not EntryKind.DIRECTORY:
            return ()
        try:
            return tuple(sorted(item.name for item in (self.root / path).iterdir() if item.name != ".git"))
        except OSError as error:
            raise errors.ConfigError(f"cannot read {path or '.'}", cause=error.strerror or str(error)) from error


def _kind(path: Path) -> EntryKind | None:
    try:
        mode = path.lstat().st_mode
    except OSError:
        return None
    if stat.S_ISLNK(mode):
        return EntryKind.SYMLINK
    if stat.S_ISDIR(mode):
        return EntryKind.SUBMODULE if (path / ".git").exists() else EntryKind.DIRECTORY
    return EntryKind.FILE if stat.S_ISREG(mode) else None
