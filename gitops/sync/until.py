"""Waiting for what a person names: a GitSync or any object, until it is ready, healthy, synced or gone."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum

import msgspec

from gitops import api, errors, health
from gitops.health import Health
from gitops.objects import Manifest, conditions
from gitops.plan.change import Desired
from gitops.ports.objects import Resource
from gitops.ref import ResourceRef
from gitops.sync import events, explain, inventories, live, status, wait
from gitops.sync.means import Means

STEP = 0.25
LONGEST_STEP = 3.0


class Goal(StrEnum):
    """What is waited for."""

    READY = "ready"
    HEALTHY = "healthy"
    SYNCED = "synced"
    DELETED = "deleted"


Ask = Callable[[], Awaitable[str]]
"""Why it is not so yet, in words; empty if it is."""
Newest = Callable[[], Awaitable[str]]
"""The revision a GitSync's reference points at now."""


async def until(means: Means, ref: ResourceRef, goal: Goal, ask: Ask) -> None:
    """Ask until there is nothing left to wait for.

    Raises:
        TimedOut: with the words of the last answer.
    """
    deadline = means.clock.monotonic() + means.patience
    told, step = "", STEP
    while words := await ask():
        if words != told:
            means.report(events.Waiting(ref, words))
            told = words
        if means.clock.monotonic() >= deadline:
            raise errors.TimedOut(f"{ref} is not {goal} after {means.patience:.0f} s", cause=words, ref=ref)
        await means.clock.sleep(min(step, max(0.05, deadline - means.clock.monotonic())))
        step = min(LONGEST_STEP, step * 1.5)


async def of_object(means: Means, resource: Resource, ref: ResourceRef, goal: Goal) -> str:
    """Why an object is not as wanted."""
    found = await means.objects.get(resource, ref.namespace, ref.name)
    if goal is Goal.DELETED:
        return _still_there(found)
    if found is None:
        return "it does not exist"
    words = _unready(found) if goal is Goal.READY else unhealthy(found)
    if not words:
        return ""
    why = await explain.why(means.objects, found)
    return f"{words}: {why}" if why and why not in words else words


def _still_there(found: Manifest | None) -> str:
    if found is None:
        return ""
    if not found["metadata"].get("deletionTimestamp"):
        return "nobody has deleted it"
    held = wait.holding(found)
    return f"being deleted, held back by {held}" if held else "being deleted"


def unhealthy(found: Manifest) -> str:
    """Why an object is not healthy, as it says itself; empty if it is."""
    verdict = health.of(found)
    return "" if verdict.health is Health.HEALTHY else f"{verdict.health}: {verdict.message}".removesuffix(": ")


def _unready(found: Manifest) -> str:
    """The condition Ready, or for kinds that have none their health."""
    known = (found.get("status") or {}).get("conditions") or ()
    ready = conditions.find(known, "Ready")
    if ready is None:
        return unhealthy(found)
    if ready.get("status") == "True":
        return ""
    return str(ready.get("message") or ready.get("reason") or "not Ready")


async def of_sync(means: Means, ref: ResourceRef, goal: Goal, newest: Newest) -> str:
    """Why a GitSync is not as wanted."""
    found = await means.objects.get(status.GIT_SYNCS, ref.namespace, ref.name)
    if goal is Goal.DELETED:
        return _still_there(found)
    if found is None:
        return "it does not exist"
    sync = msgspec.convert(found, api.GitSync)
    if goal is Goal.SYNCED:
        return _behind(sync, await newest()) or _not_ready(sync)
    if goal is Goal.READY:
        return _not_ready(sync)
    return _not_ready(sync) or await _ailing(means, sync)


def _not_ready(sync: api.GitSync) -> str:
    if sync.status.observed_generation != sync.metadata.generation:
        return "it is suspended" if sync.spec.suspend else "no reconciler has looked at it as it is now"
    ready = next((one for one in sync.status.conditions if one.type == "Ready"), None)
    if ready is None:
        return "no reconciler has looked at it yet"
    return "" if ready.status == "True" else f"{ready.reason}: {ready.message}"


def _behind(sync: api.GitSync, newest: str) -> str:
    if sync.status.last_applied_revision == newest:
        return ""
    told = _not_ready(sync)
    applied = sync.status.last_applied_revision or "nothing"
    return f"{newest} is not applied yet, {applied} is{f'; {told}' if told else ''}"


async def _ailing(means: Means, sync: api.GitSync) -> str:
    """The first object of the inventory that is not healthy, and how many more."""
    found = await inspect(means, sync.metadata.name, sync.metadata.namespace)
    bad = [one for one in found if one.health not in {Health.HEALTHY, Health.SUSPENDED}]
    if not bad:
        return ""
    first = bad[0]
    more = f", and {len(bad) - 1} more" if len(bad) > 1 else ""
    words = f"{first.ref} is {first.health}: {first.why}".removesuffix(": ")
    return f"{words}{more}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspected:
    """One owned object as it is: its health, and why if it is not Healthy."""

    ref: ResourceRef
    health: Health
    why: str = ""


async def inspect(means: Means, name: str, namespace: str, *, explained: int = 5) -> tuple[Inspected, ...]:
    """The health of everything an inventory owns; of the first few unhealthy ones the cluster is asked why."""
    stored = await inventories.load(means.objects, name=name, namespace=namespace)
    nothing: tuple[Desired, ...] = ()
    read = await live.read(means.objects, nothing, stored.inventory, namespace=namespace)
    out: list[Inspected] = []
    for ref in sorted(stored.inventory.entries):
        found = read.objects.get(ref)
        if ref in read.unreadable:
            out.append(Inspected(ref=ref, health=Health.UNKNOWN, why=read.unreadable[ref]))
        elif found is None:
            out.append(Inspected(ref=ref, health=Health.MISSING, why="it does not exist"))
        else:
            asking = sum(1 for one in out if one.health is not Health.HEALTHY) < explained
            out.append(await _judged(means, ref, found, explained=asking))
    return tuple(out)


async def _judged(means: Means, ref: ResourceRef, found: Manifest, *, explained: bool) -> Inspected:
    verdict = health.of(found)
    if verdict.health in {Health.HEALTHY, Health.SUSPENDED} or not explained:
        return Inspected(ref=ref, health=verdict.health, why=verdict.message)
    why = await explain.why(means.objects, found)
    words = f"{verdict.message}: {why}" if why and why not in verdict.message else verdict.message
    return Inspected(ref=ref, health=verdict.health, why=words)
