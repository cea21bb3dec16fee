"""How much one plan may delete without being asked.

Counted in objects as authored in Git: a pool is one, however many objects it expands to. Namespaces, volumes, secrets
and definitions always need naming, for what is in them goes too. Naming the authored object covers its expansion.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from gitops.objects import inventory
from gitops.ref import ResourceRef

PRECIOUS = frozenset({"Namespace", "PersistentVolumeClaim", "PersistentVolume", "Secret", "CustomResourceDefinition"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """`count` deletions always pass; above it at most `percent` of what is owned."""

    count: int = 2
    percent: int = 20


def consent_name(ref: ResourceRef) -> str:
    """How a person names an object to consent to its deletion: `workerpool/gpu`, `namespace/shop`."""
    return f"{ref.kind.lower()}/{ref.name}"


def refusals(
    deleted: Mapping[ResourceRef, inventory.Entry],
    owned: inventory.Inventory,
    *,
    wanted: Collection[ResourceRef],
    budget: Budget,
    consent: Collection[str] = (),
) -> dict[ResourceRef, str]:
    """Which deletions are refused, and why in words.

    `wanted` are the authored objects Git still has: what goes of their expansion is no deletion of theirs. `consent`
    holds names as of `consent_name`, in lower case.
    """
    given = {name.lower() for name in consent}
    groups: dict[ResourceRef, list[ResourceRef]] = {}
    for ref, entry in deleted.items():
        if not {consent_name(ref), consent_name(entry.authored)} & given:
            groups.setdefault(entry.authored, []).append(ref)
    reasons: dict[ResourceRef, str] = {}
    for authored, members in groups.items():
        precious = sorted(ref for ref in members if ref.kind in PRECIOUS)
        if precious:
            reasons |= dict.fromkeys(members, _precious(authored, precious))
    total = len(owned.authored)
    whole = groups.keys() - set(wanted)
    if len(whole) > budget.count and len(whole) * 100 > budget.percent * total:
        why = (
            f"{len(whole)} of {total} authored objects would go, the budget is {budget.count} or {budget.percent} %: "
            f"consent by naming each, for example {consent_name(min(whole))}"
        )
        over = [ref for authored in whole for ref in groups[authored]]
        reasons |= {ref: why for ref in over if ref not in reasons}
    return reasons


def _precious(authored: ResourceRef, precious: list[ResourceRef]) -> str:
    names = ", ".join(str(ref) for ref in precious)
    return f"deletes {names} and all that is in it: consent by naming {consent_name(authored)}"
