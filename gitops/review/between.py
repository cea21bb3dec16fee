"""What one rendering changes in another, with the guards of a plan and without a cluster."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from gitops.objects import Manifest, inventory
from gitops.plan import compare, draft, settle
from gitops.plan.change import Desired, Plan
from gitops.ref import ResourceRef

UNASKED = "two renderings were compared, no cluster was asked"


def between(
    before: Sequence[Desired], after: Sequence[Desired], *, header: settle.Header, rules: settle.Rules
) -> tuple[Plan, dict[ResourceRef, Manifest]]:
    """The plan that would turn a cluster which is exactly `before` into `after`; and the objects it starts from."""
    live = {one.ref: _stored(one.manifest) for one in before}
    owned = inventory.Inventory(entries={one.ref: settle.entry_of(one) for one in before})
    items = [_exact(item) for item in draft.draft(after, live, owned)]
    unasked = settle.Prediction(unverified=UNASKED)
    predictions = {one.ref: unasked for one in after}
    return settle.settle(items, predictions, owned, header=header, rules=rules), live


def _stored(manifest: Manifest) -> Manifest:
    return {**manifest, "metadata": {**manifest["metadata"], "uid": ""}}


def _exact(item: draft.Item) -> draft.Item:
    """Of what both sides have, the one becomes the other: nothing stays that only a cluster would have added."""
    match item:
        case draft.Same(desired=desired, live=live) | draft.Differs(desired=desired, live=live):
            patch = compare.compare(live, desired.manifest)
            if not patch:
                return draft.Same(desired=desired, live=live)
            return draft.Differs(desired=desired, live=live, predicted=desired.manifest, patch=patch)
        case _:
            return item


def matched(before: Sequence[Desired], after: Sequence[Desired]) -> tuple[Desired, ...]:
    """`before` with objects that differ in their namespace alone taken for the same: overlays often do.

    An object of that group, kind and name must be there once on each side.
    """
    known = {one.ref for one in before} & {one.ref for one in after}
    left = [one for one in before if one.ref not in known]
    right = [one for one in after if one.ref not in known]
    there = {_anywhere(one.ref): one for one in right}
    twice = {key for some in (left, right) for key in _repeated(some)}
    return tuple(_moved(one, there, twice) if one.ref not in known else one for one in before)


def _anywhere(ref: ResourceRef) -> ResourceRef:
    return ref._replace(namespace="")


def _repeated(some: Sequence[Desired]) -> set[ResourceRef]:
    seen: set[ResourceRef] = set()
    again: set[ResourceRef] = set()
    for one in some:
        (again if _anywhere(one.ref) in seen else seen).add(_anywhere(one.ref))
    return again


def _moved(one: Desired, there: dict[ResourceRef, Desired], twice: set[ResourceRef]) -> Desired:
    key = _anywhere(one.ref)
    found = there.get(key)
    if found is None or key in twice:
        return one
    return replace(one, ref=found.ref, authored=found.authored)
