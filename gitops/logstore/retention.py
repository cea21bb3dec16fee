"""Which logs are no longer kept."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A log that has ended or was left open: when it was last written (seconds since 1970), and its size."""

    name: str
    written: float
    bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """How long ended logs are kept, and how many bytes all together; the oldest go first."""

    seconds: float = 30 * 86400.0
    bytes: int = 10 * 1024**3
    abandoned: float = 7 * 86400.0
    """Seconds after which a log that nobody writes counts as ended: its worker and its operation are gone."""

    def doomed(self, logs: Iterable[Kept], *, now: float) -> list[str]:
        """Names of the logs to remove."""
        total, found = 0, []
        for log in sorted(logs, key=lambda log: log.written, reverse=True):
            total += log.bytes
            if log.written < now - self.seconds or total > self.bytes:
                found.append(log.name)
        return found
