"""Deleting what left Git: pools first and drained, then the rest in reverse order, each confirmed gone."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from gitops import errors
from gitops.api.meta import API_VERSION
from gitops.objects import Manifest
from gitops.plan import order
from gitops.plan.change import Action, Change, Plan
from gitops.ref import ResourceRef
from gitops.sync import drain, events, wait, write
from gitops.sync.live import Live
from gitops.sync.means import Means
from gitops.sync.together import together

_ENDED = frozenset({"Succeeded", "Failed"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Pruned:
    """How many objects were deleted, and which superseded ones are still referred to, by what."""

    deleted: int
    lingering: Mapping[ResourceRef, str]


async def prune(means: Means, plan: Plan, live: Live) -> Pruned:
    """Carry out the deletions of a plan.

    Raises:
        PlanStale: another object has the name of one of them now.
        TimedOut: an operation still runs in a pool that goes, or a finalizer holds an object back.
    """
    deletions = [one for one in plan.writes if one.action is Action.DELETE]
    if not deletions:
        return Pruned(deleted=0, lingering={})
    lingering = await _in_use(means, plan, [one for one in deletions if one.superseded])
    due = [one for one in deletions if one.ref not in lingering]
    pools = [one for one in due if drain.is_pool(one.ref)]
    await _delete(means, pools, live)
    await drain.drain(means, drain.leaving(due, plan.entries))
    for _, wave in groupby((one for one in due if one not in pools), key=_together):
        await _delete(means, list(wave), live)
    return Pruned(deleted=len(due), lingering=lingering)


async def _delete(means: Means, changes: Sequence[Change], live: Live) -> None:
    await together(write.delete(means.objects, live.resource_of(one.ref, one.api_version), one) for one in changes)
    await wait.until_gone(means, changes, live)
    for one in changes:
        means.report(events.Deleted(one.ref))


async def _in_use(means: Means, plan: Plan, superseded: Sequence[Change]) -> dict[ResourceRef, str]:
    """The superseded objects that a running pod or an unfinished operation names, and which; or nobody may say."""
    found: dict[ResourceRef, str] = {}
    queued = await _unfinished(means, plan) if superseded else []
    for namespace, group in groupby(sorted(superseded, key=_place), key=lambda one: one.ref.namespace):
        refs = [one.ref for one in group]
        try:
            users = [*await _running(means, namespace), *queued]
        except errors.ClusterDenied as denied:
            found.update((ref, f"nobody may say which pods use it: {denied.cause}") for ref in refs)
            continue
        for user in users:
            named = set(_strings(user.get("spec")))
            where = f"{user['kind']} {user['metadata']['namespace']}/{user['metadata']['name']}"
            found.update((ref, f"{where} refers to it") for ref in refs if ref.name in named)
    for ref, why in found.items():
        means.report(events.Waiting(ref, f"kept for now: {why}"))
    return found


def _together(change: Change) -> tuple[int, int, int, int]:
    return order.together(change.ref, change.rank)


def _place(change: Change) -> tuple[str, str]:
    return change.ref.namespace, change.ref.name


async def _running(means: Means, namespace: str) -> list[Manifest]:
    pods = await means.objects.resource("v1", "Pod")
    listing = await means.objects.list(pods, namespace)
    return [one for one in listing.items if (one.get("status") or {}).get("phase") not in _ENDED]


async def _unfinished(means: Means, plan: Plan) -> list[Manifest]:
    """Operations that have no outcome yet, of every namespace that has pools of ours."""
    try:
        resource = await means.objects.resource(API_VERSION, "Operation")
    except errors.KindUnknown:
        return []
    items: list[Manifest] = []
    for namespace in sorted(_homes(plan.entries)):
        items += (await means.objects.list(resource, namespace)).items
    return [one for one in items if not drain.is_final(one)]


def _homes(owned: Collection[ResourceRef]) -> set[str]:
    return {ref.namespace for ref in owned if drain.is_pool(ref)}


def _strings(value: Any) -> Iterator[str]:
    """Every text in a value: a name may stand in a volume, an environment, a pull secret."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for one in value.values():
            yield from _strings(one)
    elif isinstance(value, list):
        for one in value:
            yield from _strings(one)
