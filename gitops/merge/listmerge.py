"""Merging two lists by key, item for item as kyaml does (walk/associative_sequence), its corner cases included.

The base's items keep their order and come after items that only the patch has. Items are found by the text of their
keys; with several keys, one that is empty in every item does not count.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from gitops.yaml.scalars import is_null, text_of

_NAMED = 4
_PAIR = 5
"""Steps for an item that has a name of its own, and for comparing two items."""

Values = tuple[str, ...]
Walk = Callable[[Any, Any], Any]


def merge_scalars(base: Any, patch: Any) -> list[Any]:
    """A list of scalars as a set: the patch's first, then the base's that are not among them."""
    mine = [item for item in base if not is_null(item)]
    theirs = [item for item in patch or () if not is_null(item)]
    seen: dict[str, Any] = {}
    for item in (*theirs, *mine):
        seen.setdefault(text_of(item), item)
    return list(seen.values())


def merge_keyed(
    base: list[Any], patch: list[Any] | None, keys: Values, walk: Walk, gone: Any, spend: Callable[[int], None]
) -> Any:
    """A list of mappings merged by key; `walk(mine, theirs)` merges two items (None: no such item).

    `spend` is called with the price before the work. `gone` is what `walk` returns for an item that is to go, and what
    this returns for a list that is to go.
    """
    items = len(base) + len(patch or ())
    spend(_NAMED * items)
    if len(keys) == 1:
        mine, theirs = _by_name(base, keys[0]), _by_name(patch or (), keys[0])
        if mine is not None and theirs is not None:
            return _merge_named(mine, theirs, walk, gone)
    spend(_PAIR * items * items)  # every item is looked for among all others
    wanted = _values_of(patch, base, keys)
    if len(keys) > 1:
        _complete(wanted)
    added: list[Any] = []
    valid = keys
    for values in list(wanted):
        valid, chosen = _valid(wanted, values, keys)
        narrow, narrow_values = _valid([chosen], chosen, valid)
        item = walk(_find(base, narrow, narrow_values), None if patch is None else _find(patch, narrow, narrow_values))
        if item is gone or is_null(item) or item == {}:
            for _ in valid:
                base[:] = _set(base, None, valid, chosen)
            continue
        for key, value in zip(valid, chosen, strict=False):
            if key not in item and value:
                item[key] = value
        added = _set(added, item, valid, chosen)
    if wanted:
        return _append(added, base, valid)
    return base


def _by_name(items: Sequence[Any], key: str) -> dict[str, Any] | None:
    """The items by the text of their one key; None if one has none, or two have the same."""
    found: dict[str, Any] = {}
    for item in items:
        name = item.get(key) if isinstance(item, dict) else None
        if not isinstance(name, str) or not name or name in found:
            return None
        found[name] = item
    return found


def _merge_named(mine: dict[str, Any], theirs: dict[str, Any], walk: Walk, gone: Any) -> list[Any]:
    """What the general way below makes of items that all have one key and one value of it each: by far the most."""
    merged: list[Any] = []
    for name in dict.fromkeys((*theirs, *mine)):
        there = mine.get(name)
        item = walk(there, theirs.get(name))
        if item is not gone and not is_null(item) and item != {}:
            # A replaced item is put back at the end, as in kyaml.
            merged.append(item if there is None else there)
    return merged


def _values_of(patch: list[Any] | None, base: list[Any], keys: Values) -> list[Values]:
    seen: dict[Values, None] = {}
    for items in (patch, base):
        for item in items or ():
            seen.setdefault(tuple(_value(item, key) for key in keys))
    return list(seen)


def _value(item: Any, key: str) -> str:
    value = item.get(key) if isinstance(item, dict) else None
    return "" if is_null(value) or value in ({}, []) else text_of(value)


def _complete(wanted: list[Values]) -> None:
    """Let key values that agree where both are given stand for each other (a port with and without its protocol)."""
    for i in range(len(wanted)):
        for j in range(len(wanted)):
            common = _agreeing(wanted[i], wanted[j])
            if common is not None:
                wanted[i] = wanted[j] = common


def _agreeing(a: Values, b: Values) -> Values | None:
    if any(x != y and x and y for x, y in zip(a, b, strict=True)):
        return None
    if all(x != y for x, y in zip(a, b, strict=True)):
        return None
    return tuple(x or y for x, y in zip(a, b, strict=True))


def _valid(wanted: list[Values], values: Values, keys: Values) -> tuple[Values, Values]:
    """The keys that have a value in any item, and this item's values of them; all keys if none has."""
    used = {keys[i] for one in wanted for i, value in enumerate(one) if value}
    if not used:
        return keys, values
    return (
        tuple(key for key in keys if key in used),
        tuple(value for i, value in enumerate(values) if value or keys[i] in used),
    )


def _find(items: list[Any], keys: Values, values: Values) -> Any:
    for item in items:
        if isinstance(item, dict) and all(
            key in item and _text(item[key]) == value for key, value in zip(keys, values, strict=False)
        ):
            return item
    return None


def _text(value: Any) -> str:
    return "" if isinstance(value, dict | list) else text_of(value)


def _matches(item: dict[str, Any], key: str, value: str) -> bool:
    """An empty value matches whatever the item has there, as long as it has the key."""
    return key in item and (not value or _text(item[key]) == value)


def _set(items: list[Any], item: Any, keys: Values, values: Values) -> list[Any]:
    """The items with those of these key values replaced by `item` (None removes them), or `item` at the end."""
    result: list[Any] = []
    found = False
    by_mapping = bool(keys and keys[0] and values and values[0])
    for other in items:
        if is_null(other) or other == {}:
            continue
        if not isinstance(other, dict) and by_mapping:
            result.append(other)
            continue
        if not _is_one(other, keys, values):
            if values:
                result.append(other)
            continue
        found = True
        if item is not None:
            result.append(item)
    if item is not None and not found:
        result.append(item)
    return result


def _is_one(item: Any, keys: Values, values: Values) -> bool:
    if not values or not isinstance(item, dict):
        return False
    last = False
    for i, key in enumerate(keys):
        if i < len(values):
            last = _matches(item, key, values[i])
        if not last:
            return False
    return last


def _append(added: list[Any], base: list[Any], keys: Values) -> list[Any]:
    """The merged items, then what is left of the base; a base item without its key goes to the end as it is."""
    for item in list(base):
        values: list[str] = []
        for key in keys:
            if isinstance(item, dict) and not is_null(item.get(key)):
                values.append(_text(item[key]))
            else:
                added.append(item)
        chosen = tuple(values)
        if len(keys) > 1:
            added = _set(added, None, keys, chosen)
        added = _set(added, item, keys, chosen)
    return added
