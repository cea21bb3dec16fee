"""The tree of files a build reads: immutable, rooted at the repository, paths with forward slashes and no `..`.

Two adapters make trees (Git objects, a work tree on disk); `MemoryTree` is the one of tests and of generated input.
Reading the same path of the same tree always gives the same bytes, so code that only reads trees is pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from gitops import errors


class EntryKind(StrEnum):
    """What stands at a path."""

    FILE = "file"
    DIRECTORY = "directory"
    SYMLINK = "symlink"
    SUBMODULE = "submodule"


class Tree(Protocol):
    """An immutable tree of files."""

    def kind(self, path: str) -> EntryKind | None:
        """What stands at `path` (`""` is the root); None if nothing does."""
        ...

    def read(self, path: str) -> bytes:
        """The bytes of the file at `path`.

        Raises:
            ConfigError: no file is there, or it is larger than allowed.
        """
        ...

    def names(self, path: str) -> tuple[str, ...]:
        """The sorted names in the directory at `path`; empty if it is no directory."""
        ...


@dataclass(frozen=True, slots=True)
class MemoryTree:
    """A tree held in memory: path to content."""

    files: Mapping[str, bytes] = field(default_factory=dict)

    def kind(self, path: str) -> EntryKind | None:
        """What stands at `path`."""
        if path in self.files:
            return EntryKind.FILE
        prefix = f"{path}/" if path else ""
        return EntryKind.DIRECTORY if any(name.startswith(prefix) for name in self.files) else None

    def read(self, path: str) -> bytes:
        """The bytes at `path`."""
        try:
            return self.files[path]
        except KeyError:
            raise errors.ConfigError(f"no file {path}") from None

    def names(self, path: str) -> tuple[str, ...]:
        """The sorted names directly below `path`."""
        prefix = f"{path}/" if path else ""
        below = (name[len(prefix) :] for name in self.files if name.startswith(prefix))
        return tuple(sorted({name.split("/", 1)[0] for name in below}))
