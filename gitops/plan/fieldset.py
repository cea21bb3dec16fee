"""managedFields: who owns which field of an object, as the server keeps it.

A field set maps `f:name` to the set below it, `k:{...}` an item of a list by its keys, `v:...` an item of a list that
is a set; an empty set is a leaf: a scalar, an empty value, or a value merged as one.
https://kubernetes.io/docs/reference/using-api/server-side-apply/#field-management
"""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from gitops.api.meta import FIELD_MANAGER
from gitops.objects import Manifest

FieldSet = Mapping[str, Any]
ItemKey = tuple[tuple[str, Any], ...]
"""The keys of a list item, by name."""

# Keys the server fills in before it looks for an item.
_KEY_DEFAULTS: Mapping[str, Any] = {"protocol": "TCP"}


def entries(live: Manifest) -> Sequence[Mapping[str, Any]]:
    """The entries that own something outside of status."""
    found: Sequence[Mapping[str, Any]] = live["metadata"].get("managedFields") or ()
    return [entry for entry in found if entry.get("subresource") != "status"]


def is_ours(entry: Mapping[str, Any]) -> bool:
    """We applied what this entry owns."""
    return entry["manager"] == FIELD_MANAGER and entry["operation"] == "Apply" and not entry.get("subresource")


def applied(live: Manifest) -> FieldSet | None:
    """What we own by applying; None if we never did."""
    for entry in live["metadata"].get("managedFields") or ():
        if is_ours(entry):
            fields: FieldSet = entry.get("fieldsV1") or {}
            return fields
    return None


def others(live: Manifest) -> FieldSet:
    """What everybody else owns, laid over each other."""
    found = [entry.get("fieldsV1") or {} for entry in entries(live) if not is_ours(entry)]
    if len(found) == 1:
        return found[0]
    out: dict[str, Any] = {}
    for fields in found:
        _overlay(out, fields)
    return out


def _overlay(out: dict[str, Any], fields: FieldSet) -> None:
    for key, below in fields.items():
        _overlay(out.setdefault(key, {}), below)


@functools.lru_cache(maxsize=4096)
def item_key(field: str) -> ItemKey:
    """The keys in a `k:{...}` field."""
    return tuple(sorted(json.loads(field[2:]).items()))


@functools.lru_cache(maxsize=4096)
def item_value(field: str) -> Any:
    """The value in a `v:...` field."""
    return json.loads(field[2:])


def key_names(*sets: FieldSet | None) -> tuple[str, ...]:
    """By which fields the server tells the items of a list apart; empty if it does not."""
    for fields in sets:
        for field in fields or ():
            if field.startswith("k:"):
                return tuple(name for name, _ in item_key(field))
    return ()


def is_set(*sets: FieldSet | None) -> bool:
    """The server merges the list as a set of values."""
    return any(field.startswith("v:") for fields in sets for field in fields or ())


def key_of(item: Any, names: Sequence[str]) -> ItemKey:
    """The keys of a list item; one that is left out has its default."""
    if not isinstance(item, dict):
        return ()
    values = ((name, item.get(name, _KEY_DEFAULTS.get(name))) for name in names)
    return tuple((name, value) for name, value in values if value is not None)


def items(fields: FieldSet | None) -> dict[ItemKey, FieldSet]:
    """The sets below each item of a keyed list."""
    return {item_key(field): below for field, below in (fields or {}).items() if field.startswith("k:")}


def values(fields: FieldSet | None) -> Iterator[Any]:
    """The values of a list that is a set."""
    return (item_value(field) for field in fields or () if field.startswith("v:"))


def covers(owned: FieldSet, desired: Manifest) -> bool:
    """Every leaf of `desired` is in `owned`; what identifies the object is nobody's."""
    rest = {key: value for key, value in desired.items() if key not in {"apiVersion", "kind", "metadata"}}
    metadata = {key: value for key, value in desired["metadata"].items() if key not in {"name", "namespace"}}
    return _covers(owned, rest) and (not metadata or _covers(owned.get("f:metadata") or {}, metadata))


def _covers(owned: FieldSet, desired: Any) -> bool:
    if isinstance(desired, dict):
        for key, value in desired.items():
            below = owned.get(f"f:{key}")
            if below is None:
                if value:
                    return False
            elif below and not _covers(below, value):
                return False
        return True
    if isinstance(desired, list):
        names = key_names(owned)
        if names:
            known = items(owned)
            return all(
                (below := known.get(key_of(item, names))) is not None and (not below or _covers(below, item))
                for item in desired
            )
        held = list(values(owned))
        return not held or all(value in held for value in desired)
    return True
