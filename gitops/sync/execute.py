"""Carrying out a plan, stage by stage: a stage is verified completely before anything of it is written.

The inventory is a superset of what we own at every moment: grown before the first write, trimmed after the deletions
are confirmed. Nothing is deleted before what replaces it is healthy. A crash between any two requests leaves a state
the next pass finishes.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import TypeVar

from gitops import api, errors
from gitops.objects import Manifest, inventory
from gitops.plan import order
from gitops.plan.change import Action, Change, Desired, Plan, Stage
from gitops.ports.objects import Applied
from gitops.ref import ResourceRef
from gitops.sync import events, inventories, predict, prune, wait, write
from gitops.sync.live import Live
from gitops.sync.means import Means, reconciler
from gitops.sync.together import together

RIGHTS_SECONDS = 10.0
"""An API server learns of new roles and bindings by a watch: it may deny for a moment what they grant."""
_FRESH_NAMESPACE = re.compile(r'error looking up service account \S+/default: serviceaccount "default" not found')
"""A controller makes the account that every pod of a new namespace has."""
PAUSE = 0.2

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What was done: objects moved, objects deleted, what stayed in the inventory.

    `lingering` are superseded objects that something running still refers to, and what: a later pass deletes them.
    """

    moved: int
    deleted: int
    stored: inventories.Stored
    lingering: Mapping[ResourceRef, str] = field(default_factory=dict)


@dataclass(slots=True, kw_only=True)
class _Run:
    """One execution: what was written so far, and until when a denial may be news of our rights under way."""

    means: Means
    live: Live
    reread: bool
    itself: ResourceRef
    written: dict[ResourceRef, Manifest] = field(default_factory=dict)
    moved: int = 0
    patient_until: float = 0.0

    async def patiently(self, change: Change, call: Callable[[], Awaitable[Result]]) -> Result:
        """The call, again while a denial, or a kind or account that is not there yet, may be a matter of moments."""
        new_kind = (change.api_version, change.ref.kind) in self.live.planned
        while True:
            try:
                return await call()
            except (errors.ClusterDenied, errors.KindUnknown, errors.ObjectInvalid) as error:
                late = self.means.clock.monotonic() >= self.patient_until
                if late or (isinstance(error, errors.KindUnknown) and not new_kind):
                    raise
                if isinstance(error, errors.ObjectInvalid) and not _FRESH_NAMESPACE.search(str(error)):
                    raise
            await self.means.clock.sleep(PAUSE)

    async def healthy(self, known: Mapping[ResourceRef, Manifest]) -> None:
        """Wait for these; a GitSync in the very repository it follows is not Ready before this pass has ended."""
        others = {ref: one for ref, one in known.items() if ref != self.itself}
        await wait.until_healthy(self.means, others, self.live)

    def be_patient(self) -> None:
        """Rights or definitions were just written."""
        self.patient_until = self.means.clock.monotonic() + RIGHTS_SECONDS


async def execute(
    means: Means,
    plan: Plan,
    live: Live,
    stored: inventories.Stored,
    *,
    healthy: bool = True,
    reread: bool = False,
) -> Outcome:
    """Carry out every write of a plan; refused changes are left alone.

    Raises:
        SeveralErrors: what the server refuses of a stage; nothing of that stage or a later one was written.
        PlanStale: the cluster moved under the plan.
        TimedOut: with `healthy`, something is not; nothing was deleted.
    """
    itself = ResourceRef(group=api.GROUP, kind="GitSync", namespace=plan.namespace, name=plan.name)
    run = _Run(means=means, live=live, reread=reread, itself=itself)
    changes = [one for one in plan.writes if one.action is not Action.DELETE]
    # Only the record of what was done needs this answer, so it comes while the work goes on.
    remembered = plan.writes or plan.revision != stored.inventory.revision
    who = asyncio.ensure_future(means.who() if remembered else reconciler())
    try:
        home = await _home(run, changes, plan.namespace)
        grown = await _grow(means, plan, stored)
        for stage in Stage:
            await _stage(run, stage, [one for one in changes if one.stage is stage and one.ref not in home])
        if healthy:
            await run.healthy(_awaited(run, plan, stored))
        pruned = await prune.prune(means, plan, live)
        final = await _trim(run, plan, grown, pruned, who)
    finally:
        who.cancel()
        await asyncio.gather(who, return_exceptions=True)
    return Outcome(moved=run.moved, deleted=pruned.deleted, stored=final, lingering=pruned.lingering)


async def _home(run: _Run, changes: Sequence[Change], namespace: str) -> set[ResourceRef]:
    """The namespace the inventory is kept in goes first, if the plan itself creates it."""
    found = [
        one
        for one in changes
        if one.action is Action.CREATE and one.ref.kind == "Namespace" and one.ref.name == namespace
    ]
    for one in found:
        await wait.until_gone(run.means, [one] if one.uid else [], run.live)
        await _write(run, one)
    return {one.ref for one in found}


async def _grow(means: Means, plan: Plan, stored: inventories.Stored) -> inventories.Stored:
    superset = stored.inventory.union(plan.entries)
    if superset.entries.keys() == stored.inventory.entries.keys() and stored.shards:
        return stored
    return await inventories.save(means.objects, stored, superset, name=plan.name, namespace=plan.namespace)


async def _trim(
    run: _Run, plan: Plan, stored: inventories.Stored, pruned: prune.Pruned, who: Awaitable[str]
) -> inventories.Stored:
    """Only now is the revision written down: everything of it that was not refused is in the cluster."""
    before = stored.inventory
    kept = {ref: entry for ref, entry in before.entries.items() if ref in pruned.lingering}
    revision = before.revision if plan.refused else plan.revision
    history = before.history
    if run.moved or pruned.deleted or revision != before.revision:
        history = before.remembered(_record(run, plan, pruned.deleted, await who))
    final = inventory.Inventory(entries={**plan.entries, **kept}, revision=revision, history=history)
    return await inventories.save(run.means.objects, stored, final, name=plan.name, namespace=plan.namespace)


def _record(run: _Run, plan: Plan, deleted: int, who: str) -> inventory.Record:
    return inventory.Record(
        revision=plan.revision,
        at=run.means.clock.now().strftime("%Y-%m-%dT%H:%M:%SZ"),
        by=who,
        moved=run.moved,
        deleted=deleted,
        refused=len(plan.refused),
    )


async def _stage(run: _Run, stage: Stage, changes: Sequence[Change]) -> None:
    if not changes:
        return
    await wait.until_gone(run.means, [one for one in changes if one.action is Action.CREATE and one.uid], run.live)
    await _verify(run, changes)
    run.means.report(events.StageBegun(stage, len(changes)))
    for step, some in groupby(changes, key=lambda one: order.step_of(one.rank)):
        due = list(some)
        await _open_gate(run, stage, step, due)
        for group in _groups(due):
            await together(_write(run, one) for one in group)
    if stage is Stage.FOUNDATION:
        await run.healthy({one.ref: run.written[one.ref] for one in changes})
    if stage is not Stage.REST:
        run.be_patient()


def _groups(changes: Sequence[Change]) -> Iterator[list[Change]]:
    for _, group in groupby(changes, key=lambda change: order.together(change.ref, change.rank)):
        yield list(group)


async def _open_gate(run: _Run, stage: Stage, step: tuple[int, int], changes: Sequence[Change]) -> None:
    """Wait until the waves below are healthy, and what these changes depend on, whether written now or long ago."""
    wave, _ = step
    after = {ref for one in changes if one.rank for ref in one.rank.after}
    before = {
        one.ref: found
        for one in run.live.desired
        if one.authored in after or (order.stage_of(one.ref) is stage and order.step_of(one.rank)[0] < wave)
        if (found := run.written.get(one.ref) or run.live.objects.get(one.ref)) is not None
    }
    try:
        await run.healthy(before)
    except errors.TimedOut as late:
        late.hint = f"{changes[0].ref} and what comes after it were not written; the next sync goes on from there"
        raise


async def _verify(run: _Run, changes: Sequence[Change]) -> None:
    """Dry-run whatever the plan could not verify because something of an earlier stage was missing."""
    unsure = [one for one in changes if not one.verified and one.action in {Action.CREATE, Action.UPDATE}]
    found = [refusal for refusal in await together(_refusal(run, one) for one in unsure) if refusal]
    if found:
        raise found[0] if len(found) == 1 else errors.SeveralErrors(found)


async def _refusal(run: _Run, change: Change) -> errors.ClusterError | None:
    """Why the server would refuse a change; None if it would not."""
    desired = Desired(manifest=change.desired or {}, ref=change.ref, authored=change.authored, location=change.location)
    try:
        _, taken = await run.patiently(change, lambda: predict.ask(run.means.objects, desired, run.live))
    except errors.ClusterUnavailable:
        raise
    except errors.ClusterError as error:
        return _as_verdict(error, change, error.cause or error.message)
    if taken and not change.taken:
        owners = "; ".join(sorted({f"{one.path} is owned by {one.manager}" for one in taken}))
        return _as_verdict(errors.FieldConflict(""), change, owners)
    return None


def _as_verdict(error: errors.ClusterError, change: Change, why: str) -> errors.ClusterError:
    verdict = type(error)(
        f"{change.ref} would be refused, nothing of its stage was written",
        cause=why,
        hint=error.hint,
        location=change.location,
        ref=change.ref,
        status=error.status,
    )
    verdict.__cause__ = error
    return verdict


async def _write(run: _Run, change: Change) -> None:
    resource = run.live.resource_of(change.ref, change.api_version)
    target = change
    if change.action is Action.REPLACE:
        await write.delete(run.means.objects, resource, change)
        await wait.until_gone(run.means, [change], run.live)
        target = replace(change, action=Action.CREATE)

    def attempt() -> Awaitable[Applied]:
        return write.write(run.means.objects, resource, target, reread=run.reread and target is change)

    try:
        applied = await run.patiently(change, attempt)
    except errors.GitOpsError as error:
        error.location = error.location or change.location
        error.ref = error.ref or change.ref
        raise
    run.written[change.ref] = applied.object
    moved = applied.object["metadata"].get("resourceVersion") != change.resource_version
    run.moved += int(moved)
    run.means.report(events.Written(change, moved))


def _awaited(run: _Run, plan: Plan, stored: inventories.Stored) -> dict[ResourceRef, Manifest]:
    """What has to be healthy: what was written; and all else that is wanted, if the revision never was yet."""
    if plan.revision and plan.revision == stored.inventory.revision:
        return dict(run.written)
    refused = {one.ref for one in plan.refused}
    unchanged = {
        one.ref: run.live.objects[one.ref]
        for one in run.live.desired
        if one.ref in run.live.objects and one.ref not in refused
    }
    return {**(unchanged if plan.revision else {}), **run.written}
