"""A tree that notes what is asked of it: the whole input of whatever is computed from it alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from gitops.source.tree import EntryKind, Tree


@dataclass(frozen=True, slots=True)
class Asked:
    """The questions, without the answers: paths by what was asked of them, each in the order of asking."""

    kinds: tuple[str, ...]
    files: tuple[str, ...]
    folders: tuple[str, ...]

    def answers(self, tree: Tree) -> Iterator[bytes]:
        """What a tree answers, as bytes that differ whenever an answer does.

        Raises:
            ConfigError: a file cannot be read.
        """
        for path in self.kinds:
            yield (tree.kind(path) or "nothing").encode()
        for path in self.files:
            if tree.kind(path) is not EntryKind.FILE:
                yield b"no file"
                continue
            content = tree.read(path)
            yield str(len(content)).encode()
            yield content
        for path in self.folders:
            names = tree.names(path)
            yield str(len(names)).encode()
            yield from (name.encode("utf-8", "surrogateescape") for name in names)


@dataclass(slots=True)
class Recorded:
    """The `Tree` behind it, and the paths it was asked for."""

    tree: Tree
    _kinds: dict[str, None] = field(default_factory=dict)
    _files: dict[str, None] = field(default_factory=dict)
    _folders: dict[str, None] = field(default_factory=dict)

    def kind(self, path: str) -> EntryKind | None:
        """What stands at `path`."""
        self._kinds[path] = None
        return self.tree.kind(path)

    def read(self, path: str) -> bytes:
        """The bytes of the file at `path`."""
        self._files[path] = None
        return self.tree.read(path)

    def names(self, path: str) -> tuple[str, ...]:
        """The sorted names in the directory at `path`."""
        self._folders[path] = None
        return self.tree.names(path)

    @property
    def asked(self) -> Asked:
        """Everything asked so far."""
        return Asked(tuple(self._kinds), tuple(self._files), tuple(self._folders))
