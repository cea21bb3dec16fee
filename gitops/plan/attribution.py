"""Who set a field: read from managedFields, where the server wrote it.

A manager's name is self-declared, and a removal has no owner: then candidates are named, never a culprit.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gitops.api.meta import FIELD_MANAGER
from gitops.objects import Manifest
from gitops.plan import fieldset


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """A manager as managedFields names it; `certain` is false for a candidate."""

    manager: str
    operation: str
    time: str
    certain: bool = True


def is_ours(live: Manifest, pointer: str) -> bool:
    """We applied the field at a JSON Pointer, alone or beside others."""
    tokens = _tokens(pointer)
    return any(
        _owns(entry.get("fieldsV1") or {}, live, tokens) for entry in fieldset.entries(live) if fieldset.is_ours(entry)
    )


def owner_of(live: Manifest, pointer: str) -> Owner | None:
    """The manager that owns the field at a JSON Pointer, other than ourselves if several do."""
    tokens = _tokens(pointer)
    found = [entry for entry in fieldset.entries(live) if _owns(entry.get("fieldsV1") or {}, live, tokens)]
    others = [entry for entry in found if entry["manager"] != FIELD_MANAGER]
    latest = sorted(others, key=_time) or found
    return _owner(latest[-1]) if latest else None


def candidates(live: Manifest) -> tuple[Owner, ...]:
    """Everybody else who ever wrote to the object, latest first: for a removal, or a field nobody owns."""
    entries = [entry for entry in fieldset.entries(live) if entry["manager"] != FIELD_MANAGER]
    latest = sorted(entries, key=_time, reverse=True)
    return tuple(_owner(entry, certain=False) for entry in latest)


def foreign_leaves(live: Manifest) -> Iterator[tuple[str, Owner]]:
    """The JSON Pointer of everything somebody other than us owns, with its owner.

    A map or an item of a list that we own nothing of is named as a whole, everything else leaf by leaf.
    """
    ours = fieldset.applied(live)
    for entry in fieldset.entries(live):
        if entry["manager"] != FIELD_MANAGER:
            for pointer in _leaves(entry.get("fieldsV1") or {}, ours, live, ""):
                yield pointer, _owner(entry)


def _tokens(pointer: str) -> list[str]:
    return [token.replace("~1", "/").replace("~0", "~") for token in pointer.split("/")[1:]]


def _time(entry: Mapping[str, Any]) -> str:
    return str(entry.get("time") or "")


def _owner(entry: Mapping[str, Any], *, certain: bool = True) -> Owner:
    return Owner(manager=entry["manager"], operation=entry["operation"], time=entry.get("time") or "", certain=certain)


def _owns(fields: Mapping[str, Any], value: Any, tokens: Sequence[str]) -> bool:
    """The field set reaches the path, or ends above it at a value merged as one."""
    if not tokens:
        return True
    if not fields:
        return True
    below, child = _step(fields, value, tokens[0])
    return below is not None and _owns(below, child, tokens[1:])


def _step(fields: Mapping[str, Any], value: Any, token: str) -> tuple[Mapping[str, Any] | None, Any]:
    if isinstance(value, list) and token.isdigit() and int(token) < len(value):
        item = value[int(token)]
        for key, below in fields.items():
            if _is_item(key, item):
                return below, item
        return None, item
    child = value.get(token) if isinstance(value, dict) else None
    return fields.get(f"f:{token}"), child


def _is_item(key: str, item: Any) -> bool:
    if key.startswith("v:"):
        return bool(fieldset.item_value(key) == item)
    if key.startswith("k:") and isinstance(item, dict):
        return all(item.get(name) == value for name, value in fieldset.item_key(key))
    return False


def _leaves(fields: fieldset.FieldSet, ours: fieldset.FieldSet | None, value: Any, prefix: str) -> Iterator[str]:
    children = [key for key in fields if key != "."]
    if not children or ("." in fields and ours is None):
        yield prefix
        return
    for key in children:
        token, child = _child(key, value)
        if token is not None:
            yield from _leaves(fields[key], ours.get(key) if ours else None, child, f"{prefix}/{token}")


def _child(key: str, value: Any) -> tuple[str | None, Any]:
    if key.startswith("f:"):
        name = key[2:]
        found = value.get(name) if isinstance(value, dict) else None
        return (None, None) if found is None else (name.replace("~", "~0").replace("/", "~1"), found)
    for position, item in enumerate(value if isinstance(value, list) else ()):
        if _is_item(key, item):
            return str(position), item
    return None, None
