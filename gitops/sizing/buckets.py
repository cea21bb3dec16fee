"""Spreads of whole numbers in a few integers: counts by upper bound, each bound a tenth above the last.

What is read back is at most a tenth too high, and never too low: a request made of it holds what was seen.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable
from typing import Final

from gitops.api.workerpool import Bucket

GROWTH: Final = 1.1
FIRST: Final = 5
LARGEST: Final = 1 << 31


def _bounds() -> tuple[int, ...]:
    found = [FIRST]
    while found[-1] < LARGEST:
        found.append(max(found[-1] + 1, int(found[-1] * GROWTH)))
    return tuple(found)


BOUNDS: Final = _bounds()


def bound(value: int) -> int:
    """The upper bound under which a value is counted."""
    return BOUNDS[min(bisect_left(BOUNDS, value), len(BOUNDS) - 1)]


def merged(spreads: Iterable[Iterable[Bucket]]) -> list[Bucket]:
    """All of them together, in order."""
    counts: Counter[int] = Counter()
    for spread in spreads:
        for bucket in spread:
            counts[bucket.up_to] += bucket.runs
    return [Bucket(up_to=upto, runs=runs) for upto, runs in sorted(counts.items())]


def quantile(spread: Iterable[Bucket], share: float) -> int:
    """The least bound under which at least this share of the runs lie; 0 if there are none."""
    buckets = sorted(spread, key=lambda bucket: bucket.up_to)
    wanted, seen = share * sum(bucket.runs for bucket in buckets), 0
    for bucket in buckets:
        seen += bucket.runs
        if seen >= wanted:
            return bucket.up_to
    return 0
