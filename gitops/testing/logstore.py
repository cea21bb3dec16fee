"""The LogStore port in memory; what was not synced is lost when a process is said to die."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field

from gitops.errors import ObjectMissing
from gitops.ports.clock import Clock
from gitops.ports.logstore import LogWriter, Span
from gitops.runner.frames import Frame
from gitops.runner.lines import LastLines
from gitops.runner.tally import Tally
from gitops.testing.clock import FakeClock


@dataclass(slots=True)
class _Log:
    frames: list[Frame] = field(default_factory=list)
    arrived: list[float] = field(default_factory=list)
    durable: int = 0
    ended: bool = False
    news: asyncio.Event = field(default_factory=asyncio.Event)

    def announce(self) -> None:
        """Wake whoever follows."""
        self.news.set()
        self.news = asyncio.Event()


class FakeLogStore:
    """See `gitops.ports.logstore.LogStore`."""

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock = clock or FakeClock()
        self._logs: dict[str, _Log] = {}

    async def writer(self, uid: str) -> LogWriter:
        """See the port."""
        log = self._logs.setdefault(uid, _Log())
        return _Writer(log, self._clock)

    async def end(self, uid: str) -> None:
        """See the port."""
        if uid in self._logs:
            self._logs[uid].ended = True
            self._logs[uid].announce()

    async def read(self, uid: str, span: Span) -> AsyncGenerator[Sequence[Frame], None]:
        """See the port."""
        log = self._logs.get(uid)
        if log is None:
            raise ObjectMissing(f"there is no log of operation {uid}")
        since = span.since.timestamp() if span.since else 0.0
        at = next((index for index, when in enumerate(log.arrived) if when >= since), len(log.frames))
        at = at if span.tail is None else max(at, _tail(log.frames, span.tail))
        at = max(at, next((index for index, frame in enumerate(log.frames) if frame.seq > span.after), len(log.frames)))
        while True:
            news, ended = log.news, log.ended
            if at < len(log.frames):
                batch = log.frames[at:]
                at = len(log.frames)
                yield batch
            if ended or not span.follow:
                return
            await news.wait()

    def frames(self, uid: str) -> list[Frame]:
        """Everything stored of a log."""
        return list(self._logs[uid].frames) if uid in self._logs else []

    def lose(self) -> None:
        """The power goes: what was not synced is gone."""
        for log in self._logs.values():
            del log.frames[log.durable :]
            del log.arrived[log.durable :]


class _Writer:
    """See `gitops.ports.logstore.LogWriter`."""

    def __init__(self, log: _Log, clock: Clock) -> None:
        self._log = log
        self._clock = clock
        self.tally = Tally()
        self.tally.add(log.frames)

    async def append(self, frames: Sequence[Frame]) -> None:
        """See the port."""
        self._log.frames += frames
        self._log.arrived += [self._clock.now().timestamp()] * len(frames)
        self.tally.add(frames)
        self._log.announce()

    async def sync(self) -> None:
        """See the port."""
        self._log.durable = len(self._log.frames)

    async def close(self, *, finished: bool) -> None:
        """See the port."""
        if finished:
            self._log.ended = True
            self._log.announce()


def _tail(frames: Sequence[Frame], lines: int) -> int:
    """Where the last lines begin; a line in several frames is one."""
    found = LastLines(lines).earlier([(frame.stream, index) for index, frame in enumerate(frames)])
    return (found or 0) if lines else len(frames)
