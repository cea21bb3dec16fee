"""What an object will be once a change is done: for a unified diff, and for rights before and after."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from gitops.merge import jsonpatch
from gitops.objects import Manifest
from gitops.plan import compare
from gitops.plan.change import Action, Change
from gitops.ref import ResourceRef


def predicted(change: Change, live: Manifest | None) -> Manifest | None:
    """The object after the change, without what the server keeps for itself; None if it will be gone.

    What is kept or refused stays what it is.
    """
    match change.action:
        case Action.CREATE | Action.REPLACE:
            return change.desired
        case Action.UPDATE if live is not None:
            after: Manifest = jsonpatch.apply(change.patch, compare.visible(live))
            return after
        case Action.DELETE:
            return None
        case _:
            return None if live is None else compare.visible(live)


def after(live: Mapping[ResourceRef, Manifest], changes: Iterable[Change]) -> dict[ResourceRef, Manifest]:
    """Every object as it will be; what no change is about stays as it is."""
    out = dict(live)
    for change in changes:
        found = predicted(change, live.get(change.ref))
        if found is None:
            out.pop(change.ref, None)
        else:
            out[change.ref] = found
    return out
