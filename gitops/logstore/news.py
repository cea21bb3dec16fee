"""Who follows a log hears of what was added to it."""

from __future__ import annotations

import asyncio

from gitops.ports.clock import Clock


class News:
    """One event a log that somebody follows, set at the next addition."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._events: dict[str, asyncio.Event] = {}

    def of(self, uid: str) -> asyncio.Event:
        """Set at the next addition; to be asked for before looking what is there."""
        return self._events.setdefault(uid, asyncio.Event())

    def announce(self, uid: str) -> None:
        """Something was added, or the log ended."""
        event = self._events.pop(uid, None)
        if event is not None:
            event.set()

    async def wait(self, event: asyncio.Event, *, most: float) -> None:
        """Until it is set, or so many seconds passed: another process may be the one that writes."""
        waits = {asyncio.create_task(event.wait()), asyncio.create_task(self._clock.sleep(most))}
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in waits:
                task.cancel()
