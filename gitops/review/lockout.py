"""A plan that would take away the rights its own reconciler needs to finish is refused.

Rights change in the middle of a plan, and what comes after still has to be written, pruned, recorded and told. Only
what is certain is refused: a right the account demonstrably has through what we own, and has no more afterwards.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

import msgspec

from gitops.api import names
from gitops.api.meta import GROUP
from gitops.api.worker import Worker
from gitops.objects import Manifest
from gitops.plan import settle
from gitops.plan.budget import consent_name
from gitops.plan.change import Action, Change, Guard, Plan, Stage
from gitops.ref import ResourceRef
from gitops.review import outcome, rbac


@dataclass(frozen=True, slots=True)
class Place:
    """How a kind is served: its group and plural."""

    group: str
    plural: str


Places = Mapping[tuple[str, str], Place]
"""By group and kind."""


def guard(plan: Plan, live: Mapping[ResourceRef, Manifest], places: Places, *, consent: frozenset[str]) -> Plan:
    """The plan, with every role and binding refused whose change would lock a running reconciler out."""
    changes = [one for one in plan.writes if rbac.concerns(one.ref)]
    accounts = reconcilers(live)
    if not changes or not accounts:
        return plan
    before = rbac.effective(live)
    written = rbac.effective(outcome.after(live, [one for one in plan.changes if one.action is not Action.DELETE]))
    after = rbac.effective(outcome.after(live, plan.changes))
    refused: dict[ResourceRef, str] = {}
    for account in sorted(accounts):
        had = before.rights.get(account, frozenset())
        missing = _missing(had, written.rights.get(account, frozenset()), _changing(plan, places)) or _missing(
            had, after.rights.get(account, frozenset()), _telling(plan, account)
        )
        if missing is not None:
            why = (
                f"{account} runs the reconciler and would lose the right to {missing.verb} {missing.resource} in "
                f"{missing.scope or 'the cluster'}, which it needs to finish: to remove the installation, "
                "use `gitops uninstall`"
            )
            through = before.through.get(account, frozenset())
            refused |= {one.ref: why for one in changes if one.ref in through and consent_name(one.ref) not in consent}
    return _with(plan, refused) if refused else plan


def _with(plan: Plan, refused: Mapping[ResourceRef, str]) -> Plan:
    changes = tuple(
        replace(one, action=Action.REFUSE, guard=Guard.RIGHTS, why=refused[one.ref]) if one.ref in refused else one
        for one in plan.changes
    )
    made = replace(plan, changes=changes)
    return replace(made, digest=settle.digest(made))


def reconcilers(live: Mapping[ResourceRef, Manifest]) -> frozenset[rbac.Account]:
    """The accounts of the reconcilers that run now, by the Workers that are there."""
    return frozenset(
        rbac.Account("ServiceAccount", ref.namespace, names.reconciler_account(msgspec.convert(manifest, Worker)))
        for ref, manifest in live.items()
        if (ref.group, ref.kind) == (GROUP, "Worker")
    )


def _missing(
    had: frozenset[rbac.Permission], has: frozenset[rbac.Permission], needed: Iterable[rbac.Permission]
) -> rbac.Permission | None:
    return next((one for one in needed if rbac.covers(had, one) and not rbac.covers(has, one)), None)


def _changing(plan: Plan, places: Places) -> Iterator[rbac.Permission]:
    """What is written and pruned once roles and bindings are; those that go themselves go after it."""
    for change in plan.writes:
        if change.stage is Stage.REST:
            yield from _acts(change, places)


def _telling(plan: Plan, account: rbac.Account) -> Iterator[rbac.Permission]:
    """The inventory and the status, which come last of all."""
    if account.namespace == plan.namespace:
        yield from (rbac.Permission(plan.namespace, "", "configmaps", "", verb) for verb in ("get", "update"))
        yield from (rbac.Permission(plan.namespace, GROUP, "gitsyncs", "", verb) for verb in ("get", "list", "watch"))
        yield rbac.Permission(plan.namespace, GROUP, "gitsyncs/status", "", "patch")


def _acts(change: Change, places: Places) -> Iterator[rbac.Permission]:
    place = places.get((change.ref.group, change.ref.kind))
    if place is None:
        return
    verbs = {
        Action.CREATE: ("create", "patch"),
        Action.UPDATE: ("patch",),
        Action.REPLACE: ("delete", "create", "patch"),
        Action.DELETE: ("delete",),
    }[change.action]
    for verb in verbs:
        yield rbac.Permission(change.ref.namespace, place.group, place.plural, change.ref.name, verb)
