"""Carrying out a plan, stage by stage: a stage is verified completely before anything of it is written.

The inventory is a superset of what we own at every moment: grown before the first write, trimmed after each delete is
confirmed. A crash between any two requests leaves a state the next pass finishes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from gitops import errors
from gitops.objects import inventory
from gitops.plan import order
from gitops.plan.change import Action, Change, Desired, Plan, Stage
from gitops.sync import drain, events, inventories, predict, wait, write
from gitops.sync.live import Live
from gitops.sync.means import Means
from gitops.sync.together import together


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What was done: objects moved, objects deleted, what stayed in the inventory."""

    moved: int
    deleted: int
    stored: inventories.Stored


async def execute(means: Means, plan: Plan, live: Live, stored: inventories.Stored, *, reread: bool = False) -> Outcome:
    """Carry out every write of a plan; refused changes are left alone.

    Raises:
        SeveralErrors: what the server refuses of a stage; nothing of that stage or a later one was written.
        PlanStale: the cluster moved under the plan.
    """
    stored = await _grow(means, plan, stored)
    moved = 0
    for stage in Stage:
        changes = [one for one in plan.writes if one.stage is stage and one.action is not Action.DELETE]
        if changes:
            moved += await _stage(means, stage, changes, live, reread=reread)
    deletions = [one for one in plan.writes if one.action is Action.DELETE]
    deleted = await _prune(means, deletions, live)
    return Outcome(moved=moved, deleted=deleted, stored=await _trim(means, plan, stored))


async def _grow(means: Means, plan: Plan, stored: inventories.Stored) -> inventories.Stored:
    superset = stored.inventory.union(plan.entries)
    if superset.entries.keys() == stored.inventory.entries.keys() and stored.shards:
        return stored
    return await inventories.save(means.objects, stored, superset, name=plan.name, namespace=plan.namespace)


async def _trim(means: Means, plan: Plan, stored: inventories.Stored) -> inventories.Stored:
    """Only now is the revision written down: everything of it that was not refused is in the cluster."""
    done = not plan.refused
    final = inventory.Inventory(entries=plan.entries, revision=plan.revision if done else stored.inventory.revision)
    return await inventories.save(means.objects, stored, final, name=plan.name, namespace=plan.namespace)


async def _stage(means: Means, stage: Stage, changes: Sequence[Change], live: Live, *, reread: bool) -> int:
    await _verify(means, changes, live)
    means.report(events.StageBegun(stage, len(changes)))
    moved = 0
    for wave in _waves(changes):
        moved += sum(await together(_write(means, one, live, reread=reread) for one in wave))
    if stage is Stage.FOUNDATION:
        await wait.until_healthy(means, changes, live)
    return moved


def _waves(changes: Sequence[Change]) -> Iterator[list[Change]]:
    for _, wave in groupby(changes, key=lambda change: order.wave_of(change.ref)):
        yield list(wave)


async def _verify(means: Means, changes: Sequence[Change], live: Live) -> None:
    """Dry-run whatever the plan could not verify because something of an earlier stage was missing."""
    open_changes = [one for one in changes if not one.verified and one.action in {Action.CREATE, Action.UPDATE}]
    answers = await together(predict.one(means.objects, _desired(one), live) for one in open_changes)
    failures = [(one, answer.error or answer.immutable) for one, answer in zip(open_changes, answers, strict=True)]
    found = tuple(
        errors.ObjectInvalid(f"{one.ref} would be refused", cause=why, location=one.location, ref=one.ref)
        for one, why in failures
        if why
    )
    if found:
        raise found[0] if len(found) == 1 else errors.SeveralErrors(found)


def _desired(change: Change) -> Desired:
    return Desired(manifest=change.desired or {}, ref=change.ref, authored=change.authored, location=change.location)


async def _write(means: Means, change: Change, live: Live, *, reread: bool) -> int:
    resource = live.resource_of(change.ref, change.api_version)
    target = change
    if change.action is Action.REPLACE:
        await write.delete(means.objects, resource, change)
        await wait.until_gone(means, [change], live)
        target = replace(change, action=Action.CREATE)
    try:
        applied = await write.write(means.objects, resource, target, reread=reread and target is change)
    except errors.ClusterError as error:
        error.location = error.location or change.location
        error.ref = error.ref or change.ref
        raise
    moved = applied.object["metadata"].get("resourceVersion") != change.resource_version
    means.report(events.Written(change, moved))
    return int(moved)


async def _prune(means: Means, deletions: Sequence[Change], live: Live) -> int:
    """Delete in reverse order, pools first and drained: their namespaces go when no operation runs in them."""
    pools = [one for one in deletions if drain.is_pool(one.ref)]
    rest = [one for one in deletions if not drain.is_pool(one.ref)]
    await _delete(means, pools, live)
    await drain.drain(means, pools)
    for wave in _waves(rest):
        await _delete(means, wave, live)
    return len(deletions)


async def _delete(means: Means, changes: Sequence[Change], live: Live) -> None:
    await together(write.delete(means.objects, live.resource_of(one.ref, one.api_version), one) for one in changes)
    await wait.until_gone(means, changes, live)
