"""What this process has seen start and end: for metrics only, nothing is decided by it."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import datetime

from gitops import api
from gitops.pods.outcome import Outcome


class Figures:
    """Sums since the process started, by pool."""

    def __init__(self) -> None:
        self.started: Counter[str] = Counter()
        self.waited: defaultdict[str, float] = defaultdict(float)
        self.ended: Counter[tuple[str, str, str]] = Counter()

    def start(self, operation: api.Operation, now: datetime) -> None:
        """An operation was claimed."""
        pool = operation.spec.pool
        self.started[pool] += 1
        created = operation.metadata.creation_timestamp
        if created:
            self.waited[pool] += max((now - datetime.fromisoformat(created)).total_seconds(), 0.0)

    def end(self, pool: str, outcome: Outcome) -> None:
        """An operation ended."""
        self.ended[pool, outcome.phase.value, outcome.reason] += 1
