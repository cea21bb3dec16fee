"""What a pool should ask for, from what its operations used.

CPU can be shared and shrinks gracefully, so the request covers nine runs of ten. Memory cannot: a run that gets less
than it needs is killed, so the request covers the highest peak seen. Both get headroom: tomorrow's run is a new one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from gitops import api
from gitops.api.workerpool import StepUsage
from gitops.objects import quantity
from gitops.sizing import observed
from gitops.sizing.observed import Summary

HEADROOM: Final = 1.15
ENOUGH: Final = 20
"""Runs before a proposal means anything: with fewer, nine of ten is all of them."""
TOLERANCE: Final = 0.1
"""A request this near to what it should be is left alone."""
OFTEN: Final = 0.1
"""Share of throttled runs that makes the CPU limit worth a word."""
LEAST_CPU: Final = 10
LEAST_MEMORY: Final = 16
MEBI: Final = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """For one pool. `changes`: new values by their path below `spec`; none: nothing to change, and `notes` say why."""

    pool: str
    namespace: str
    evidence: Summary | None
    before: Mapping[str, Any]
    after: Mapping[str, Any]
    changes: Mapping[tuple[str, ...], str]
    notes: Sequence[str]


def propose(pool: api.WorkerPool, *, enough: int = ENOUGH) -> Proposal:
    """The requests that fit what the pool's operations used; those with resources of their own do not count."""
    entries = [one for one in pool.status.usage if not one.own_resources]
    evidence = observed.summary(entries) if entries else None
    requests, limits = pool.spec.resources.requests, pool.spec.resources.limits
    after, raised, notes = dict(requests), dict[str, str](), list[str]()
    if evidence is None or evidence.runs < enough:
        runs = evidence.runs if evidence else 0
        notes.append(f"{runs} runs are too few to say anything; {enough} would do")
    else:
        after |= _requests(evidence, requests, limits)
        raised = _limits(after, limits)
        notes += _notes(evidence, limits, entries)
    changes: dict[tuple[str, ...], str] = {
        ("resources", "requests", name): str(after[name]) for name in after if after[name] != requests.get(name)
    }
    changes |= {("resources", "limits", name): value for name, value in raised.items()}
    return Proposal(
        pool=pool.metadata.name,
        namespace=pool.metadata.namespace,
        evidence=evidence,
        before=requests,
        after=after,
        changes=changes,
        notes=notes,
    )


def _requests(evidence: Summary, now: Mapping[str, Any], limits: Mapping[str, Any]) -> dict[str, str]:
    found: dict[str, str] = {}
    if evidence.cpu_most:
        cpu = max(_up(evidence.cpu_p90 * HEADROOM, 10 if evidence.cpu_p90 < 1000 else 100), LEAST_CPU)  # noqa: PLR2004
        limit = quantity.parse(limits.get("cpu"))
        # More than the limit is refused by the server; whether the limit is too low is another question.
        cpu = min(cpu, int(limit * 1000)) if limit else cpu
        if not _near(now.get("cpu"), Decimal(cpu) / 1000):
            found["cpu"] = f"{cpu}m" if cpu % 1000 else str(cpu // 1000)
    peak = evidence.memory_peak * HEADROOM
    if evidence.out_of_memory_runs:
        # Killed at the limit: what it would have needed is not known, only that it was more.
        peak = max(peak, float(quantity.parse(limits.get("memory")) or 0) * 1.5)
    if peak:
        mebi = max(_up(peak / MEBI, 16 if peak < 1024 * MEBI else 64), LEAST_MEMORY)
        if not _near(now.get("memory"), Decimal(mebi * MEBI)):
            found["memory"] = f"{mebi}Mi" if mebi % 1024 else f"{mebi // 1024}Gi"
    return found


def _limits(requests: Mapping[str, Any], limits: Mapping[str, Any]) -> dict[str, str]:
    """A memory limit below the new request would make the pod invalid."""
    limit, wanted = quantity.parse(limits.get("memory")), quantity.parse(requests.get("memory"))
    if limit is None or wanted is None or wanted <= limit:
        return {}
    return {"memory": str(requests["memory"])}


def _notes(evidence: Summary, limits: Mapping[str, Any], entries: Sequence[StepUsage]) -> list[str]:
    found = []
    if evidence.throttled_runs > OFTEN * evidence.runs:
        limit = f" ({limits['cpu']})" if "cpu" in limits else ""
        found.append(
            f"{evidence.throttled_runs} of {evidence.runs} runs were held back by the CPU limit{limit}: "
            "they would have used more; raise or remove the limit, then look again"
        )
    if evidence.out_of_memory_runs:
        found.append(f"{evidence.out_of_memory_runs} of {evidence.runs} runs lost a process for lack of memory")
    steps = {one.step for one in entries if one.step}
    peaks = {step: max(one.memory_peak_bytes for one in entries if one.step == step) for step in steps}
    rest = [peak for step, peak in peaks.items() if peak < evidence.memory_peak]
    if len(peaks) > 1 and rest and max(rest) * 2 < evidence.memory_peak:
        greedy = max(peaks, key=lambda step: peaks[step])
        found.append(f"step {greedy} alone needs that much memory: give its operations resources of their own")
    return found


def _up(value: float, step: int) -> int:
    return -(-round(value) // step) * step


def _near(now: Any, wanted: Decimal) -> bool:
    known = quantity.parse(now)
    return known is not None and abs(known - wanted) <= wanted * Decimal(str(TOLERANCE))
