"""A line of a file with a caret under the place that is meant."""

from __future__ import annotations

from collections.abc import Callable

from gitops.location import Location
from gitops.report import redact

Source = Callable[[str], "str | None"]
"""The text of a file of the configuration, if it is at hand."""


def quoted(where: Location, source: Source, width: int, *, length: int = 1) -> list[str]:
    """The line at a place, folded around it to `width` columns, `length` characters marked; empty without its text."""
    text = source(where.file) if where.line else None
    lines = text.split("\n") if text is not None else []
    if not 0 < where.line <= len(lines):
        return []
    number = str(where.line)
    gutter = " " * len(number)
    before = lines[where.line - 1][: max(where.column, 1) - 1].expandtabs(4)
    line = lines[where.line - 1].rstrip("\r").expandtabs(4)
    room = max(width - len(number) - 3, 20)
    start = max(0, len(before) - room // 2) if len(line) > room else 0
    shown = redact.plain(line[start : start + room])
    marked = max(1, min(length, len(line) - len(before), start + room - len(before)))
    return [
        f"{gutter} |",
        f"{number} | {shown}".rstrip(),
        f"{gutter} | {' ' * (len(before) - start)}{'^' * marked}",
    ]
