"""The first half of planning: which objects need a closer look, from what was listed alone."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from gitops.objects import Manifest, inventory
from gitops.plan import compare, predict
from gitops.plan.change import Desired, PatchOp
from gitops.ref import ResourceRef

_HASHED = re.compile(r"^(.+)-[0-9a-z]{10}$")
_OURS = ("app.kubernetes.io/managed-by", "gitops-worker")


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """Wanted and not there."""

    desired: Desired


@dataclass(frozen=True, slots=True, kw_only=True)
class Differs:
    """Wanted otherwise than it is: the offline predictor's object and patch."""

    desired: Desired
    live: Manifest
    predicted: Manifest
    patch: tuple[PatchOp, ...]


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
    """Owned and no longer wanted; `superseded` by a newer hash of the same generator."""

    ref: ResourceRef
    entry: inventory.Entry
    live: Manifest
    superseded: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreadable:
    """Wanted, but live could not be read: `why` in words."""

    desired: Desired
    why: str


Item = Missing | Differs | Same | Stranger | Surplus | Unreadable


def draft(
    desired: Sequence[Desired],
    live: Mapping[ResourceRef, Manifest],
    owned: inventory.Inventory,
    *,
    unreadable: Mapping[ResourceRef, str] | None = None,
) -> tuple[Item, ...]:
    """Sort every wanted and every owned object into an item; an owned object that is gone needs none."""
    blocked = unreadable or {}
    wanted = {one.ref for one in desired}
    items: list[Item] = [_look(one, live, owned, blocked) for one in desired]
    items += [
        Surplus(ref=ref, entry=entry, live=live[ref], superseded=_superseded(ref, wanted))
        for ref, entry in owned.entries.items()
        if ref not in wanted and ref in live
    ]
    return tuple(items)


def _look(
    one: Desired,
    live: Mapping[ResourceRef, Manifest],
    owned: inventory.Inventory,
    unreadable: Mapping[ResourceRef, str],
) -> Item:
    if one.ref in unreadable:
        return Unreadable(desired=one, why=unreadable[one.ref])
    found = live.get(one.ref)
    if found is None:
        return Missing(desired=one)
    if one.authored != one.ref and one.ref not in owned.entries and not _is_ours(found):
        return Stranger(desired=one, live=found)
    predicted = predict.predict(one.manifest, found)
    patch = compare.compare(found, predicted)
    if not patch and predict.is_owner(found):
        return Same(desired=one, live=found)
    return Differs(desired=one, live=found, predicted=predicted, patch=patch)


def _is_ours(live: Manifest) -> bool:
    key, value = _OURS
    labels = live["metadata"].get("labels") or {}
    return labels.get(key) == value


def _superseded(ref: ResourceRef, wanted: Collection[ResourceRef]) -> bool:
    """A generator's old hash, while a new one of the same stem is wanted."""
    match = _HASHED.match(ref.name)
    if match is None or ref.kind not in {"ConfigMap", "Secret"}:
        return False
    stem = match.group(1)
    return any(
        other.kind == ref.kind
        and other.namespace == ref.namespace
        and (found := _HASHED.match(other.name)) is not None
        and found.group(1) == stem
        for other in wanted
    )
