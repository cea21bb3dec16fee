"""Writing one change so that it does what the plan says, or refuses.

The recipe: apply with the uid and resourceVersion the plan was made from. If the object moved meanwhile, or an answer
was lost, read it again: a `test` that fails names the path that moved; a dry-run against the object as it is now must
give the plan's own patch (status may move, the plan holds), or nothing at all (our own write whose answer was lost).
Another uid, or an object where none was expected, makes the plan stale.
"""

from __future__ import annotations

from gitops import errors
from gitops.objects import Manifest
from gitops.plan import compare, fieldset
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
    return await _update(objects, resource, change, reread=reread)


async def _update(objects: Objects, resource: Resource, change: Change, *, reread: bool) -> Applied:
    bound = await _recheck(objects, resource, change) if reread else _bound(change, change.resource_version)
    unclear: errors.ClusterError | None = None
    for _ in range(ATTEMPTS):
        if isinstance(bound, Applied):
            return bound
        try:
            return await objects.apply(resource, bound, force=bool(change.taken))
        except (errors.FieldConflict, errors.VersionConflict) as moved:
            unclear = moved
        except errors.ClusterUnavailable as lost:
            if not lost.ambiguous:
                raise
            unclear = lost
        bound = await _recheck(objects, resource, change)
    if isinstance(unclear, errors.ClusterUnavailable):
        raise unclear
    raise _stale(change, f"changed {ATTEMPTS} times while it was being written")


def _bound(change: Change, version: str) -> Manifest:
    manifest = change.desired or {}
    metadata = {**manifest["metadata"], "uid": change.uid, "resourceVersion": version}
    return {**manifest, "metadata": metadata}


async def _recheck(objects: Objects, resource: Resource, change: Change) -> Manifest | Applied:
    """What to send, bound to the object as it is now; or the object itself, if it is as planned already."""
    live = await objects.get(resource, change.ref.namespace, change.ref.name)
    if live is None:
        raise _stale(change, "was deleted meanwhile")
    if live["metadata"]["uid"] != change.uid:
        raise _stale(change, "was deleted and made again meanwhile")
    bound = _bound(change, str(live["metadata"]["resourceVersion"]))
    moved = compare.holds(live, change.tests)
    try:
        would = await objects.apply(resource, bound, dry_run=True, force=bool(change.taken))
    except errors.FieldConflict as conflict:
        raise (_moved(change, moved) if moved else _taken_over(change, conflict)) from conflict
    except errors.VersionConflict:
        return bound  # moved again: the write itself will say so
    patch = compare.compare(live, would.object)
    if not patch and fieldset.applied(live) == fieldset.applied(would.object):
        return Applied(object=live, created=False)
    if moved:
        raise _moved(change, moved)
    if change.verified and patch != change.patch:
        extra = next((op["path"] for op in (*patch, *change.patch) if op not in patch or op not in change.patch), "")
        raise _stale(change, f"would change otherwise than planned at {extra or '/'}")
    return bound


async def _create(objects: Objects, resource: Resource, change: Change, *, reread: bool) -> Applied:
    if reread and await objects.get(resource, change.ref.namespace, change.ref.name) is not None:
        raise _exists(change)
    try:
        applied = await objects.apply(resource, change.desired or {})
    except errors.ClusterUnavailable as lost:
        if not lost.ambiguous:
            raise
        return await _created(objects, resource, change, lost)
    if not applied.created:
        raise _exists(change)
    return applied


async def _created(objects: Objects, resource: Resource, change: Change, lost: errors.ClusterUnavailable) -> Applied:
    """After a lost answer: the object, if it is there by our own apply and nobody else's; made now, if it is not."""
    live = await objects.get(resource, change.ref.namespace, change.ref.name)
    if live is None:
        again = await objects.apply(resource, change.desired or {})
        if again.created:
            return again
        live = again.object
    would = await objects.apply(resource, _bound_to(live, change), dry_run=True)
    same = fieldset.applied(live) == fieldset.applied(would.object) and not compare.compare(live, would.object)
    if same:
        return Applied(object=live, created=True)
    raise _exists(change) from lost


def _bound_to(live: Manifest, change: Change) -> Manifest:
    manifest = change.desired or {}
    return {**manifest, "metadata": {**manifest["metadata"], "uid": live["metadata"]["uid"]}}


def _exists(change: Change) -> errors.PlanStale:
    return _stale(change, "exists now, and did not when the plan was made")


def _moved(change: Change, path: str) -> errors.PlanStale:
    return _stale(change, f"moved at {path} since the plan was made")


def _taken_over(change: Change, conflict: errors.FieldConflict) -> errors.PlanStale:
    stale = _stale(change, "another manager took a field since the plan was made")
    stale.cause = conflict.cause or conflict.message
    return stale


def _stale(change: Change, why: str) -> errors.PlanStale:
    return errors.PlanStale(f"{change.ref}: {why}", hint="make a new plan", ref=change.ref)


async def delete(objects: Objects, resource: Resource, change: Change) -> bool:
    """Delete the very object the plan saw; False if it was gone already.

    Raises:
        PlanStale: another object has its name now.
    """
    options = DeleteOptions(uid=change.uid)
    for attempt in range(ATTEMPTS):
        try:
            return await objects.delete(resource, change.ref.namespace, change.ref.name, options=options)
        except errors.VersionConflict as conflict:
            stale = _stale(change, "was deleted and made again meanwhile")
            stale.cause = conflict.message
            raise stale from conflict
        except errors.ClusterUnavailable as lost:
            # Deleting the same object twice is deleting it once.
            if not lost.ambiguous or attempt + 1 == ATTEMPTS:
                raise
    return False
