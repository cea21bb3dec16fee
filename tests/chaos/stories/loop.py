"""An event loop whose time passes only when nobody has anything to do: an hour of waiting takes no time at all.

A story told on it is the same every time: there are no threads, no sockets, and no clock but this one.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

_T = TypeVar("_T")
START = datetime(2026, 1, 1, tzinfo=UTC)


class _Skip(selectors.DefaultSelector):
    """Nothing ever arrives from outside: waiting for it is waiting for the next timer."""

    def __init__(self) -> None:
        super().__init__()
        self.elapsed = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise AssertionError("everybody waits for ever")
        self.elapsed += max(timeout, 0.0)
        return []


class VirtualLoop(asyncio.SelectorEventLoop):
    """Time starts at 0 and jumps from timer to timer."""

    def __init__(self) -> None:
        self._skip = _Skip()
        super().__init__(self._skip)
        self.faults: list[Mapping[str, Any]] = []
        """Exceptions nobody took: each is a fault of the program, or of the story."""
        self.set_exception_handler(lambda _, context: self.faults.append(context))

    def time(self) -> float:
        return self._skip.elapsed

    def work(self, seconds: float) -> None:
        """Whoever calls this is busy for so long."""
        self._skip.elapsed += seconds


class VirtualClock:
    """The loop's time as a Clock; `skew` is by how many seconds the time of day is wrong, and may be changed."""

    def __init__(self, skew: float = 0.0) -> None:
        self.skew = skew

    def now(self) -> datetime:
        return START + timedelta(seconds=self.monotonic() + self.skew)

    def monotonic(self) -> float:
        return asyncio.get_running_loop().time()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(max(seconds, 0.0))


def tell(story: Coroutine[Any, Any, _T]) -> _T:
    """Run to the end; whatever still runs then is stopped."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        told = runner.run(story)
        loop = runner.get_loop()
        assert isinstance(loop, VirtualLoop)
        assert not loop.faults, loop.faults
        return told
