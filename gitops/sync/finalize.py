"""The end of a GitSync: with `deletionPolicy: Delete` what it owns goes first, and then the GitSync.

A finalizer, set before anything is written, makes the API server keep a deleted GitSync until that is done. Everything
is read from the inventory, nothing from Git. The order is that of any deletion: pools drained, the rest in reverse, the
inventory, and last the finalizer; so a run that breaks off between any two requests is finished by the next.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass, replace

from gitops import api, errors
from gitops.api.gitsync import DeletionPolicy
from gitops.objects import Manifest
from gitops.plan import budget
from gitops.plan.change import Action, Guard, Plan
from gitops.plan.draft import draft
from gitops.plan.settle import Header, Rules, settle
from gitops.ref import ResourceRef
from gitops.review import footing, rbac
from gitops.review.lockout import Place
from gitops.sync import consent, edit, inventories, live, story
from gitops.sync.means import Means

FINALIZER = f"{api.GROUP}/deletion-policy"
SHOWN = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """What went, and what stays because it is to be kept: nobody's any more."""

    deleted: int
    kept: tuple[ResourceRef, ...] = ()


def is_leaving(sync: api.GitSync) -> bool:
    """It was deleted, and something holds it."""
    return bool(sync.metadata.deletion_timestamp)


def is_held(sync: api.GitSync) -> bool:
    """Our finalizer is on it."""
    return FINALIZER in sync.metadata.finalizers


async def hold(means: Means, sync: api.GitSync) -> None:
    """Set the finalizer or take it off, as the policy says; no request if it is as it should be.

    Raises:
        ObjectMissing: the GitSync is gone.
        VersionConflict: it is being deleted, and the server takes no new finalizer.
    """
    wanted = sync.spec.deletion_policy is DeletionPolicy.DELETE
    if wanted == is_held(sync):
        return
    if not wanted:
        await release(means, sync)
        return

    def change(manifest: Manifest) -> bool:
        metadata = manifest["metadata"]
        if metadata.get("deletionTimestamp"):
            raise errors.VersionConflict(f"GitSync {metadata['namespace']}/{metadata['name']} is being deleted")
        if FINALIZER in (metadata.get("finalizers") or ()):
            return False
        metadata["finalizers"] = [*(metadata.get("finalizers") or ()), FINALIZER]
        return True

    await edit.edit(means.objects, sync, change)


async def release(means: Means, sync: api.GitSync) -> None:
    """Take the finalizer off: nothing of ours holds the GitSync any more. A GitSync that is gone is no error."""

    def change(manifest: Manifest) -> bool:
        known = manifest["metadata"].get("finalizers") or ()
        manifest["metadata"]["finalizers"] = [one for one in known if one != FINALIZER]
        return FINALIZER in known

    try:
        await edit.edit(means.objects, sync, change)
    except errors.ObjectMissing:
        return


async def finish(
    means: Means,
    sync: api.GitSync,
    *,
    accounts: Collection[rbac.Account],
    announce: Callable[[int], Awaitable[None]],
) -> Ended:
    """Delete everything the sync owns, then its inventory. `accounts` are those that have to be able to finish.

    `announce` is told how many objects go, before the first does.

    Raises:
        OwnsReconciler: it would delete what it runs on itself; nothing was deleted.
        Refused: something needs consent; nothing was deleted, and the hint has the annotation to write.
        ClusterDenied: something owned cannot be read, or not be deleted.
        TimedOut: an operation still runs, or a finalizer holds something back; the next call goes on.
    """
    stored = await inventories.load(means.objects, name=sync.metadata.name, namespace=sync.metadata.namespace)
    if not stored.shards:
        return Ended(deleted=0)
    planned = await _plan(means, sync, stored, accounts)
    made = planned.plan
    deletions = sum(1 for one in made.writes if one.action is Action.DELETE)
    if deletions:
        await announce(deletions)
    outcome = await story.carry_out(means, planned, healthy=False)
    await inventories.drop(means.objects, outcome.stored, namespace=made.namespace)
    kept = tuple(one.ref for one in made.changes if one.action is Action.KEEP)
    return Ended(deleted=outcome.deleted, kept=kept)


async def _plan(
    means: Means, sync: api.GitSync, stored: inventories.Stored, accounts: Collection[rbac.Account]
) -> story.Planned:
    metadata, owned = sync.metadata, stored.inventory
    read = await live.read(means.objects, (), owned, namespace=metadata.namespace)
    if read.unreadable:
        ref, why = next(iter(sorted(read.unreadable.items())))
        raise errors.ClusterDenied(f"{len(read.unreadable)} owned objects cannot be read, the first: {ref}", cause=why)
    agreed = consent.from_annotation(sync)
    limits = consent.rules_of(sync, agreed).budget
    itself = ResourceRef(group=api.GROUP, kind="GitSync", namespace=metadata.namespace, name=metadata.name)
    if budget.consent_name(itself) in agreed:
        limits = replace(limits, count=max(limits.count, len(owned.entries)))
    rules = Rules(remove=True, budget=limits, consent=agreed)
    # A GitSync that is in the very repository it follows goes by its finalizer.
    living = {ref: one for ref, one in read.objects.items() if ref != itself}
    header = Header(name=metadata.name, namespace=metadata.namespace, revision=owned.revision)
    heirs = await inventories.heirs(means.objects, living.keys(), name=header.name, namespace=header.namespace)
    made = settle(draft((), living, owned, heirs=heirs), {}, owned, header=header, rules=rules)
    places = {(kind.group, kind.kind): Place(kind.group, kind.plural) for kind in read.resources.values()}
    _refuse_footing(
        sync, footing.footing(made.changes, read.objects, places, home=metadata.namespace, accounts=accounts)
    )
    _refuse_blocked(sync, made, itself)
    return story.Planned(plan=made, live=read, stored=stored)


def _refuse_footing(sync: api.GitSync, found: Collection[ResourceRef]) -> None:
    if found:
        raise errors.OwnsReconciler(
            "nothing was deleted: the sync owns what its own reconciler runs on",
            cause=_some([str(one) for one in found]),
            hint=f"`gitops uninstall {sync.metadata.name}` removes it from outside; deletionPolicy: Orphan keeps it",
        )


def _refuse_blocked(sync: api.GitSync, made: Plan, itself: ResourceRef) -> None:
    if not made.blocked:
        return
    reasons = dict.fromkeys(one.why for one in made.blocked)
    needed = _needed(made, itself)
    hint = "deletionPolicy: Orphan keeps everything"
    if needed:
        names = ",".join(sorted(needed | consent.from_annotation(sync)))
        where = f"-n {sync.metadata.namespace} {sync.metadata.name}"
        hint = f"to agree: kubectl annotate gitsync --overwrite {where} {consent.ANNOTATION}={names}; {hint}"
    raise errors.Refused("nothing was deleted", cause=_some(list(reasons)), hint=hint)


def _needed(made: Plan, itself: ResourceRef) -> frozenset[str]:
    """The names somebody has to agree to: what is precious, or was expanded to it, and the sync for the number."""
    refused = [one for one in made.blocked if one.guard is Guard.DELETION]
    precious = {one.authored for one in refused if one.ref.kind in budget.PRECIOUS}
    number = {itself} if any(one.authored not in precious for one in refused) else set()
    return frozenset(budget.consent_name(one) for one in precious | number)


def _some(words: list[str]) -> str:
    more = f"; and {len(words) - SHOWN} more" if len(words) > SHOWN else ""
    return f"{'; '.join(words[:SHOWN])}{more}"
