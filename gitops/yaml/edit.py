"""Edits that leave everything else of a file as it is: comments, order, quotes, indents, line ends.

Only the characters named are replaced. A printer that reads and writes the whole file, however careful, would touch
lines nobody asked about, and a review would have to look at them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

_BOM = "\ufeff"


@dataclass(frozen=True, slots=True, order=True)
class Edit:
    """Replace the characters `start` to `end` (counted as in `scan.Scalar`) by `text`; an equal pair inserts."""

    start: int
    end: int
    text: str


def apply(content: bytes, edits: Iterable[Edit]) -> bytes:
    """The content with all edits made; one that overlaps an earlier one is left out."""
    text = content.decode("utf-8")
    mark = _BOM if text.startswith(_BOM) else ""
    text = text.removeprefix(_BOM)
    pieces: list[str] = [mark]
    position = 0
    for edit in sorted(set(edits)):
        if edit.start < position:
            continue
        pieces += [text[position : edit.start], edit.text]
        position = edit.end
    pieces.append(text[position:])
    return "".join(pieces).encode("utf-8")


def quoted(text: str) -> str:
    """A string of one line in double quotes."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
