"""Strategic merge, as kustomize does it (kyaml's merge2): a patch that looks like the object it changes.

Mappings merge, scalars replace, null deletes, and a list merges by key where the schema says so, new items first.
`$patch: delete | replace | merge` in a mapping, or as an item of a list, overrides. kubectl's `$retainKeys`,
`$setElementOrder` and `$deleteFromPrimitiveList` are fields like any other, as they are to kustomize.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from gitops.merge import listmerge
from gitops.merge.schema import Field, Schema
from gitops.yaml.scalars import is_null, text_of
from gitops.yaml.tracked import Map, Text, replacing

DIRECTIVE = "$patch"
_ENTERED = 6
"""Steps for merging a mapping, however little is in it."""
_SEEN_A_STEP = 8
"""Values that are only looked at in one step."""
_SETTLED = frozenset({str, Text, int, float, bool})
"""What stays as it is where the patch has nothing: no containers, no null, nothing that is spelled in its own way."""


class _Missing:
    """No value at all, which is not null."""

    def __bool__(self) -> bool:
        return False


MISSING = _Missing()


class MergeError(Exception):
    """A patch does not fit; `path` is where, from the object's root."""

    def __init__(self, message: str, path: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.path = path


Spend = Callable[[int], None]
"""Called with the price of each part of the work before it is done; it may raise."""


def _free(_steps: int) -> None:
    """What nobody counts."""


def merge(base: Any, patch: Any, schema: Schema, type_name: str, spend: Spend = _free) -> Any:
    """The base with the patch merged in, changed in place; None when the patch deletes it.

    `type_name` is the schema's name of the object's type, empty if unknown. Both arguments are used up: the result
    shares containers with them.

    Raises:
        MergeError: a mapping meets a list or a scalar, or a directive is unknown.
    """
    result = _walk(base, patch, _Place(schema, Field(type_name), (), spend))
    return None if result is MISSING else result


class _Place:
    """Where in both trees the walk is, and what the schema knows of it."""

    __slots__ = ("field", "path", "schema", "spend")

    def __init__(self, schema: Schema, field: Field | None, path: tuple[str, ...], spend: Spend) -> None:
        self.schema = schema
        self.field = field
        self.path = path
        self.spend = spend

    def below(self, key: str) -> _Place:
        found = self.schema.field_of(self.field.type, key) if self.field else None
        return _Place(self.schema, found, (*self.path, key), self.spend)

    def item(self, index: str) -> _Place:
        return _Place(self.schema, Field(self.field.type) if self.field else None, (*self.path, index), self.spend)


def _absent(value: Any) -> bool:
    return value is MISSING or is_null(value)


def _walk(base: Any, patch: Any, at: _Place) -> Any:
    known = patch if _absent(base) else base
    if _absent(known):
        return _walk_nulls(base, patch)
    kind = dict if isinstance(known, dict) else list if isinstance(known, list) else object
    for value in (base, patch):
        if not _absent(value) and _kind(value) is not kind:
            raise MergeError(f"the patch has {_named(patch)} where the object has {_named(base)}", at.path)
    if kind is dict:
        return _walk_mapping(base, patch, at)
    if kind is list:
        keys = at.field.keys if at.field else None
        if keys is None:
            return _chosen(base, patch)
        return _walk_list(base, patch, keys, at)
    return _chosen(base, patch)


def _chosen(base: Any, patch: Any) -> Any:
    """The patch's value if it has one; null takes the value away."""
    if patch is MISSING:
        return base
    if is_null(patch):
        return MISSING
    return patch if base is MISSING else replacing(patch, base)


def _kind(value: Any) -> type:
    return dict if isinstance(value, dict) else list if isinstance(value, list) else object


def _named(value: Any) -> str:
    kind = _kind(value)
    return "a mapping" if kind is dict else "a list" if kind is list else "a single value"


def _walk_nulls(base: Any, patch: Any) -> Any:
    """Null meets null or nothing: a null that is spelled out stays unless the patch has one too."""
    if patch is MISSING and base is not MISSING and text_of(base):
        return base
    return MISSING


def _walk_mapping(base: Any, patch: Any, at: _Place) -> Any:
    if _absent(base):
        if _directive(patch, at) == "delete":
            return MISSING
        base = patch
    elif patch is not MISSING:
        if is_null(patch):
            return MISSING
        match _directive(patch, at):
            case "delete":
                return MISSING
            case "replace":
                base = patch
    at.spend(_ENTERED + len(base) // _SEEN_A_STEP + (len(patch) if patch else 0))
    for key in _touched(base, patch):
        mine = base.get(key, MISSING)
        theirs = patch.get(key, MISSING) if patch else MISSING
        if theirs.__class__ is str and (mine is MISSING or mine.__class__ is str):
            base[key] = theirs  # what nearly all fields of nearly all patches come to
            continue
        value = _walk(mine, theirs, at.below(key))
        if value is MISSING:
            base.pop(key, None)
        else:
            base[key] = value
    return base


def _touched(base: dict[str, Any], patch: Any) -> list[str]:
    """The keys whose values the merge may change, in order: a plain scalar that the patch does not name stays."""
    keys = [key for key, value in base.items() if value.__class__ not in _SETTLED]
    if not patch:
        return sorted(key for key in keys if not _settled(base[key]))
    return sorted({*(key for key in keys if key in patch or not _settled(base[key])), *patch})


def _settled(value: Any) -> bool:
    """Whether a value can be seen at once to hold nothing that the merge would change without a patch."""
    if value.__class__ is not dict and value.__class__ is not Map:
        return False
    return all(item.__class__ in _SETTLED or _settled(item) for item in value.values())


def _directive(patch: Any, at: _Place) -> str:
    """The mapping's directive, taken out of it; `merge` if it has none."""
    if not isinstance(patch, dict) or DIRECTIVE not in patch:
        return "merge"
    return _known(text_of(patch.pop(DIRECTIVE)), at)


def _known(directive: str, at: _Place) -> str:
    if directive not in ("delete", "replace", "merge"):
        raise MergeError(f"unknown patch directive {directive!r}; there are delete, replace and merge", at.path)
    return directive


def _list_directive(patch: Any, at: _Place) -> str:
    """The directive an item of the list carries alone, taken out of the list; `merge` if there is none."""
    for item in patch if isinstance(patch, list) else ():
        if isinstance(item, dict) and DIRECTIVE in item:
            if len(item) > 1:
                return "merge"
            directive = text_of(item[DIRECTIVE])
            found = _known(directive, at)
            patch[:] = [other for other in patch if not _carries(other, directive)]
            return found
    return "merge"


def _carries(item: Any, directive: str) -> bool:
    return isinstance(item, dict) and (not item or text_of(item.get(DIRECTIVE)) == directive)


def _walk_list(base: Any, patch: Any, keys: tuple[str, ...], at: _Place) -> Any:
    if _absent(base):
        base = patch
    elif patch is not MISSING:
        if is_null(patch):
            return MISSING
        match _list_directive(patch, at):
            case "delete":
                return MISSING
            case "replace":
                base = patch
    items = at.item("[]")
    if not keys:
        if any(isinstance(item, dict | list) for one in (base, patch) if isinstance(one, list) for item in one):
            raise MergeError("a list of single values, by its schema, holds something else", at.path)
        return listmerge.merge_scalars(base, patch or None)
    if any(isinstance(item, list) for one in (base, patch) if isinstance(one, list) for item in one):
        raise MergeError(f"a list stands in a list whose items are told apart by {' and '.join(keys)}", at.path)
    theirs = patch if isinstance(patch, list) else None
    return listmerge.merge_keyed(base, theirs, keys, functools.partial(_walk_item, at=items), MISSING, at.spend)


def _walk_item(mine: Any, theirs: Any, at: _Place) -> Any:
    """Two items of lists; None is no item."""
    if theirs is None and _settled(mine):
        return mine
    return _walk(MISSING if mine is None else mine, MISSING if theirs is None else theirs, at)
