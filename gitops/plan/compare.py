"""The only maker of JSON Patches: what turns one state of an object into another.

Fields the server keeps for itself (status, managedFields, resourceVersion and their like) are no part of a comparison.
"""

from __future__ import annotations

from collections.abc import Sequence

from gitops.merge import jsonpatch
from gitops.objects import Manifest
from gitops.plan.change import PatchOp

_SERVERS_OWN = frozenset(
    {
        "managedFields",
        "resourceVersion",
        "uid",
        "generation",
        "creationTimestamp",
        "selfLink",
        "deletionTimestamp",
        "deletionGracePeriodSeconds",
    }
)


def visible(manifest: Manifest) -> Manifest:
    """The object without what the server keeps for itself."""
    out = {key: value for key, value in manifest.items() if key != "status"}
    out["metadata"] = {key: value for key, value in manifest["metadata"].items() if key not in _SERVERS_OWN}
    return out


def compare(live: Manifest, predicted: Manifest) -> tuple[PatchOp, ...]:
    """The RFC 6902 patch from live to predicted; empty if nothing visible changes."""
    return tuple(jsonpatch.diff(visible(live), visible(predicted)))


def tests(live: Manifest, patch: Sequence[PatchOp]) -> tuple[PatchOp, ...]:
    """`test` operations for every old value the patch replaces or removes: they hold as long as the plan does."""
    return tuple(jsonpatch.tests(visible(live), list(patch)))


def holds(live: Manifest, expectations: Sequence[PatchOp]) -> str:
    """The path of the first `test` that does not hold on live, or empty if all do."""
    state = visible(live)
    for one in expectations:
        if not jsonpatch.holds(state, one):
            return str(one["path"])
    return ""
