"""The second half of planning: a draft and the predictions for it become a Plan, guards included."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import assert_never

from gitops.objects import Manifest, inventory
from gitops.plan import budget, compare, order, predict
from gitops.plan.change import Action, Change, Desired, Plan, Taken
from gitops.plan.draft import Differs, Item, Missing, Same, Stranger, Surplus, Unreadable
from gitops.ref import ResourceRef


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """What the server says an apply would do: the object it would store, fields taken from others, or why not.

    `immutable` holds the server's words when only a replacement can get there; `error` any other refusal;
    `unverified` why the server could not be asked (its namespace or definition is itself only planned).
    """

    object: Manifest | None = None
    taken: tuple[Taken, ...] = ()
    immutable: str = ""
    error: str = ""
    unverified: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What a plan may do.

    `force`: take back fields others own. `prune`: delete what left Git. `consent`: names of deletions and replacements
    agreed to (`budget.consent_name`).
    """

    force: bool = False
    prune: bool = True
    budget: budget.Budget = field(default_factory=budget.Budget)
    consent: frozenset[str] = frozenset()


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
    changes += _deletions([item for item in items if isinstance(item, Surplus)], owned, rules)
    if _empties(items, owned):
        why = "the desired set is empty: nothing is deleted; remove the sync itself to remove everything"
        changes = [replace(one, action=Action.REFUSE, why=why) for one in changes]
    ordered = tuple(sorted((one for one in changes if one.action is not Action.DELETE), key=_key))
    deletions = tuple(sorted((one for one in changes if one.action is Action.DELETE), key=_key, reverse=True))
    plan = Plan(
        name=header.name,
        namespace=header.namespace,
        revision=header.revision,
        changes=ordered + deletions,
        unchanged=sum(1 for item in items if not isinstance(item, Surplus)) - _wanted(ordered, items),
        entries=_entries(items, changes),
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


def _key(change: Change) -> tuple[int, int, ResourceRef]:
    return order.apply_key(change.ref)


def _wanted(changes: Sequence[Change], items: Sequence[Item]) -> int:
    surplus = {item.ref for item in items if isinstance(item, Surplus)}
    return sum(1 for one in changes if one.ref not in surplus)


def _empties(items: Sequence[Item], owned: inventory.Inventory) -> bool:
    return bool(owned.entries) and all(isinstance(item, Surplus) for item in items)


def _entries(items: Sequence[Item], changes: Sequence[Change]) -> dict[ResourceRef, inventory.Entry]:
    """What is owned after the plan: everything wanted that is not refused, and what was not allowed to go."""
    refused = {one.ref for one in changes if one.action is Action.REFUSE}
    kept = {one.ref for one in changes if one.action in {Action.REFUSE, Action.KEEP}}
    entries: dict[ResourceRef, inventory.Entry] = {}
    for item in items:
        if isinstance(item, Surplus):
            if item.ref in kept:
                entries[item.ref] = item.entry
        elif not (isinstance(item, Stranger) and item.desired.ref in refused):
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
        case Stranger(desired=desired, live=live):
            why = f"{desired.ref} exists and is not ours: choose another name, or label it {_ours()} to hand it over"
            return replace(_base(desired, live), action=Action.REFUSE, why=why)
        case Unreadable(desired=desired, why=why):
            return replace(_base(desired, None), action=Action.REFUSE, why=f"cannot be read: {why}")
        case _:
            assert_never(item)


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
    )


def _create(desired: Desired, prediction: Prediction) -> Change:
    base = _base(desired, None)
    if prediction.error:
        return replace(base, action=Action.REFUSE, why=prediction.error)
    return replace(base, verified=prediction.object is not None, why=prediction.unverified)


def _update(item: Differs, prediction: Prediction | None, rules: Rules) -> Change | None:
    base = replace(_base(item.desired, item.live), action=Action.UPDATE)
    if prediction is None or prediction.unverified:
        why = prediction.unverified if prediction else ""
        return _with_patch(base, item.live, item.predicted, why=why)
    if prediction.error:
        return replace(_with_patch(base, item.live, item.predicted), action=Action.REFUSE, why=prediction.error)
    if prediction.immutable:
        return _replacement(base, item, prediction, rules)
    change = _with_patch(base, item.live, prediction.object or item.predicted)
    change = replace(change, taken=prediction.taken, verified=True)
    if not change.patch and not change.taken and predict.is_owner(item.live):
        return None  # a default inside an atomic value, which only the server could know
    if change.taken and not rules.force:
        owners = ", ".join(sorted({f"{one.path} is owned by {one.manager}" for one in change.taken}))
        return replace(change, action=Action.REFUSE, why=f"{owners}: `gitops sync` takes it back")
    return change


def _with_patch(base: Change, live: Manifest, predicted: Manifest, *, why: str = "") -> Change:
    patch, tests = compare.compare_with_tests(live, predicted)
    return replace(base, patch=patch, inverse=compare.compare(predicted, live), tests=tests, why=why)


def _replacement(base: Change, item: Differs, prediction: Prediction, rules: Rules) -> Change:
    change = _with_patch(base, item.live, item.predicted)
    if budget.consent_name(base.ref) in rules.consent:
        return replace(change, action=Action.REPLACE, why=prediction.immutable)
    name = budget.consent_name(base.ref)
    why = f"{prediction.immutable}: only deleting and making it again gets there; consent by naming {name}"
    return replace(change, action=Action.REFUSE, why=why)


def _deletions(surplus: Sequence[Surplus], owned: inventory.Inventory, rules: Rules) -> list[Change]:
    counted = {item.ref: item.entry for item in surplus if not item.superseded}
    reasons = budget.refusals(counted, owned, budget=rules.budget, consent=rules.consent)
    return [_deletion(item, reasons.get(item.ref, ""), rules) for item in surplus]


def _deletion(item: Surplus, reason: str, rules: Rules) -> Change:
    change = Change(
        ref=item.ref,
        api_version=item.live["apiVersion"],
        action=Action.DELETE,
        stage=order.stage_of(item.ref),
        authored=item.entry.authored,
        uid=item.live["metadata"]["uid"],
        resource_version=item.live["metadata"].get("resourceVersion") or "",
        verified=True,
        why="left Git",
    )
    if _never_pruned(item):
        return replace(change, action=Action.KEEP, why="our own definitions are never pruned")
    if (item.live["metadata"].get("annotations") or {}).get("gitops-worker.io/prune") == "disabled":
        return replace(change, action=Action.KEEP, why="annotated gitops-worker.io/prune: disabled")
    if not rules.prune:
        return replace(change, action=Action.KEEP, why="pruning is off")
    return replace(change, action=Action.REFUSE, why=reason) if reason else change


def _never_pruned(item: Surplus) -> bool:
    return item.ref.kind == "CustomResourceDefinition" and item.ref.name.endswith(".gitops-worker.io")
