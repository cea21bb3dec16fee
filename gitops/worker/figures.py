"""What this process has seen start and end: for metrics only, nothing is decided by it."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from gitops import api
from gitops.pods.outcome import Outcome
from gitops.pods.stage import Progress

QUEUE_BOUNDS: Final = (0.5, 1.0, 2.5, 5.0, 15.0, 60.0, 300.0, 900.0, 3600.0)
"""Seconds."""


@dataclass(slots=True)
class Spread:
    """How often each length of time came: `counts` by upper bound, the last one without; and their sum in seconds."""

    counts: list[int] = field(default_factory=lambda: [0] * (len(QUEUE_BOUNDS) + 1))
    total: float = 0.0

    def add(self, seconds: float) -> None:
        """One more."""
        self.counts[bisect_left(QUEUE_BOUNDS, seconds)] += 1
        self.total += seconds


class Figures:
    """Sums since the process started, by pool."""

    bounds = QUEUE_BOUNDS

    def __init__(self) -> None:
        self.queued: defaultdict[str, Spread] = defaultdict(Spread)
        """From creation, or the end of the attempt before, to claim."""
        self.pending: Counter[tuple[str, str]] = Counter()
        """Milliseconds that pods waited before their script ran, by pool and reason."""
        self.ended: Counter[tuple[str, str, str]] = Counter()
        """Operations by pool, phase and reason."""

    def start(self, operation: api.Operation, now: datetime) -> None:
        """An operation was claimed."""
        attempts = operation.status.attempts
        since = attempts[-1].finished_at if attempts else operation.metadata.creation_timestamp
        waited = (now - datetime.fromisoformat(since)).total_seconds() if since else 0.0
        self.queued[operation.spec.pool].add(max(waited, 0.0))

    def pend(self, pool: str, progress: Progress, seconds: float) -> None:
        """A pod waited for so long where it stood."""
        self.pending[pool, progress.reason or progress.stage.value] += round(seconds * 1000)

    def end(self, pool: str, outcome: Outcome) -> None:
        """An operation ended."""
        self.ended[pool, outcome.phase.value, outcome.reason] += 1
