"""metav1 conditions as plain data: setting one keeps `lastTransitionTime` unless its status changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

MESSAGE_LIMIT = 32_768


def find(conditions: Sequence[Mapping[str, Any]], kind: str) -> Mapping[str, Any] | None:
    """The condition of a type, if it is set."""
    return next((one for one in conditions if one.get("type") == kind), None)


def is_true(conditions: Sequence[Mapping[str, Any]], kind: str) -> bool:
    """The condition is set and True."""
    found = find(conditions, kind)
    return found is not None and found.get("status") == "True"


def put(conditions: Sequence[Mapping[str, Any]], new: Mapping[str, Any], *, now: str) -> list[dict[str, Any]]:
    """The conditions with `new` (type, status, reason, message, observedGeneration) set; `now` is RFC 3339."""
    old = find(conditions, new["type"])
    same = old is not None and old.get("status") == new["status"]
    entry = {
        **new,
        "message": str(new.get("message") or "")[:MESSAGE_LIMIT],
        "lastTransitionTime": old["lastTransitionTime"] if same and old else now,
    }
    return [dict(one) for one in conditions if one.get("type") != new["type"]] + [entry]


def drop(conditions: Sequence[Mapping[str, Any]], kind: str) -> list[dict[str, Any]]:
    """The conditions without one type: abnormal-true conditions are absent when all is well."""
    return [dict(one) for one in conditions if one.get("type") != kind]
