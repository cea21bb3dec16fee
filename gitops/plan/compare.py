"""The only maker of JSON Patches: what turns one state of an object into another.

Fields the server keeps for itself (status, managedFields, resourceVersion and their like) are no part of a comparison.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from gitops.merge import difference
from gitops.objects import Manifest
from gitops.plan.change import PatchOp

ABSENT: Final = object()
"""Stands for a value that is not there; null is a value."""

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
    return () if live is predicted else tuple(difference.diff(visible(live), visible(predicted)))


def steps(live: Manifest, predicted: Manifest) -> tuple[difference.Step, ...]:
    """The same, each operation with the place in live of the value it replaces or removes."""
    return () if live is predicted else tuple(difference.steps(visible(live), visible(predicted)))


def compare_with_tests(live: Manifest, predicted: Manifest) -> tuple[tuple[PatchOp, ...], tuple[PatchOp, ...]]:
    """The patch, and a `test` for every old value it replaces or removes: they hold as long as the plan does."""
    patch, tests = difference.diff_with_tests(visible(live), visible(predicted))
    return tuple(patch), tuple(tests)


def holds(live: Manifest, expectations: Sequence[PatchOp]) -> str:
    """The path of the first `test` that does not hold on live, or empty if all do."""
    state = visible(live)
    return next((str(one["path"]) for one in expectations if not same(at(state, one["path"]), one["value"])), "")


def same(one: Any, other: Any) -> bool:
    """Equal as JSON."""
    if one is ABSENT or other is ABSENT:
        return one is other
    return not difference.diff(one, other)


def at(document: Any, pointer: str) -> Any:
    """The value at a JSON Pointer, or `ABSENT`; an index may be `-`, which is never there."""
    value = document
    for token in pointer.split("/")[1:]:
        key = token.replace("~1", "/").replace("~0", "~")
        if isinstance(value, dict) and key in value:
            value = value[key]
        elif isinstance(value, list) and key.isdigit() and int(key) < len(value):
            value = value[int(key)]
        else:
            return ABSENT
    return value
