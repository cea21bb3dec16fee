"""A pool that leaves Git is drained before its namespace goes: running operations finish, queued ones are failed.

Deleting the WorkerPool object is what stops admission; the worker fails what is queued (`PoolRemoved`) and follows what
runs to its end. Here we only wait, bounded, and refuse to delete what still has work in it.
"""

from __future__ import annotations

from collections.abc import Sequence

from gitops import errors
from gitops.api.meta import API_VERSION, GROUP
from gitops.objects import Manifest
from gitops.plan.change import Change
from gitops.ref import ResourceRef
from gitops.sync import events
from gitops.sync.means import Means

STEP = 2.0
_FINAL = frozenset({"Succeeded", "Failed", "Cancelled", "Unknown"})


def is_pool(ref: ResourceRef) -> bool:
    """The object is a WorkerPool."""
    return ref.group == GROUP and ref.kind == "WorkerPool"


async def drain(means: Means, pools: Sequence[Change]) -> None:
    """Wait until no claimed operation of the deleted pools is unfinished.

    Raises:
        TimedOut: operations still run; what is left of the pool stays owned, and the next pass goes on.
    """
    if not pools:
        return
    resource = await means.objects.resource(API_VERSION, "Operation")
    deadline = means.clock.monotonic() + means.patience
    while True:
        running: dict[ResourceRef, int] = {}
        for pool in pools:
            listing = await means.objects.list(resource, pool.ref.namespace)
            count = sum(1 for one in listing.items if _runs_in(one, pool.ref.name))
            if count:
                running[pool.ref] = count
        if not running:
            return
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


def _runs_in(operation: Manifest, pool: str) -> bool:
    status = operation.get("status") or {}
    return (
        operation["spec"].get("pool") == pool and status.get("claim") is not None and status.get("phase") not in _FINAL
    )
