"""When to ask again: bounded, jittered, and never a write that may have been carried out."""

from __future__ import annotations

import random
from dataclasses import dataclass

from gitops.cluster.request import Request
from gitops.errors import ClusterUnavailable
from gitops.ports.clock import Clock


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """`attempts` in all; pauses in seconds grow from `first` to `longest`, each a random part of that."""

    attempts: int = 5
    first: float = 0.2
    longest: float = 5.0
    patience: float = 30.0
    """The longest Retry-After that is waited for here; beyond it the caller decides."""

    def pause(self, request: Request, error: ClusterUnavailable, attempt: int) -> float | None:
        """Seconds to wait before attempt number `attempt + 1`; None if there is none."""
        if attempt >= self.attempts or error.retry_after > self.patience:
            return None
        if error.ambiguous and not request.safe:
            return None
        return error.retry_after + jitter(min(self.longest, self.first * 2 ** (attempt - 1)))


class Gate:
    """A Retry-After holds back all requests of its method, not just the one told: creates pause, reads go on."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._until: dict[str, float] = {}

    async def wait(self, method: str) -> None:
        """Until the class of this method may go."""
        while (left := self.left(method)) > 0:
            await self._clock.sleep(left)

    def left(self, method: str) -> float:
        """Seconds for which the class of this method may not go."""
        return max(0.0, self._until.get(method, 0.0) - self._clock.monotonic())

    def close(self, method: str, seconds: float) -> None:
        """Hold the class back for this long."""
        self._until[method] = max(self._until.get(method, 0.0), self._clock.monotonic() + seconds)


class Backoff:
    """Growing pauses for something that goes on for ever; a long enough healthy stretch starts over."""

    def __init__(self, *, first: float = 0.2, longest: float = 30.0) -> None:
        self._first = first
        self._longest = longest
        self._step = 0

    def pause(self) -> float:
        """The next pause in seconds: a random part of a limit that doubles each time."""
        limit = min(self._longest, self._first * 2**self._step)
        self._step = min(self._step + 1, 30)
        return jitter(limit)

    def reset(self) -> None:
        """Start over."""
        self._step = 0


def jitter(limit: float) -> float:
    """A random part of `limit`, never nothing: clients must not come back all at once, nor in a tight loop."""
    return limit * random.uniform(0.3, 1.0)  # noqa: S311 - spreads load, guards nothing
