"""Who wrote a line of a file in the configuration repository."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

UNCOMMITTED = "not committed yet"
SHALLOW = "unknown (shallow)"
UNTRACKED = "not in Git"


@dataclass(frozen=True, slots=True, kw_only=True)
class Author:
    """The commit a line came with; or `note`: why there is none to name."""

    commit: str = ""
    author: str = ""
    email: str = ""
    when: datetime | None = None
    subject: str = ""
    note: str = ""


class Blame(Protocol):
    """The authors of the files of one tree."""

    def author(self, file: str, line: int) -> Author:
        """Who wrote a line, counted from 1; 0 stands for the file as a whole, whose newest line counts.

        Raises:
            SourceUnavailable: the repository is broken.
        """
        ...
