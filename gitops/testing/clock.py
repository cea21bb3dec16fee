"""A clock that stands still until told."""

from __future__ import annotations

import asyncio
import heapq
import itertools
from datetime import UTC, datetime, timedelta

_START = datetime(2026, 1, 1, tzinfo=UTC)
# How often other tasks get a turn after a waiter woke: enough for a chain of awaits that need no real input.
_TURNS = 20


class FakeClock:
    """Time moves by `advance` alone; with `eager`, each sleep takes no real time and moves the clock itself."""

    def __init__(self, start: datetime = _START, *, eager: bool = False) -> None:
        self._start = start
        self._elapsed = 0.0
        self._eager = eager
        self._order = itertools.count()
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self.slept: list[float] = []
        """Every sleep that was asked for, in seconds."""

    def now(self) -> datetime:
        """See `gitops.ports.clock.Clock`."""
        return self._start + timedelta(seconds=self._elapsed)

    def monotonic(self) -> float:
        """See `gitops.ports.clock.Clock`."""
        return self._elapsed

    async def sleep(self, seconds: float) -> None:
        """See `gitops.ports.clock.Clock`."""
        self.slept.append(seconds)
        if self._eager or seconds <= 0:
            self._elapsed += max(seconds, 0.0)
            await asyncio.sleep(0)
            return
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self._elapsed + seconds, next(self._order), woken))
        await woken

    async def advance(self, seconds: float) -> None:
        """Let this much time pass: whoever is due wakes in order, and gets its turn before time goes on."""
        await settle()
        until = self._elapsed + seconds
        while self._sleepers and self._sleepers[0][0] <= until:
            due, _, woken = heapq.heappop(self._sleepers)
            self._elapsed = max(self._elapsed, due)
            if not woken.done():
                woken.set_result(None)
                await settle()
        self._elapsed = until
        await settle()


async def settle() -> None:
    """Give every other task its turn until, in all likelihood, each waits for something real."""
    for _ in range(_TURNS):
        await asyncio.sleep(0)
