"""Waiting: until what was written is healthy, until what was deleted is gone; saying what for."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from gitops import errors, health
from gitops.health import Health
from gitops.objects import Manifest
from gitops.plan.change import Change
from gitops.ports.clock import Clock
from gitops.ports.objects import Objects
from gitops.ref import ResourceRef
from gitops.sync import events
from gitops.sync.live import Live

STEP = 0.5
LONGEST_STEP = 5.0

Judge = Callable[[Manifest | None], str]
"""Why an object is not there yet, in words; empty if it is."""


async def until_healthy(  # noqa: PLR0913 - a wait needs all of what it waits with
    objects: Objects, clock: Clock, changes: Sequence[Change], live: Live, *, timeout: float, report: events.Reporter
) -> None:
    """Wait until every changed object is healthy.

    Raises:
        TimedOut: naming what was not, and why.
    """
    await _until(objects, clock, changes, live, timeout=timeout, report=report, judge=_unhealthy)


async def until_gone(  # noqa: PLR0913 - as above
    objects: Objects, clock: Clock, changes: Sequence[Change], live: Live, *, timeout: float, report: events.Reporter
) -> None:
    """Wait until every deleted object is gone, finalizers and all.

    Raises:
        TimedOut: naming what is still there, and its finalizers.
    """
    uids = {one.ref: one.uid for one in changes}

    def announce(ref: ResourceRef) -> None:
        report(events.Deleted(ref))

    def still_there(found: Manifest | None) -> str:
        if found is None or found["metadata"]["uid"] not in uids.values():
            return ""
        finalizers = ", ".join(found["metadata"].get("finalizers") or ())
        return f"being deleted, finalizers: {finalizers}" if finalizers else "being deleted"

    await _until(objects, clock, changes, live, timeout=timeout, report=report, judge=still_there, announce=announce)


def _unhealthy(found: Manifest | None) -> str:
    if found is None:
        return "not there"
    verdict = health.of(found)
    return "" if verdict.health is Health.HEALTHY else verdict.message or verdict.health.value


async def _until(  # noqa: PLR0913 - as above
    objects: Objects,
    clock: Clock,
    changes: Sequence[Change],
    live: Live,
    *,
    timeout: float,  # noqa: ASYNC109 - the clock is a port; asyncio's own could not be faked
    report: events.Reporter,
    judge: Judge,
    announce: Callable[[ResourceRef], None] | None = None,
) -> None:
    deadline = clock.monotonic() + timeout
    waiting = list(changes)
    told: dict[ResourceRef, str] = {}
    step = 0.0
    while waiting:
        reasons: dict[ResourceRef, str] = {}
        for one in waiting:
            resource = live.resource_of(one.ref, one.api_version)
            why = judge(await objects.get(resource, one.ref.namespace, one.ref.name))
            if why:
                reasons[one.ref] = why
            elif announce:
                announce(one.ref)
        waiting = [one for one in waiting if one.ref in reasons]
        for ref, why in reasons.items():
            if step and told.get(ref) != why:
                report(events.Waiting(ref, why))
                told[ref] = why
        if waiting and clock.monotonic() >= deadline:
            words = "; ".join(f"{ref}: {why}" for ref, why in reasons.items())
            raise errors.TimedOut(f"after {timeout:.0f} s still waiting for {words}", ref=waiting[0].ref)
        if waiting:
            step = min(LONGEST_STEP, step * 1.5 or STEP)
            await clock.sleep(step)
