"""The offline predictor: what server-side apply would make of an object, from LIST and GET rights alone.

Which lists are maps, and by which keys, is read from the live object's own managedFields: the server wrote there how it
merges every field that has an owner, definitions of others included. Where it says nothing a list is one value.
What this cannot know (a default inside an atomic value) shows up as a difference, and the server is asked.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from gitops.api.meta import FIELD_MANAGER
from gitops.objects import Manifest, quantity

FieldSet = Mapping[str, Any]
"""A `fieldsV1` object: `f:name`, `k:{keys}`, `v:value` and `.` to the same again."""

_QUANTITY_PARENTS = frozenset({"limits", "requests", "hard", "capacity", "default", "defaultRequest", "max", "min"})
_QUANTITIES = frozenset({"sizeLimit", "divisor"})
_DROPPED: tuple[Any, ...] = ({}, [], "", None, False)
# Defaults the server writes inside values it merges as a whole, by field name.
_DEFAULTS: dict[str, tuple[Any, ...]] = {
    "apiVersion": ("v1",),
    "apiGroup": ("", "rbac.authorization.k8s.io"),
    "protocol": ("TCP",),
    "divisor": ("0",),
    "expirationSeconds": (3600, 3607),
    "defaultMode": (420,),
    "matchPolicy": ("Equivalent",),
    "namespaceSelector": ({},),
    "objectSelector": ({},),
    "scope": ("*",),
    "parameterNotFoundAction": (None,),
}


def is_owner(live: Manifest) -> bool:
    """We have applied this object before."""
    return _applied(live) is not None


def predict(desired: Manifest, live: Manifest) -> Manifest:
    """Live with every leaf of desired in it, and without what we applied before and no longer want."""
    shape = _shape(live)
    ours = _applied(live) or {}
    trimmed = _trim(live, desired, ours)
    merged = _merge(trimmed, desired, shape, ours)
    return {**merged, "metadata": {**merged["metadata"], "name": live["metadata"]["name"]}}


def _applied(live: Manifest) -> FieldSet | None:
    for entry in live["metadata"].get("managedFields") or ():
        if entry["manager"] == FIELD_MANAGER and entry["operation"] == "Apply" and not entry.get("subresource"):
            fields: FieldSet = entry.get("fieldsV1") or {}
            return fields
    return None


def _shape(live: Manifest) -> FieldSet:
    """All managers' field sets laid over each other."""
    out: dict[str, Any] = {}
    for entry in live["metadata"].get("managedFields") or ():
        _overlay(out, entry.get("fieldsV1") or {})
    return out


def _overlay(out: dict[str, Any], fields: FieldSet) -> None:
    for key, below in fields.items():
        _overlay(out.setdefault(key, {}), below)


def _merge(live: Any, desired: Any, shape: FieldSet, ours: FieldSet, *, name: str = "", parent: str = "") -> Any:
    if isinstance(desired, dict) and isinstance(live, dict):
        return _merge_map(live, desired, shape, ours, name=name)
    if isinstance(desired, list) and isinstance(live, list):
        return _merge_list(live, desired, shape, ours)
    if live == desired and type(live) is type(desired):
        return live
    if (parent in _QUANTITY_PARENTS or name in _QUANTITIES) and quantity.equal(live, desired):
        return live
    return live if _same(live, desired) else desired


def _merge_map(
    live: dict[str, Any], desired: dict[str, Any], shape: FieldSet, ours: FieldSet, *, name: str
) -> dict[str, Any]:
    if not shape and desired and name:  # the server merges this map as one value, or nobody owns it yet
        return live if _same(live, desired) else desired
    out = dict(live)
    for key, value in desired.items():
        field = f"f:{key}"
        if key not in live:
            if value in _DROPPED and (field in ours or value is None):
                continue
            out[key] = value
            continue
        out[key] = _merge(live[key], value, shape.get(field) or {}, ours.get(field) or {}, name=key, parent=name)
    return out


def _merge_list(live: list[Any], desired: list[Any], shape: FieldSet, ours: FieldSet) -> list[Any]:
    keyed = [key for key in shape if key.startswith("k:")]
    if keyed:
        return _merge_keyed(live, desired, shape, ours, keys=tuple(json.loads(keyed[0][2:])))
    if any(key.startswith("v:") for key in shape):
        return live + [value for value in desired if value not in live]
    return live if _same(live, desired) else desired


def _merge_keyed(
    live: list[Any], desired: list[Any], shape: FieldSet, ours: FieldSet, *, keys: tuple[str, ...]
) -> list[Any]:
    out = list(live)
    index = {_key(item, keys): position for position, item in enumerate(live)}
    for item in desired:
        key = _key(item, keys)
        position = index.get(key)
        if position is None:
            out.append(item)
            continue
        field = "k:" + key
        out[position] = _merge(live[position], item, shape.get(field) or {}, ours.get(field) or {}, name="item")
    return out


def _key(item: Any, keys: tuple[str, ...]) -> str:
    """The item's key as managedFields spells it; a key left out has its default."""
    values = {
        key: item.get(key, _DEFAULTS.get(key, (None,))[0]) if isinstance(item, dict) else None for key in sorted(keys)
    }
    return json.dumps({key: value for key, value in values.items() if value is not None}, separators=(",", ":"))


def _same(live: Any, desired: Any, name: str = "", parent: str = "") -> bool:
    """Equal but for the server's defaults and spellings."""
    if isinstance(live, dict) and isinstance(desired, dict):
        extra = all(_is_default(key, live[key]) for key in live.keys() - desired.keys())
        return extra and all(
            _same(live[key], value, key, name) if key in live else value in _DROPPED for key, value in desired.items()
        )
    if isinstance(live, list) and isinstance(desired, list):
        return len(live) == len(desired) and all(_same(one, other) for one, other in zip(live, desired, strict=True))
    if (parent in _QUANTITY_PARENTS or name in _QUANTITIES) and quantity.equal(live, desired):
        return True
    return bool(live == desired) and isinstance(live, bool) == isinstance(desired, bool)


def _is_default(key: str, value: Any) -> bool:
    return any(value == one and type(value) is type(one) for one in _DEFAULTS.get(key, ()))


def _trim(live: Any, desired: Any, ours: FieldSet) -> Any:
    """Live without the fields we own and no longer want."""
    if isinstance(live, dict):
        return _trim_map(live, desired if isinstance(desired, dict) else {}, ours)
    if isinstance(live, list):
        return _trim_list(live, desired if isinstance(desired, list) else [], ours)
    return live


def _trim_map(live: dict[str, Any], desired: dict[str, Any], ours: FieldSet) -> dict[str, Any]:
    out = dict(live)
    for field, below in ours.items():
        key = field[2:]
        if not field.startswith("f:") or key not in live:
            continue
        if key in desired:
            out[key] = _trim(live[key], desired[key], below)
            continue
        kept = _trim(live[key], None, below) if below else None
        if kept in _DROPPED:
            del out[key]
        else:
            out[key] = kept
    return out


def _trim_list(live: list[Any], desired: list[Any], ours: FieldSet) -> list[Any]:
    wanted_values = {json.dumps(value) for value in desired if not isinstance(value, dict | list)}
    out: list[Any] = []
    keyed = {key: below for key, below in ours.items() if key.startswith("k:")}
    keys = tuple(json.loads(next(iter(keyed))[2:])) if keyed else ()
    wanted = {_key(item, keys): item for item in desired} if keys else {}
    for item in live:
        key = _key(item, keys) if keys else ""
        if keys and "k:" + key in keyed:
            if key in wanted:
                out.append(_trim(item, wanted[key], keyed["k:" + key]))
            continue
        if not keys and f"v:{json.dumps(item)}" in ours and json.dumps(item) not in wanted_values:
            continue
        out.append(item)
    return out
