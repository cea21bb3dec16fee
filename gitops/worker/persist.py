"""Going on until the server has given a definite answer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from gitops import errors
from gitops.ports.clock import Clock

_T = TypeVar("_T")

FIRST = 0.2
LONGEST = 10.0


class Backoff:
    """Growing pauses; the server's own wish goes first."""

    def __init__(self, clock: Clock, *, longest: float = LONGEST) -> None:
        self._clock = clock
        self._longest = longest
        self._next = FIRST

    async def pause(self, wish: float = 0.0) -> None:
        """Wait; the next pause is twice as long."""
        await self._clock.sleep(max(self.next(), wish))

    def next(self) -> float:
        """Seconds of the pause that is due; the next one is twice as long."""
        due, self._next = self._next, min(self._next * 2, self._longest)
        return due

    def reset(self) -> None:
        """Things work again."""
        self._next = FIRST


async def persist(clock: Clock, request: Callable[[], Awaitable[_T]]) -> _T:
    """Repeat a request that may safely be repeated until the API server answers it, however long that takes."""
    backoff = Backoff(clock)
    while True:
        try:
            return await request()
        except errors.ClusterUnavailable as error:
            await backoff.pause(error.retry_after)
