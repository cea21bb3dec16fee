"""Writing one change so that it does what the plan says, or refuses.

The recipe: apply with the uid and resourceVersion the plan was made from; if the object moved meanwhile, read it again
and look whether every old value the plan replaces still stands there (status may move, the plan holds); a value that
moved, another uid, or an object where none was expected makes the plan stale.
"""

from __future__ import annotations

from gitops import errors
from gitops.objects import Manifest
from gitops.plan import compare
from gitops.plan.change import Action, Change
from gitops.ports.objects import Applied, DeleteOptions, Objects, Resource

ATTEMPTS = 5


async def write(objects: Objects, resource: Resource, change: Change, *, reread: bool) -> Applied:
    """Create or update one object. `reread`: the plan is old, look at live first.

    Raises:
        PlanStale: the cluster is not what the plan was made against; the path that moved is named.
        ClusterError: as the server answers.
    """
    if change.action is Action.CREATE:
        return await _create(objects, resource, change, reread=reread)
    version = change.resource_version
    if reread:
        version = await _recheck(objects, resource, change)
    for _ in range(ATTEMPTS):
        try:
            return await objects.apply(resource, _bound(change, version), force=bool(change.taken))
        except errors.FieldConflict as conflict:
            raise errors.PlanStale(
                f"{change.ref}: another manager took a field since the plan was made",
                cause=conflict.cause or conflict.message,
                hint="make a new plan",
                ref=change.ref,
            ) from conflict
        except errors.VersionConflict:
            version = await _recheck(objects, resource, change)
    raise errors.PlanStale(
        f"{change.ref} changed {ATTEMPTS} times while it was being written", hint="make a new plan", ref=change.ref
    )


def _bound(change: Change, version: str) -> Manifest:
    manifest = change.desired or {}
    metadata = {**manifest["metadata"], "uid": change.uid, "resourceVersion": version}
    return {**manifest, "metadata": metadata}


async def _create(objects: Objects, resource: Resource, change: Change, *, reread: bool) -> Applied:
    if reread and await objects.get(resource, change.ref.namespace, change.ref.name) is not None:
        raise _exists(change)
    applied = await objects.apply(resource, change.desired or {})
    if not applied.created:
        raise _exists(change)
    return applied


def _exists(change: Change) -> errors.PlanStale:
    return errors.PlanStale(
        f"{change.ref} exists now, and did not when the plan was made", hint="make a new plan", ref=change.ref
    )


async def _recheck(objects: Objects, resource: Resource, change: Change) -> str:
    """The current resourceVersion, if the plan still holds."""
    live = await objects.get(resource, change.ref.namespace, change.ref.name)
    if live is None:
        raise errors.PlanStale(f"{change.ref} was deleted meanwhile", hint="make a new plan", ref=change.ref)
    if live["metadata"]["uid"] != change.uid:
        raise errors.PlanStale(
            f"{change.ref} was deleted and made again meanwhile", hint="make a new plan", ref=change.ref
        )
    moved = compare.holds(live, change.tests)
    if moved:
        raise errors.PlanStale(
            f"{change.ref} moved at {moved} since the plan was made", hint="make a new plan", ref=change.ref
        )
    return str(live["metadata"]["resourceVersion"])


async def delete(objects: Objects, resource: Resource, change: Change) -> bool:
    """Delete the very object the plan saw; False if it was gone already.

    Raises:
        PlanStale: another object has its name now.
    """
    options = DeleteOptions(uid=change.uid)
    try:
        return await objects.delete(resource, change.ref.namespace, change.ref.name, options=options)
    except errors.VersionConflict as conflict:
        raise errors.PlanStale(
            f"{change.ref} was deleted and made again meanwhile",
            cause=conflict.message,
            hint="make a new plan",
            ref=change.ref,
        ) from conflict
