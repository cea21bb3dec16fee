"""Where in a file something stands: the third part of every configuration error."""

from __future__ import annotations

from typing import NamedTuple


class Location(NamedTuple):
    """A place in a file of the configuration repository; lines and columns count from 1, 0 means the whole file.

    A tuple, because a build makes one for each value it reads, and a frozen dataclass takes three times as long.
    """

    file: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        if not self.line:
            return self.file
        return f"{self.file}:{self.line}:{self.column or 1}"
