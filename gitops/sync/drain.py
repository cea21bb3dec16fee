"""A pool that leaves Git is drained before its namespace goes: running operations finish, queued ones are failed.

Deleting the WorkerPool object is what stops admission; the worker fails what is queued (`PoolRemoved`) and follows what
runs to its end. Here we only wait, bounded, and refuse to delete what still has work in it.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from gitops import errors
from gitops.api.meta import API_VERSION, GROUP
from gitops.objects import Manifest
from gitops.plan.change import Change
from gitops.ports.objects import Resource
from gitops.ref import ResourceRef
from gitops.sync import events
from gitops.sync.means import Means

STEP = 2.0
_FINAL = frozenset({"Succeeded", "Failed", "Cancelled", "Unknown"})


def is_pool(ref: ResourceRef) -> bool:
    """The object is a WorkerPool."""
    return ref.group == GROUP and ref.kind == "WorkerPool"


def leaving(deletions: Sequence[Change], kept: Collection[ResourceRef]) -> frozenset[ResourceRef]:
    """The pools whose expansion is deleted and that are not in `kept`.

    The pool itself may be gone already: a pass that broke off after deleting it must not forget its operations.
    """
    return frozenset(one.authored for one in deletions if is_pool(one.authored) and one.authored not in kept)


async def drain(means: Means, pools: Collection[ResourceRef]) -> None:
    """Wait until no claimed operation of the pools is unfinished.

    Raises:
        TimedOut: operations still run; what is left of the pool stays owned, and the next pass goes on.
    """
    if not pools:
        return
    try:
        resource = await means.objects.resource(API_VERSION, "Operation")
    except errors.KindUnknown:
        return  # no definition, no operations
    deadline = means.clock.monotonic() + means.patience
    while running := await _running(means, resource, pools):
        words = ", ".join(f"{count} in {ref}" for ref, count in running.items())
        if means.clock.monotonic() >= deadline:
            raise errors.TimedOut(
                f"operations still run: {words}",
                hint="nothing more of the pool is deleted; the next sync goes on when they have finished",
                ref=next(iter(running)),
            )
        for ref, count in running.items():
            means.report(events.Waiting(ref, f"{count} operations still run"))
        await means.clock.sleep(STEP)


async def _running(means: Means, resource: Resource, pools: Collection[ResourceRef]) -> dict[ResourceRef, int]:
    counts = dict.fromkeys(sorted(pools), 0)
    for namespace in sorted({pool.namespace for pool in pools}):
        listing = await means.objects.list(resource, namespace)
        for pool in counts:
            if pool.namespace == namespace:
                counts[pool] = sum(1 for one in listing.items if _runs_in(one, pool.name))
    return {pool: count for pool, count in counts.items() if count}


def _runs_in(operation: Manifest, pool: str) -> bool:
    return operation["spec"].get("pool") == pool and is_claimed(operation) and not is_final(operation)


def is_claimed(operation: Manifest) -> bool:
    """A worker has begun it."""
    return (operation.get("status") or {}).get("claim") is not None


def is_final(operation: Manifest) -> bool:
    """It has its outcome."""
    return (operation.get("status") or {}).get("phase") in _FINAL
