"""From the end record of a run to the usage kept in a pool's status.

Kept by step, in periods: the current one and the one before, so that what a script used long ago is forgotten. The
whole is bounded whatever people call their steps.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import msgspec

from gitops import api
from gitops.api.workerpool import Bucket, StepUsage
from gitops.pods import marks
from gitops.pods.outcome import Outcome
from gitops.runner.record import EndRecord
from gitops.sizing import buckets

PERIOD: Final = timedelta(days=14)
MOST: Final = 64
"""Entries in a pool's status; of more, those that were not added to for the longest time go."""
THROTTLED: Final = 0.05
"""Share of its time a run must have been held back by its CPU limit to count as throttled."""
SHORTEST: Final = 1.0
"""Seconds. What starts and ends within one would look as if it needed more cores than there are."""
MEBI: Final = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What one run used. `cpu`: millicores on average, `memory`: bytes at the peak; None: not known."""

    step: str
    own_resources: bool
    at: str
    cpu: int | None = None
    memory: int | None = None
    throttled: bool = False
    out_of_memory: bool = False


def run(operation: api.Operation, ended: Outcome, *, at: str) -> Run | None:
    """What an operation that ended tells of its step; None if nothing."""
    if operation.metadata.labels.get(marks.CANARY):
        return None
    resources, record = operation.spec.resources, ended.record
    killed = ended.reason == "OutOfMemory"
    seconds = _seconds(record) if record is not None else 0.0
    if record is None or seconds <= 0:
        # A group killed for memory leaves no record, and is the strongest hint there is.
        record = EndRecord(version=1, exit_code=0) if killed else None
    if record is None:
        return None
    return Run(
        step=operation.metadata.labels.get(marks.STEP, ""),
        own_resources=bool(resources.requests or resources.limits),
        at=at,
        cpu=round(record.cpu_ms / max(seconds, SHORTEST)) if record.cpu_ms >= 0 and seconds > 0 else None,
        memory=record.memory_peak if record.memory_peak >= 0 else None,
        throttled=record.throttled_ms > THROTTLED * seconds * 1000 > 0,
        out_of_memory=killed or record.oom_kills > 0,
    )


def _seconds(record: EndRecord) -> float:
    if not record.started or not record.finished:
        return 0.0
    return (datetime.fromisoformat(record.finished) - datetime.fromisoformat(record.started)).total_seconds()


def fold(known: Sequence[StepUsage], runs: Iterable[Run]) -> list[StepUsage]:
    """The usage with these runs added, oldest first."""
    found = list(known)
    for one in runs:
        entries = [entry for entry in found if (entry.step, entry.own_resources) == (one.step, one.own_resources)]
        newest = max(entries, key=lambda entry: entry.since, default=None)
        if newest is None or _over(newest, one.at):
            gone = sorted(entries, key=lambda entry: entry.since)[:-1]
            found = [entry for entry in found if entry not in gone]
            newest = StepUsage(step=one.step, own_resources=one.own_resources, since=one.at)
        else:
            found.remove(newest)
        found.append(_added(newest, one))
    found.sort(key=lambda entry: (entry.last, entry.step, entry.own_resources))
    return found[-MOST:]


def _over(entry: StepUsage, at: str) -> bool:
    return datetime.fromisoformat(at) - datetime.fromisoformat(entry.since) > PERIOD


def _added(entry: StepUsage, one: Run) -> StepUsage:
    return msgspec.structs.replace(
        entry,
        last=max(entry.last, one.at),
        runs=entry.runs + 1,
        cpu_millicores=_counted(entry.cpu_millicores, one.cpu),
        memory_mebibytes=_counted(entry.memory_mebibytes, None if one.memory is None else -(-one.memory // MEBI)),
        memory_peak_bytes=max(entry.memory_peak_bytes, one.memory or 0),
        throttled_runs=entry.throttled_runs + one.throttled,
        out_of_memory_runs=entry.out_of_memory_runs + one.out_of_memory,
    )


def _counted(spread: list[Bucket], value: int | None) -> list[Bucket]:
    if value is None:
        return spread
    return buckets.merged([spread, [Bucket(up_to=buckets.bound(value), runs=1)]])


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """Entries as one: CPU in millicores, memory in bytes; 0 where nothing is known."""

    runs: int
    since: str
    last: str
    cpu_median: int
    cpu_p90: int
    cpu_most: int
    memory_median: int
    memory_peak: int
    throttled_runs: int
    out_of_memory_runs: int


def summary(entries: Sequence[StepUsage]) -> Summary:
    """What some entries, at least one, say together."""
    cpu = buckets.merged(entry.cpu_millicores for entry in entries)
    memory = buckets.merged(entry.memory_mebibytes for entry in entries)
    peak = max(entry.memory_peak_bytes for entry in entries)
    return Summary(
        runs=sum(entry.runs for entry in entries),
        since=min(entry.since for entry in entries),
        last=max(entry.last for entry in entries),
        cpu_median=buckets.quantile(cpu, 0.5),
        cpu_p90=buckets.quantile(cpu, 0.9),
        cpu_most=buckets.quantile(cpu, 1.0),
        # A bucket's bound may lie above all that was seen.
        memory_median=min(buckets.quantile(memory, 0.5) * MEBI, peak),
        memory_peak=peak,
        throttled_runs=sum(entry.throttled_runs for entry in entries),
        out_of_memory_runs=sum(entry.out_of_memory_runs for entry in entries),
    )
