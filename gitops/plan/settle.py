"""The second half of planning: a draft and the predictions for it become a Plan, guards included."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import assert_never

from gitops.objects import Manifest, inventory
from gitops.plan import budget, compare, fieldset, ignore, leaving, order
from gitops.plan.change import Action, Change, Desired, Guard, Plan, Taken
from gitops.plan.draft import Differs, Item, Leaving, Missing, Same, Stranger, Surplus, Unreadable
from gitops.ref import ResourceRef


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """What the server says an apply would do: the object it would store, fields taken from others, or why not.

    `immutable` holds the server's words when only a replacement can get there; `error` any other refusal, `denied` if
    it is one of our rights; `unverified` why the server could not be asked (its namespace or definition is itself only
    planned).
    """

    object: Manifest | None = None
    taken: tuple[Taken, ...] = ()
    immutable: str = ""
    error: str = ""
    denied: bool = False
    unverified: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What a plan may do.

    `force`: take back fields others own. `prune`: delete what left Git. `consent`: names of deletions and replacements
    agreed to (`budget.consent_name`). `remove`: nothing at all may be wanted, for the sync itself goes. `ignore`:
    fields left to others.
    """

    force: bool = False
    prune: bool = True
    budget: budget.Budget = field(default_factory=budget.Budget)
    consent: frozenset[str] = frozenset()
    remove: bool = False
    ignore: tuple[ignore.Rule, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """What the plan is for."""

    name: str
    namespace: str
    revision: str


def settle(
    items: Sequence[Item],
    predictions: Mapping[ResourceRef, Prediction],
    owned: inventory.Inventory,
    *,
    header: Header,
    rules: Rules,
) -> Plan:
    """Make the plan. Every item becomes a change, or is counted as unchanged."""
    changes = [change for item in items if (change := _change(item, predictions, rules)) is not None]
    changes += leaving.deletions(items, owned, budget=rules.budget, consent=rules.consent, prune=rules.prune)
    if _empties(items, owned) and not rules.remove:
        why = "the desired set is empty: nothing is deleted; remove the sync itself to remove everything"
        changes = [one if one.action is Action.KEEP else _refused(one, Guard.EMPTY, why) for one in changes]
    ordered = tuple(sorted((one for one in changes if one.action is not Action.DELETE), key=_key))
    deletions = tuple(sorted((one for one in changes if one.action is Action.DELETE), key=_key, reverse=True))
    plan = Plan(
        name=header.name,
        namespace=header.namespace,
        revision=header.revision,
        changes=ordered + deletions,
        unchanged=sum(1 for item in items if not isinstance(item, Surplus)) - _wanted(ordered, items),
        entries=_entries(items, changes, owned),
    )
    return replace(plan, digest=digest(plan))


def digest(plan: Plan) -> str:
    """Names what a plan does, not when it was made: sha-256 over every write in order."""
    lines = [
        [str(one.ref), one.action.value, one.uid, list(one.patch), one.desired_digest, [t.path for t in one.taken]]
        for one in plan.changes
    ]
    text = json.dumps([plan.name, plan.namespace, plan.revision, lines], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def desired_digest(manifest: Manifest) -> str:
    """sha-256 of a manifest as it would be sent."""
    return hashlib.sha256(json.dumps(manifest, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _key(change: Change) -> tuple[int, int, int, int, ResourceRef]:
    return order.apply_key(change.ref, change.rank)


def _wanted(changes: Sequence[Change], items: Sequence[Item]) -> int:
    surplus = {item.ref for item in items if isinstance(item, Surplus)}
    return sum(1 for one in changes if one.ref not in surplus)


def _empties(items: Sequence[Item], owned: inventory.Inventory) -> bool:
    return bool(owned.entries) and all(isinstance(item, Surplus) for item in items)


def _entries(
    items: Sequence[Item], changes: Sequence[Change], owned: inventory.Inventory
) -> dict[ResourceRef, inventory.Entry]:
    """What is owned after the plan: everything wanted that is not refused, and what was not allowed to go.

    What is refused stays what it is: a refusal never makes anything ours.
    """
    refused = {one.ref for one in changes if one.action is Action.REFUSE}
    kept = {one.ref for one in changes if one.action in {Action.REFUSE, Action.KEEP}}
    entries: dict[ResourceRef, inventory.Entry] = {}
    for item in items:
        if isinstance(item, Surplus):
            if item.ref in kept and not item.heir:
                entries[item.ref] = item.entry
        elif item.desired.ref not in refused or item.desired.ref in owned.entries:
            entries[item.desired.ref] = entry_of(item.desired)
    return entries


def entry_of(desired: Desired) -> inventory.Entry:
    """The inventory entry of a wanted object."""
    version = desired.manifest["apiVersion"].rpartition("/")[2]
    return inventory.Entry(version=version, authored=desired.authored)


def _change(item: Item, predictions: Mapping[ResourceRef, Prediction], rules: Rules) -> Change | None:
    match item:
        case Same() | Surplus():
            return None
        case Missing(desired=desired):
            return _create(desired, predictions.get(desired.ref, Prediction(unverified="not asked")))
        case Differs(desired=desired):
            return _update(item, predictions.get(desired.ref), rules)
        case Leaving(desired=desired, live=live, why=why):
            return replace(_creation(desired), uid=live["metadata"]["uid"], why=why)
        case Stranger(desired=desired, live=live):
            why = f"{desired.ref} exists and is not ours: choose another name, or label it {_ours()} to hand it over"
            return _refused(_base(desired, live), Guard.STRANGER, why)
        case Unreadable(desired=desired, why=why):
            return _refused(_base(desired, None), Guard.DENIED, f"cannot be read: {why}")
        case _:
            assert_never(item)


def _refused(change: Change, guard: Guard, why: str) -> Change:
    return replace(change, action=Action.REFUSE, guard=guard, why=why)


def _ours() -> str:
    return "app.kubernetes.io/managed-by=gitops-worker"


def _base(desired: Desired, live: Manifest | None) -> Change:
    metadata = live["metadata"] if live else {}
    return Change(
        ref=desired.ref,
        api_version=desired.manifest["apiVersion"],
        action=Action.CREATE,
        stage=order.stage_of(desired.ref),
        authored=desired.authored,
        uid=metadata.get("uid") or "",
        resource_version=metadata.get("resourceVersion") or "",
        location=desired.location,
        desired=desired.manifest,
        desired_digest=desired_digest(desired.manifest),
        rank=desired.rank,
    )


def _creation(desired: Desired) -> Change:
    return replace(_base(desired, None), patch=({"op": "add", "path": "", "value": desired.manifest},))


def _create(desired: Desired, prediction: Prediction) -> Change:
    change = _creation(desired)
    if prediction.error or prediction.immutable:
        return _refused(change, _guard(prediction), prediction.error or prediction.immutable)
    return replace(change, verified=prediction.object is not None, why=prediction.unverified)


def _guard(prediction: Prediction) -> Guard:
    return Guard.DENIED if prediction.denied else Guard.INVALID


def _update(item: Differs, prediction: Prediction | None, rules: Rules) -> Change | None:
    base = replace(_base(item.desired, item.live), action=Action.UPDATE)
    if prediction is None or prediction.unverified:
        why = prediction.unverified if prediction else ""
        return _with_patch(base, item.live, item.predicted, why=why) if item.patch else None
    if prediction.error:
        return _refused(_with_patch(base, item.live, item.predicted), _guard(prediction), prediction.error)
    if prediction.immutable:
        return _replacement(base, item, prediction, rules)
    predicted = prediction.object or item.predicted
    change = replace(_with_patch(base, item.live, predicted), taken=prediction.taken, verified=True)
    if not change.patch and not change.taken:
        # A default inside a value merged as one, which only the server could know; or fields we did not own.
        return (
            None if fieldset.applied(predicted) == fieldset.applied(item.live) else replace(change, why=_adoption(item))
        )
    if change.taken and not rules.force:
        owners = ", ".join(sorted({f"{one.path} is owned by {one.manager}" for one in change.taken}))
        return _refused(change, Guard.CONFLICT, f"{owners}: `gitops sync` takes it back")
    return replace(change, why=_adoption(item)) if item.adopted else change


def _adoption(item: Differs) -> str:
    if item.holder:
        return f"is in the inventory {item.holder} as well: until one of the two lets go of it, each undoes the other"
    if item.adopted:
        return "exists already and becomes ours"
    return "the values are as wanted; fields others wrote meanwhile become ours again"


def _with_patch(base: Change, live: Manifest, predicted: Manifest, *, why: str = "") -> Change:
    patch, tests = compare.compare_with_tests(live, predicted)
    return replace(base, patch=patch, inverse=compare.compare(predicted, live), tests=tests, why=why)


def _replacement(base: Change, item: Differs, prediction: Prediction, rules: Rules) -> Change:
    change = _with_patch(base, item.live, item.predicted)
    name = budget.consent_name(base.ref)
    if name in rules.consent:
        return replace(change, action=Action.REPLACE, why=prediction.immutable)
    why = f"{prediction.immutable}: only deleting and making it again gets there; consent by naming {name}"
    return _refused(change, Guard.IMMUTABLE, why)
