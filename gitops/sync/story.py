"""One pass, as a story: read the inventory, read what lives, draft, predict, settle; then carry the plan out.

Every verb of the command line and every turn of the reconciler is one of the three functions here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gitops import errors
from gitops.plan import drift
from gitops.plan.change import Action, Desired, Plan
from gitops.plan.draft import draft
from gitops.plan.settle import Header, Rules, settle
from gitops.ref import ResourceRef
from gitops.sync import execute, inventories, live, predict, wait
from gitops.sync.means import Means


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """A plan, and what it was made from."""

    plan: Plan
    live: live.Live
    stored: inventories.Stored


@dataclass(frozen=True, slots=True, kw_only=True)
class Drifted:
    """What differs; and what could not be read, which is never called in sync."""

    drifts: tuple[drift.Drift, ...]
    unreadable: Mapping[ResourceRef, str]
    compared: int


async def plan(means: Means, desired: Sequence[Desired], *, header: Header, rules: Rules) -> Planned:
    """What would change if `desired` were applied now. Writes nothing.

    Raises:
        SeveralErrors: kinds nobody knows.
        ClusterUnavailable: the API server does not answer.
    """
    stored = await inventories.load(means.objects, name=header.name, namespace=header.namespace)
    read = await live.read(means.objects, desired, stored.inventory, namespace=header.namespace)
    items = draft(read.desired, read.objects, stored.inventory, unreadable=read.unreadable)
    predictions = await predict.predict(means.objects, items, read)
    made = settle(items, predictions, stored.inventory, header=header, rules=rules)
    return Planned(plan=made, live=read, stored=stored)


async def carry_out(means: Means, planned: Planned, *, healthy: bool = True, reread: bool = False) -> execute.Outcome:
    """Do what the plan says; with `healthy`, wait until what was written is.

    Raises:
        Refused: a guard refuses part of the plan, so nothing of it is written.
        PlanStale: the cluster moved under the plan.
        SeveralErrors: what the server refuses of a stage.
        TimedOut: something did not become healthy, or go away.
    """
    _stop_if_blocked(planned.plan)
    outcome = await execute.execute(means, planned.plan, planned.live, planned.stored, reread=reread)
    if healthy:
        written = [one for one in planned.plan.writes if one.action is not Action.DELETE]
        await wait.until_healthy(means, written, planned.live)
    return outcome


def _stop_if_blocked(made: Plan) -> None:
    if not made.blocked:
        return
    reasons = list(dict.fromkeys(one.why for one in made.blocked))
    raise errors.Refused(
        "the plan is refused, nothing was written",
        cause="; ".join(reasons),
        hint="`gitops plan` shows it; consent with --consent NAME, or a trailer `GitOps-Delete: NAME` in the commit",
        ref=made.blocked[0].ref,
        location=made.blocked[0].location,
    )


async def find_drift(means: Means, desired: Sequence[Desired], *, name: str, namespace: str) -> Drifted:
    """How live differs from `desired`, the rendering of the revision last applied. Writes nothing."""
    stored = await inventories.load(means.objects, name=name, namespace=namespace)
    read = await live.read(means.objects, desired, stored.inventory, namespace=namespace)
    readable = [one for one in read.desired if one.ref not in read.unreadable]
    return Drifted(drifts=drift.find(readable, read.objects), unreadable=read.unreadable, compared=len(readable))
