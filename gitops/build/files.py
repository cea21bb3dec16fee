"""The files of one build: every path checked, every file read noted.

A path in a kustomization is relative to its folder. Files lie in that folder or below; folders anywhere in the
repository. Nothing remote, nothing absolute, no symbolic links, no submodules.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from gitops import errors
from gitops.location import Location
from gitops.source.tree import EntryKind, Tree

Where = Callable[[], Location]
"""The position of the entry that is being followed, worked out when an error needs it."""

MAX_FILES = 12_000
"""Files one build reads; 200 files are 1,000 objects in an ordinary repository."""

MAX_BYTES = 32 * 1024 * 1024
"""Bytes one build reads, a file that is read twice counted twice: all of them stay in memory until it is done."""

MAX_PATH = 1_024
"""Characters of a path."""

_REMOTE = re.compile(
    r"[a-z][a-z0-9+.-]*://|git::|gh:|[\w.-]+@[\w.-]+:"
    r"|(?:www\.)?(?:github|gitlab|bitbucket)\.(?:com|org)[/:]|.*[?&]ref=",
    re.IGNORECASE,
)


class Files:
    """The tree of a build, and what was read of it."""

    def __init__(self, tree: Tree) -> None:
        self.tree = tree
        self._seen: dict[str, None] = {}
        self._bytes = 0

    @property
    def seen(self) -> tuple[str, ...]:
        """Every file read so far, in order of first reading."""
        return tuple(self._seen)

    def kind(self, path: str) -> EntryKind | None:
        """What stands at a path."""
        return self.tree.kind(path)

    def read(self, path: str, at: Where) -> bytes:
        """The bytes of a file; `at` is the entry that names it.

        Raises:
            BuildError: it is missing, not a file, or one too many.
        """
        kind = self.tree.kind(path)
        if kind is not EntryKind.FILE:
            raise self.missing(path, at, kind)
        self._seen[path] = None
        if len(self._seen) > MAX_FILES:
            raise errors.BuildError(f"the build reads more than {MAX_FILES} files", location=at())
        content = self.tree.read(path)
        self._bytes += len(content)
        if self._bytes > MAX_BYTES:
            raise errors.BuildError(
                f"the build reads more than {MAX_BYTES >> 20} MiB",
                cause=f"the last file was {path}",
                hint="build the folders one by one",
                location=at(),
            )
        return content

    def resolve(self, folder: str, path: str, at: Where) -> str:
        """The path from the root of the repository that `path` means in `folder`.

        Raises:
            BuildError: it is absolute, remote or outside the repository.
        """
        if len(path) > MAX_PATH or "\0" in path:
            raise errors.BuildError(
                f"the path {path!r} is none a file can have",
                cause="it holds a NUL character" if "\0" in path else f"it is longer than {MAX_PATH} characters",
                location=at(),
            )
        if _REMOTE.match(path):
            raise errors.BuildError(
                f"{path} is a remote address; only folders and files of this repository are built",
                hint="copy what you need into the repository, so that one commit says all",
                location=at(),
            )
        if path.startswith("/"):
            raise errors.BuildError(
                f"the path {path} is absolute", hint="write it relative to this file", location=at()
            )
        parts = folder.split("/") if folder else []
        for part in path.split("/"):
            if part == "..":
                if not parts:
                    raise errors.BuildError(f"the path {path} leads outside the repository", location=at())
                parts.pop()
            elif part not in ("", "."):
                parts.append(part)
        return "/".join(parts)

    def resolve_file(self, folder: str, path: str, at: Where) -> str:
        """Like `resolve`, for a file: it must be in the folder or below.

        Raises:
            BuildError: it is not.
        """
        found = self.resolve(folder, path, at)
        if folder and not found.startswith(folder + "/"):
            raise errors.BuildError(
                f"the file {path} is not in or below the folder {folder}",
                hint="a file from elsewhere needs a kustomization.yaml of its own; name its folder instead",
                location=at(),
            )
        return found

    def missing(self, path: str, at: Where, kind: EntryKind | None) -> errors.BuildError:
        """The error for a path that cannot be read, which says why."""
        match kind or self._obstacle(path):
            case EntryKind.SYMLINK:
                return errors.BuildError(f"{path} is a symbolic link, which is not followed", location=at())
            case EntryKind.SUBMODULE:
                return errors.BuildError(f"{path} is in a Git submodule, which is not read", location=at())
            case EntryKind.DIRECTORY:
                return errors.BuildError(f"{path} is a folder where a file is expected", location=at())
            case _:
                return errors.BuildError(f"there is no file or folder {path}", location=at())

    def _obstacle(self, path: str) -> EntryKind | None:
        """A link or submodule on the way to a path."""
        parts = path.split("/")
        for length in range(1, len(parts)):
            kind = self.tree.kind("/".join(parts[:length]))
            if kind in (EntryKind.SYMLINK, EntryKind.SUBMODULE):
                return kind
        return None
