"""The first half of planning: which objects need a closer look, from what was listed alone."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from gitops.objects import Manifest, inventory
from gitops.plan import compare, predict
from gitops.plan.change import Desired, PatchOp
from gitops.ref import ResourceRef

# A name that holds the hash of the content: ten characters if kustomize made it, twelve digits if it is the runner's.
_HASHED = re.compile(r"^(.+)-(?:[0-9a-z]{10}|[0-9a-f]{12})$")
_OURS = ("app.kubernetes.io/managed-by", "gitops-worker")


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """Wanted and not there."""

    desired: Desired


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaving:
    """Wanted, but what is there is being deleted: it, or the namespace it is in."""

    desired: Desired
    live: Manifest
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Differs:
    """Wanted otherwise than it is: the offline predictor's object and patch.

    Without a patch the values are as wanted, but we do not own all of them. `adopted`: it was never ours before;
    `holder` is another inventory that has it.
    """

    desired: Desired
    live: Manifest
    predicted: Manifest
    patch: tuple[PatchOp, ...]
    adopted: bool = False
    holder: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Same:
    """Already as wanted."""

    desired: Desired
    live: Manifest


@dataclass(frozen=True, slots=True, kw_only=True)
class Stranger:
    """An object our expansion would make exists already and nobody says it is ours."""

    desired: Desired
    live: Manifest


@dataclass(frozen=True, slots=True, kw_only=True)
class Surplus:
    """Owned and no longer wanted; `superseded` by a newer hash of the same generator.

    `heir` is another inventory that has it too: the object is let go of, not deleted.
    """

    ref: ResourceRef
    entry: inventory.Entry
    live: Manifest
    superseded: bool
    heir: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreadable:
    """Wanted, but live could not be read: `why` in words."""

    desired: Desired
    why: str


Item = Missing | Leaving | Differs | Same | Stranger | Surplus | Unreadable


def draft(
    desired: Sequence[Desired],
    live: Mapping[ResourceRef, Manifest],
    owned: inventory.Inventory,
    *,
    unreadable: Mapping[ResourceRef, str] | None = None,
    heirs: Mapping[ResourceRef, str] | None = None,
) -> tuple[Item, ...]:
    """Sort every wanted and every owned object into an item; an owned object that is gone needs none.

    `heirs` are the other inventories that have an object which goes, or which comes to this one.
    """
    blocked, others = unreadable or {}, heirs or {}
    items: list[Item] = [_look(one, live, owned, blocked, others) for one in desired]
    wanted = {one.ref for one in desired}
    old = superseded(owned.entries, wanted)
    items += [
        Surplus(ref=ref, entry=entry, live=live[ref], superseded=ref in old, heir=others.get(ref, ""))
        for ref, entry in owned.entries.items()
        if ref not in wanted and ref in live
    ]
    return tuple(items)


def superseded(owned: Iterable[ResourceRef], wanted: Collection[ResourceRef]) -> frozenset[ResourceRef]:
    """What a generator made before and another hash of the same name takes the place of."""
    stems = {stem for ref in wanted if (stem := _stem(ref)) is not None}
    return frozenset(ref for ref in owned if ref not in wanted and _stem(ref) in stems)


def _look(
    one: Desired,
    live: Mapping[ResourceRef, Manifest],
    owned: inventory.Inventory,
    unreadable: Mapping[ResourceRef, str],
    others: Mapping[ResourceRef, str],
) -> Item:
    if one.ref in unreadable:
        return Unreadable(desired=one, why=unreadable[one.ref])
    found = live.get(one.ref)
    if found is None:
        return Missing(desired=one)
    known = one.ref in owned.entries
    if one.authored != one.ref and not known and not _is_ours(found):
        return Stranger(desired=one, live=found)
    why = _leaving(one.ref, found, live)
    if why:
        return Leaving(desired=one, live=found, why=why)
    predicted = predict.predict(one.manifest, found)
    patch = compare.compare(found, predicted)
    if not patch and predict.owns_all(one.manifest, found):
        return Same(desired=one, live=found)
    holder = "" if known else others.get(one.ref, "")
    return Differs(desired=one, live=found, predicted=predicted, patch=patch, adopted=not known, holder=holder)


def _leaving(ref: ResourceRef, found: Manifest, live: Mapping[ResourceRef, Manifest]) -> str:
    if found["metadata"].get("deletionTimestamp"):
        return "is being deleted: made again when it is gone"
    around = live.get(ResourceRef(group="", kind="Namespace", namespace="", name=ref.namespace))
    if around is not None and around["metadata"].get("deletionTimestamp"):
        return f"namespace {ref.namespace} is being deleted: made again with it"
    return ""


def _is_ours(live: Manifest) -> bool:
    key, value = _OURS
    labels = live["metadata"].get("labels") or {}
    return labels.get(key) == value


def _stem(ref: ResourceRef) -> tuple[str, str, str] | None:
    """What a generator named: kind, namespace and the name without its hash; None if there is no hash."""
    if ref.group or ref.kind not in {"ConfigMap", "Secret"}:
        return None
    match = _HASHED.fullmatch(ref.name)
    return None if match is None else (ref.kind, ref.namespace, match.group(1))
