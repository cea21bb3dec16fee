"""Text inside a YAML file: where a line of it stands in that file.

A patch written in a kustomization is YAML within YAML. Its errors, and the values it sets, are reported at the line of
the file a person edits.
"""

from __future__ import annotations

from collections.abc import Callable

from gitops.build.kustomization import ConfigFile
from gitops.location import Location

Place = Callable[[Location], Location]
"""From a position in the text to one in the file."""


def place(source: ConfigFile, pointer: str, text: str) -> Place:
    """How positions in `text`, the value at `pointer`, map to the file; `text` may have lost blanks at its ends."""
    start = source.at(pointer)
    lines = source.text.decode("utf-8", "replace").splitlines()
    head = lines[start.line - 1][start.column - 1 :] if start.line <= len(lines) else ""
    if not head.startswith(("|", ">")):
        return lambda _inner: start
    first = text.split("\n", 1)[0].strip()
    for index in range(start.line, len(lines)):
        if lines[index].strip():
            indent = len(lines[index]) - len(lines[index].lstrip(" "))
            below = index if lines[index].strip() == first else start.line
            return lambda inner: Location(start.file, below + inner.line, indent + inner.column)
    return lambda _inner: start
