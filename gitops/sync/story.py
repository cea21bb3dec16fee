"""One pass, as a story: read the inventory, read what lives, draft, predict, settle; then carry the plan out.

Every verb of the command line and every turn of the reconciler is one of the three functions here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from gitops import errors
from gitops.objects import Manifest
from gitops.plan import drift, ignore
from gitops.plan.change import Change, Desired, Guard, Plan
from gitops.plan.draft import draft, superseded
from gitops.plan.settle import Header, Rules, settle
from gitops.ref import ResourceRef
from gitops.review import lockout
from gitops.sync import execute, inventories, live, predict
from gitops.sync.ahead import Ahead
from gitops.sync.means import Means


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """A plan, and what it was made from."""

    plan: Plan
    live: live.Live
    stored: inventories.Stored


@dataclass(frozen=True, slots=True, kw_only=True)
class Drifted:
    """What differs; what could not be read, which is never called in sync; what we own, is superseded, and lives.

    `ignored` differs too, and a rule hides it; `expired` rules hide nothing any more.
    """

    drifts: tuple[drift.Drift, ...]
    unreadable: Mapping[ResourceRef, str]
    compared: int
    ignored: tuple[ignore.Ignored, ...] = ()
    expired: tuple[tuple[ignore.Rule, int], ...] = ()
    leftover: tuple[ResourceRef, ...] = ()
    desired: tuple[Desired, ...] = ()
    live: Mapping[ResourceRef, Manifest] = field(default_factory=dict)


async def plan(
    means: Means, desired: Sequence[Desired], *, header: Header, rules: Rules, ahead: Ahead | None = None
) -> Planned:
    """What would change if `desired` were applied now. Writes nothing.

    `ahead` has asked for part of it already, and is closed.

    Raises:
        SeveralErrors: kinds nobody knows.
        ClusterUnavailable: the API server does not answer.
    """
    try:
        lists = ahead or means.objects
        stored = await inventories.load(lists, name=header.name, namespace=header.namespace)
        read = await live.read(means.objects, desired, stored.inventory, namespace=header.namespace, lists=lists)
    finally:
        if ahead is not None:
            await ahead.close()
    wanted, left = ignore.leave(read.desired, read.objects, rules.ignore, today=_today(means))
    read = replace(read, desired=wanted)
    # What left Git, and what comes to this inventory though it is in the cluster already: others may have it too.
    moving = read.objects.keys() & (stored.inventory.entries.keys() ^ {one.ref for one in read.desired})
    heirs = await inventories.heirs(means.objects, moving, name=header.name, namespace=header.namespace)
    items = draft(read.desired, read.objects, stored.inventory, unreadable=read.unreadable, heirs=heirs)
    predictions = await predict.predict(means.objects, items, read)
    made = settle(items, predictions, stored.inventory, header=header, rules=rules)
    places = {(kind.group, kind.kind): lockout.Place(kind.group, kind.plural) for kind in read.resources.values()}
    made = lockout.guard(made, read.objects, places, consent=rules.consent)
    return Planned(plan=replace(made, left=left), live=read, stored=stored)


def _today(means: Means) -> str:
    """The day it is (ISO 8601, UTC)."""
    return means.clock.now().date().isoformat()


async def carry_out(
    means: Means, planned: Planned, *, healthy: bool = True, reread: bool = False, of_commit: bool = True
) -> execute.Outcome:
    """Do what the plan says; with `healthy`, wait until what was written is before anything is deleted.

    `of_commit`: a commit asks for it, so a trailer of one can agree to it.

    Raises:
        Refused: a guard refuses part of the plan, so nothing of it is written.
        ObjectInvalid: the server would refuse part of it, so nothing is written.
        ClusterDenied: our account may not read or write part of it, so nothing is written.
        PlanStale: the cluster moved under the plan.
        SeveralErrors: what the server refuses of a stage.
        TimedOut: something did not become healthy, or go away.
    """
    _stop_if_blocked(planned.plan, of_commit=of_commit)
    return await execute.execute(means, planned.plan, planned.live, planned.stored, healthy=healthy, reread=reread)


def _stop_if_blocked(made: Plan, *, of_commit: bool) -> None:
    """The most telling refusal decides what kind of error it is: one a person can agree to, else what is wrong."""
    if not made.blocked:
        return
    guards = {one.guard for one in made.blocked}
    kind: type[errors.GitOpsError]
    if guards - {Guard.INVALID, Guard.DENIED}:
        kind, hint = errors.Refused, _hint(guards, of_commit=of_commit)
    elif Guard.INVALID in guards:
        kind, hint = errors.ObjectInvalid, "correct it in Git; `gitops plan` shows it"
    else:
        kind, hint = errors.ClusterDenied, "grant this to the account in a Role or ClusterRole"
        if any("attempting to grant RBAC" in one.why for one in made.blocked):
            # The reconciler never gets to widen rights, its own or others': a person does, once.
            hint = "nobody can give rights he has not: an administrator applies this commit once, with `gitops sync`"
    shown = [one for one in made.blocked if one.guard not in {Guard.INVALID, Guard.DENIED}] or made.blocked
    raise kind(
        "the plan is refused, nothing was written",
        cause="; ".join(_reasons(shown)),
        hint=hint,
        ref=shown[0].ref,
        location=shown[0].location,
    )


def _reasons(blocked: Sequence[Change]) -> Iterator[str]:
    """Each reason once, with the first object it holds for: a namespace that goes takes all in it along."""
    objects: dict[str, list[ResourceRef]] = {}
    for one in blocked:
        objects.setdefault(one.why, []).append(one.ref)
    for why, (first, *others) in objects.items():
        yield f"{first}{f' and {len(others)} more' if others else ''}: {why}"


def _hint(guards: set[Guard | None], *, of_commit: bool) -> str:
    if guards & {Guard.DELETION, Guard.IMMUTABLE} and not of_commit:
        return "--dry-run shows all of it; consent with --consent NAME"
    if guards & {Guard.DELETION, Guard.IMMUTABLE}:
        return "`gitops plan` shows it; consent with --consent NAME, or a trailer `GitOps-Delete: NAME` in the commit"
    if Guard.HOLDS in guards:
        return "take it out of the namespace first; or, if it is annotated to be kept, annotate the namespace as well"
    return "`gitops plan` shows it"


async def find_drift(
    means: Means, desired: Sequence[Desired], *, name: str, namespace: str, rules: Sequence[ignore.Rule] = ()
) -> Drifted:
    """How live differs from `desired`, the rendering of the revision last applied. Writes nothing.

    The server is asked about what may be its own doing, if the account may ask.
    """
    stored = await inventories.load(means.objects, name=name, namespace=namespace)
    read = await live.read(means.objects, desired, stored.inventory, namespace=namespace)
    readable = [one for one in read.desired if one.ref not in read.unreadable]
    wanted = {one.ref: one.manifest for one in read.desired}
    sorted_ = ignore.sort(
        await _differences(means, readable, read), rules, desired=wanted, live=read.objects, today=_today(means)
    )
    return Drifted(
        drifts=sorted_.drifts,
        ignored=sorted_.ignored,
        expired=sorted_.expired,
        unreadable={ref: why for ref, why in read.unreadable.items() if ref in wanted},
        compared=len(readable),
        leftover=tuple(sorted(superseded(read.objects.keys() & stored.inventory.entries.keys(), wanted.keys()))),
        desired=read.desired,
        live=read.objects,
    )


async def _differences(means: Means, readable: Sequence[Desired], read: live.Live) -> tuple[drift.Drift, ...]:
    found = drift.find(readable, read.objects)
    doubtful = {one.ref for one in found if drift.is_doubtful(one, read.objects)}
    if not doubtful:
        return found
    proven = await predict.proven(means.objects, [one for one in readable if one.ref in doubtful], read)
    return drift.find(readable, read.objects, proven=proven)
