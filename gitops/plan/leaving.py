"""What left Git: deleted, kept, or refused."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from gitops.objects import Manifest, inventory
from gitops.plan import budget as budgets
from gitops.plan import order, waves
from gitops.plan.change import Action, Change, Guard, Rank
from gitops.plan.draft import Item, Surplus
from gitops.ref import ResourceRef

NO_PRUNE = "gitops-worker.io/prune"
"""Annotation: `disabled` keeps an object, and what it was expanded to, whatever happens to it in Git."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Leaving:
    """All that left Git: why some of it stays, when each goes, and what each namespace that goes still holds."""

    kept: Mapping[ResourceRef, str]
    ranks: Mapping[ResourceRef, Rank]
    inside: Mapping[str, str]
    reasons: Mapping[ResourceRef, str]


def deletions(
    items: Sequence[Item],
    owned: inventory.Inventory,
    *,
    budget: budgets.Budget,
    consent: Collection[str],
    prune: bool,
) -> list[Change]:
    """A change for every owned object that is no longer wanted."""
    surplus = [item for item in items if isinstance(item, Surplus)]
    if not surplus:
        return []
    marks = {item.ref: _annotations(item.live) for item in surplus}
    kept = {item.ref: why for item in surplus if (why := _kept(item, marks, prune=prune))}
    wanted = {item.desired.authored for item in items if not isinstance(item, Surplus)}
    going = {item.ref for item in surplus if item.live["metadata"].get("deletionTimestamp")}
    counted = {
        item.ref: item.entry
        for item in surplus
        if not item.superseded and item.ref not in going and item.ref not in kept
    }
    found = _Leaving(
        kept=kept,
        ranks=waves.arrange([waves.Node(ref=ref, annotations=one) for ref, one in marks.items()]).ranks,
        inside=_inside(items, kept),
        reasons=budgets.refusals(counted, owned, wanted=wanted, budget=budget, consent=consent),
    )
    return [_deletion(item, found) for item in surplus]


def _annotations(live: Manifest) -> Mapping[str, Any]:
    return live["metadata"].get("annotations") or {}


def _inside(items: Sequence[Item], kept: Mapping[ResourceRef, str]) -> dict[str, str]:
    """What would go along with a namespace although it should not, one example for each."""
    stays = {ref.namespace: f"{ref} is to be kept: {why}" for ref, why in kept.items()}
    wanted = {
        item.desired.ref.namespace: f"{item.desired.ref} is still wanted"
        for item in items
        if not isinstance(item, Surplus)
    }
    return {**wanted, **stays}


def _deletion(item: Surplus, leaving: _Leaving) -> Change:
    change = Change(
        ref=item.ref,
        api_version=item.live["apiVersion"],
        action=Action.DELETE,
        stage=order.stage_of(item.ref),
        authored=item.entry.authored,
        uid=item.live["metadata"]["uid"],
        resource_version=item.live["metadata"].get("resourceVersion") or "",
        verified=True,
        why="superseded" if item.superseded else "left Git",
        superseded=item.superseded,
        rank=leaving.ranks.get(item.entry.authored),
    )
    if item.ref in leaving.kept:
        return replace(change, action=Action.KEEP, why=leaving.kept[item.ref])
    if _is_namespace(item.ref) and item.ref.name in leaving.inside:
        why = f"the namespace would go, and in it {leaving.inside[item.ref.name]}"
        return replace(change, action=Action.REFUSE, guard=Guard.HOLDS, why=why)
    reason = leaving.reasons.get(item.ref, "")
    return replace(change, action=Action.REFUSE, guard=Guard.DELETION, why=reason) if reason else change


def _is_namespace(ref: ResourceRef) -> bool:
    return ref.kind == "Namespace" and not ref.group


def _kept(item: Surplus, marks: Mapping[ResourceRef, Mapping[str, Any]], *, prune: bool) -> str:
    """Why an object that left Git stays all the same; empty if it does not."""
    if item.heir:
        return f"let go of: inventory {item.heir} has it too"
    if item.ref.kind == "CustomResourceDefinition" and item.ref.name.endswith(".gitops-worker.io"):
        return "our own definitions are never pruned"
    for ref in (item.ref, item.entry.authored):
        if marks.get(ref, {}).get(NO_PRUNE) == "disabled":
            return f"annotated {NO_PRUNE}: disabled" if ref == item.ref else f"{ref} is annotated {NO_PRUNE}: disabled"
    return "" if prune else "pruning is off"
