"""The offline predictor: what server-side apply would make of an object, from LIST and GET rights alone.

Which values merge, and lists by which keys, is read from the live object's own managedFields: the server wrote there
how it merges every field that has an owner, definitions of others included. A field nobody owns is merged if it is a
map and replaced if it is a list. What this cannot know (a default inside a value merged as one that is in no table
here) shows up as a difference, and the server is asked.

Nothing is copied that does not change: the result *is* the live object if nothing would.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable, Iterator, Mapping, Sequence
from typing import Any, Final

from gitops.objects import Manifest, quantity
from gitops.plan import fieldset
from gitops.plan.fieldset import FieldSet

_GONE: Final = object()
# Defaults the server writes inside values it merges as one, by field name.
_DEFAULTS: Mapping[str, tuple[Any, ...]] = {
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
    "creationTimestamp": (None,),
    "volumeMode": ("Filesystem",),
    "kind": ("PersistentVolumeClaim",),
    "status": ({"phase": "Pending"}, {}),
    "conditions": ({},),
    "name": ("",),
}
# What the server fills in from the other fields of a LimitRange's item.
_FILLED = frozenset({"default", "defaultRequest"})
# Lists the server fills in if they are empty.
_FILLED_LISTS = frozenset({"policyTypes"})


def predict(desired: Manifest, live: Manifest) -> Manifest:
    """Live with every leaf of desired in it, and without what we applied before and nobody wants any more."""
    ours, others = fieldset.applied(live) or {}, fieldset.others(live)
    trimmed = _trim(live, desired, ours, others)
    merged: Manifest = _merge(trimmed, desired, ours or None, others or None, ("", ""))
    return merged


def owns_all(desired: Manifest, live: Manifest) -> bool:
    """We have applied every leaf of desired, and nobody took one over since."""
    return fieldset.covers(fieldset.applied(live) or {}, desired)


Place = tuple[str, str]
"""A field's name, and the name of the field it is in; an item of a list has none of its own."""


def _merge(live: Any, desired: Any, ours: FieldSet | None, others: FieldSet | None, at: Place) -> Any:
    if isinstance(desired, dict) and isinstance(live, dict):
        return _merge_map(live, desired, ours, others, at)
    if isinstance(desired, list) and isinstance(live, list):
        return _merge_list(live, desired, ours, others, at)
    return live if _same(live, desired, at) else desired


def _is_leaf(ours: FieldSet | None, others: FieldSet | None) -> bool:
    """Somebody owns the value, and it as a whole."""
    return not ours and not others and (ours is not None or others is not None)


def _merge_map(
    live: dict[str, Any], desired: dict[str, Any], ours: FieldSet | None, others: FieldSet | None, at: Place
) -> dict[str, Any]:
    if _is_leaf(ours, others):
        # An empty map of ours that has content by now was filled in with defaults: others would have taken it over.
        if not desired and ours is not None and not at[0].lower().endswith("selector"):
            return live
        # An empty map that gets a text, even an empty one, is a map that grows: nothing says that it is one value.
        grows = not live and any(not isinstance(one, dict | list | None) for one in desired.values())
        return live if not grows and _same(live, desired, at) else desired
    out = live
    for key, value in desired.items():
        field = f"f:{key}"
        mine = ours.get(field) if ours else None
        if key not in live:
            # The server leaves out what is empty and still says that we own it; of an empty keyed list not even that.
            new = _GONE if value is None or value == [] or (mine is not None and not value) else value
        else:
            new = _merge(live[key], value, mine, others.get(field) if others else None, (key, at[0]))
            if new is live[key]:
                continue
        if new is not _GONE:
            out = dict(live) if out is live else out
            out[key] = new
    return out


def _merge_list(
    live: list[Any], desired: list[Any], ours: FieldSet | None, others: FieldSet | None, at: Place
) -> list[Any]:
    names = fieldset.key_names(ours, others)
    if names:
        return _merge_keyed(live, desired, ours, others, names)
    if fieldset.is_set(ours, others) and all(isinstance(one, Hashable) for one in (*live, *desired)):
        out = [live[i] if j < 0 else desired[j] for i, j in interleave(live, desired)]
        return live if out == live else out
    if not desired and ours is not None and at[0] in _FILLED_LISTS:
        return live
    return live if _same(live, desired, at) else desired


def _merge_keyed(
    live: list[Any], desired: list[Any], ours: FieldSet | None, others: FieldSet | None, names: Sequence[str]
) -> list[Any]:
    mine, theirs = fieldset.items(ours), fieldset.items(others)
    left = [fieldset.key_of(item, names) for item in live]
    right = [fieldset.key_of(item, names) for item in desired]
    out: list[Any] = []
    for i, j in interleave(left, right):
        if j < 0:
            out.append(live[i])
        elif i < 0:
            out.append(desired[j])
        else:
            out.append(_merge(live[i], desired[j], mine.get(right[j]), theirs.get(right[j]), ("", "")))
    unmoved = len(out) == len(live) and all(one is other for one, other in zip(out, live, strict=True))
    return live if unmoved else out


def interleave(left: Sequence[Hashable], right: Sequence[Hashable]) -> Iterator[tuple[int, int]]:
    """The order in which the server merges two lists by key, as pairs of places in them, -1 for none.

    The right list decides the order of what it holds; what is in the left one alone keeps its neighbours.
    The rule is that of structured-merge-diff's typed merge, the library behind server-side apply.
    """
    if left == right:
        yield from ((i, i) for i in range(len(left)))
        return
    places = {key: i for i, key in enumerate(left)}
    wanted, done = set(right), set[Hashable]()
    shared = deque(key for key in right if key in places)
    i = j = 0
    while i < len(left) or j < len(right):
        if i < len(left):
            next_right = right[j] if j < len(right) else _GONE
            if left[i] not in wanted:
                yield i, -1
                i += 1
                continue
            if left[i] != next_right and next_right is not _GONE and shared and shared[0] != left[i]:
                i += 1  # it comes, or came, where the right list has it
                continue
            i += left[i] in done or left[i] == next_right
        if j < len(right):
            key = right[j]
            done.add(key)
            yield places.get(key, -1), j
            j += 1
            if shared and shared[0] == key:
                shared.popleft()


def _same(live: Any, desired: Any, at: Place) -> bool:
    """Equal but for the server's defaults and spellings."""
    if isinstance(live, dict) and isinstance(desired, dict):
        return _same_map(live, desired, at)
    if isinstance(live, list) and isinstance(desired, list):
        pairs = zip(live, desired, strict=False)
        return len(live) == len(desired) and all(_same(one, other, ("", at[0])) for one, other in pairs)
    if live is None:
        return not desired
    if live == desired:
        return isinstance(live, bool) == isinstance(desired, bool)
    return quantity.is_place(*at) and quantity.equal(live, desired)


def _same_map(live: dict[str, Any], desired: dict[str, Any], at: Place) -> bool:
    extra = live.keys() - desired.keys()
    if extra and not all(_is_default(key, live[key], at) for key in extra) and at[0] not in _FILLED:
        return False
    # What a list holds is as deep as the list itself: its items have no name.
    inside = at[0] or at[1]
    return all(_same(live[key], value, (key, inside)) if key in live else not value for key, value in desired.items())


def _is_default(key: str, value: Any, at: Place) -> bool:
    if key in _FILLED and at == ("", "limits"):
        return True
    return any(value == one and isinstance(value, bool) == isinstance(one, bool) for one in _DEFAULTS.get(key, ()))


def _trim(live: Any, desired: Any, ours: FieldSet, others: FieldSet) -> Any:
    """Live without the fields that are ours alone and no longer wanted."""
    if isinstance(live, dict):
        return _trim_map(live, desired if isinstance(desired, dict) else {}, ours, others)
    if isinstance(live, list):
        return _trim_list(live, desired if isinstance(desired, list) else [], ours, others)
    return live


def _trim_map(live: dict[str, Any], desired: dict[str, Any], ours: FieldSet, others: FieldSet) -> dict[str, Any]:
    out = live
    for field, below in ours.items():
        key = field[2:]
        if key not in live or (not below and key in desired):
            continue
        new = _trim_field(live[key], desired.get(key, _GONE), below, others.get(field))
        if new is live[key]:
            continue
        out = dict(out) if out is live else out
        if new is _GONE:
            del out[key]
        else:
            out[key] = new
    return out


def _trim_field(live: Any, desired: Any, ours: FieldSet, others: FieldSet | None) -> Any:
    if not ours:
        return live if others is not None else _GONE
    kept = _trim(live, None if desired is _GONE else desired, ours, others or {})
    # The server drops what it emptied itself.
    return _GONE if kept is not live and not kept and desired is _GONE else kept


def _trim_list(live: list[Any], desired: list[Any], ours: FieldSet, others: FieldSet) -> list[Any]:
    names = fieldset.key_names(ours)
    if names:
        kept = list(_trim_items(live, desired, (fieldset.items(ours), fieldset.items(others)), names))
    else:
        mine = [one for one in fieldset.values(ours) if one not in desired and one not in fieldset.values(others)]
        kept = [item for item in live if item not in mine]
    unmoved = len(kept) == len(live) and all(one is other for one, other in zip(kept, live, strict=True))
    return live if unmoved else kept


def _trim_items(
    live: list[Any],
    desired: list[Any],
    owned: tuple[dict[fieldset.ItemKey, FieldSet], dict[fieldset.ItemKey, FieldSet]],
    names: Sequence[str],
) -> Iterator[Any]:
    mine, theirs = owned
    wanted = {fieldset.key_of(item, names): item for item in desired}
    for item in live:
        key = fieldset.key_of(item, names)
        if key not in mine:
            yield item
        elif key in wanted or key in theirs:
            yield _trim(item, wanted.get(key), mine[key], theirs.get(key) or {})
