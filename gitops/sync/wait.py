"""Waiting: until what was written is healthy, until what was deleted is gone; saying what for."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from gitops import errors, health
from gitops.health import Health
from gitops.objects import Manifest
from gitops.plan.change import Change
from gitops.ref import ResourceRef
from gitops.sync import events
from gitops.sync.live import Live
from gitops.sync.means import Means

STEP = 0.5
LONGEST_STEP = 5.0

Judge = Callable[[Change, Manifest | None], str]
"""Why an object is not there yet, in words; empty if it is."""


async def until_healthy(means: Means, changes: Sequence[Change], live: Live) -> None:
    """Wait until every changed object is healthy.

    Raises:
        TimedOut: naming what was not, and why.
    """
    await _until(means, changes, live, judge=_unhealthy)


async def until_gone(means: Means, changes: Sequence[Change], live: Live) -> None:
    """Wait until every deleted object is gone, finalizers and all.

    Raises:
        TimedOut: naming what is still there, and its finalizers.
    """

    def announced(change: Change, found: Manifest | None) -> str:
        why = _still_there(change, found)
        if not why:
            means.report(events.Deleted(change.ref))
        return why

    await _until(means, changes, live, judge=announced)


def _still_there(change: Change, found: Manifest | None) -> str:
    if found is None or found["metadata"]["uid"] != change.uid:
        return ""
    finalizers = ", ".join(found["metadata"].get("finalizers") or ())
    return f"being deleted, finalizers: {finalizers}" if finalizers else "being deleted"


def _unhealthy(_: Change, found: Manifest | None) -> str:
    if found is None:
        return "not there"
    verdict = health.of(found)
    if verdict.health is Health.DEGRADED:
        return f"{verdict.health}: {verdict.message}"
    return "" if verdict.health in {Health.HEALTHY, Health.SUSPENDED} else verdict.message or verdict.health.value


async def _until(means: Means, changes: Sequence[Change], live: Live, *, judge: Judge) -> None:
    deadline = means.clock.monotonic() + means.patience
    waiting = list(changes)
    told: dict[ResourceRef, str] = {}
    step = STEP / 10
    while waiting:
        reasons: dict[ResourceRef, str] = {}
        for one in waiting:
            resource = live.resource_of(one.ref, one.api_version)
            why = judge(one, await means.objects.get(resource, one.ref.namespace, one.ref.name))
            if why:
                reasons[one.ref] = why
        waiting = [one for one in waiting if one.ref in reasons]
        if not waiting:
            return
        if step > STEP:
            _tell(means, reasons, told)
        if means.clock.monotonic() >= deadline:
            words = "; ".join(f"{ref}: {why}" for ref, why in reasons.items())
            raise errors.TimedOut(f"after {means.patience:.0f} s still waiting for {words}", ref=waiting[0].ref)
        await means.clock.sleep(step)
        step = min(LONGEST_STEP, step * 1.6)


def _tell(means: Means, reasons: dict[ResourceRef, str], told: dict[ResourceRef, str]) -> None:
    for ref, why in reasons.items():
        if told.get(ref) != why:
            means.report(events.Waiting(ref, why))
            told[ref] = why
