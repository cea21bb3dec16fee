"""Operation logs that outlive their pods."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from gitops.runner.frames import Frame
from gitops.runner.tally import Tally


class LogWriter(Protocol):
    """One operation's log, open for appending. One writer a log."""

    @property
    def tally(self) -> Tally:
        """Everything stored so far: from `tally.last` on, frames are wanted."""
        ...

    async def append(self, frames: Sequence[Frame]) -> None:
        """Add frames that follow `tally.last`; readers that follow see them at once.

        Takes as long as the store needs to keep up: what waits for it in memory is bounded.
        """
        ...

    async def sync(self) -> None:
        """Return when what was appended survives a power cut."""
        ...

    async def close(self, *, finished: bool) -> None:
        """Stop writing; `finished`: nothing will ever be added, readers that follow come to their end."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Which part of a log: the last `tail` lines (None: all), what came `since` then, what stands `after` that frame.

    `follow`: until it ended.
    """

    follow: bool = False
    tail: int | None = None
    since: datetime | None = None
    after: int = 0


class LogStore(Protocol):
    """Logs by the UID of their Operation."""

    async def writer(self, uid: str) -> LogWriter:
        """Open a log, new or begun; a record half written by a crash is cut off."""
        ...

    async def end(self, uid: str) -> None:
        """Say that nothing will be added to a log, without opening it."""
        ...

    def read(self, uid: str, span: Span) -> AsyncGenerator[Sequence[Frame], None]:
        """Frames in order, in batches.

        Raises:
            ObjectMissing: there is no such log (any more).
            LogStoreUnavailable: the store does not answer.
        """
        ...
