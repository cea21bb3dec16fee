"""Waiting: until what was written is healthy, until what was deleted is gone; saying what for."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence

from gitops import errors, health
from gitops.health import Health
from gitops.objects import Manifest, conditions, ref_of
from gitops.plan.change import Change
from gitops.ports.objects import Objects, Resource
from gitops.ref import ResourceRef
from gitops.sync import claims, events
from gitops.sync.live import Live
from gitops.sync.means import Means
from gitops.sync.together import together

STEP = 0.5
LONGEST_STEP = 5.0
FEW = 3
"""Up to so many objects of a kind and namespace are asked for one by one, more by one LIST."""

Judge = Callable[[ResourceRef, Manifest | None], str]
"""Why an object is not as awaited yet, in words; empty if it is."""
Targets = Mapping[ResourceRef, Resource]


async def until_healthy(means: Means, known: Mapping[ResourceRef, Manifest], live: Live) -> None:
    """Wait until every object is healthy; those that already were when last seen are not asked for again.

    Raises:
        TimedOut: naming what was not, and why.
    """
    targets = {
        ref: live.resource_of(ref, found["apiVersion"]) for ref, found in known.items() if _unhealthy(ref, found)
    }
    lazy = await claims.waiting_for_use(means.objects, {ref: known[ref] for ref in targets})

    def judge(ref: ResourceRef, found: Manifest | None) -> str:
        return "" if ref in lazy and found is not None else _unhealthy(ref, found)

    await _until(means, targets, judge=judge)


async def until_gone(means: Means, changes: Sequence[Change], live: Live) -> None:
    """Wait until every deleted object is gone, finalizers and all.

    Raises:
        TimedOut: naming what is still there, and its finalizers.
    """
    uids = {one.ref: one.uid for one in changes}

    def judge(ref: ResourceRef, found: Manifest | None) -> str:
        return _still_there(uids[ref], found)

    await _until(means, {one.ref: live.resource_of(one.ref, one.api_version) for one in changes}, judge=judge)


def _still_there(uid: str, found: Manifest | None) -> str:
    if found is None or found["metadata"]["uid"] != uid:
        return ""
    held = holding(found)
    return f"being deleted, finalizers: {held}" if held else "being deleted"


def holding(found: Manifest) -> str:
    """The finalizers that keep an object which is being deleted, and why, if it says so itself as a GitSync does."""
    finalizers = ", ".join(found["metadata"].get("finalizers") or ())
    ready = conditions.find((found.get("status") or {}).get("conditions") or (), "Ready") or {}
    why = f": {ready['message']}" if ready.get("status") == "False" and ready.get("message") else ""
    return f"{finalizers}{why}" if finalizers else ""


def _unhealthy(_: ResourceRef, found: Manifest | None) -> str:
    if found is None:
        return "not there"
    verdict = health.of(found)
    if verdict.health is Health.DEGRADED:
        return f"{verdict.health}: {verdict.message}"
    return "" if verdict.health in {Health.HEALTHY, Health.SUSPENDED} else verdict.message or verdict.health.value


async def _until(means: Means, targets: Targets, *, judge: Judge) -> None:
    deadline = means.clock.monotonic() + means.patience
    waiting = dict(targets)
    told: dict[ResourceRef, str] = {}
    step = STEP / 10
    while waiting:
        found = await _read(means.objects, waiting)
        reasons = {ref: why for ref in waiting if (why := judge(ref, found.get(ref)))}
        waiting = {ref: resource for ref, resource in waiting.items() if ref in reasons}
        if not waiting:
            return
        if step > STEP:
            _tell(means, reasons, told)
        if means.clock.monotonic() >= deadline:
            words = "; ".join(f"{ref}: {why}" for ref, why in reasons.items())
            raise errors.TimedOut(f"after {means.patience:.0f} s still waiting for {words}", ref=next(iter(waiting)))
        await means.clock.sleep(step)
        step = min(LONGEST_STEP, step * 1.6)


async def _read(objects: Objects, targets: Targets) -> dict[ResourceRef, Manifest]:
    groups: dict[tuple[Resource, str], list[ResourceRef]] = defaultdict(list)
    for ref, resource in targets.items():
        groups[resource, ref.namespace].append(ref)

    async def read(resource: Resource, namespace: str, refs: Sequence[ResourceRef]) -> dict[ResourceRef, Manifest]:
        if len(refs) > FEW:
            listing = await objects.list(resource, namespace)
            return {ref_of(item): item for item in listing.items}
        items = [(ref, await objects.get(resource, namespace, ref.name)) for ref in refs]
        return {ref: item for ref, item in items if item is not None}

    found = await together(read(resource, namespace, refs) for (resource, namespace), refs in groups.items())
    return {ref: item for some in found for ref, item in some.items()}


def _tell(means: Means, reasons: dict[ResourceRef, str], told: dict[ResourceRef, str]) -> None:
    for ref, why in reasons.items():
        if told.get(ref) != why:
            means.report(events.Waiting(ref, why))
            told[ref] = why
