"""Which authored fields an expanded field comes from: found by changing one after the other and expanding again.

Expansion is one function without side effects, a fraction of a millisecond long, so asking it is cheaper, and never
stale, compared with carrying the answer through it.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from typing import Any

from gitops import errors
from gitops.api.meta import GROUP
from gitops.expand.expanded import Context, Expanded
from gitops.expand.fold import expand
from gitops.objects import Manifest, ref_of
from gitops.objects.fieldpath import escape, value_at
from gitops.ref import ResourceRef

Cause = tuple[ResourceRef, str]
"""An authored object, and the JSON Pointer of a field in it."""

_SHARED = ("/metadata/name", "/metadata/namespace")
"""Fields that others repeat: pools are served by name, and all live in one namespace."""
_GONE = object()


def causes(authored: Sequence[Manifest], wanted: Expanded, pointer: str, *, context: Context) -> tuple[Cause, ...]:
    """The fields of authored objects that decide the value at a JSON Pointer of an expanded one.

    Those whose own value it is come first; empty if the value is always the same. The object it was made from is asked
    first, the others of our kinds only if nothing of it matters.
    """
    ours = [one for one in authored if ref_of(one).group == GROUP]
    mine = [one for one in ours if ref_of(one) == wanted.authored]
    others = [one for one in ours if ref_of(one) != wanted.authored]
    if not pointer:
        return ()
    value = value_at(wanted.manifest, pointer)
    for group in (mine, others):
        found = [
            (ref_of(one), path)
            for one in group
            for path in _leaves(one, "")
            if not path.startswith(("/apiVersion", "/kind")) and _matters(ours, one, path, (wanted, pointer), context)
        ]
        if found:
            return tuple(sorted(found, key=lambda cause: _own(ours, cause) != value))
    return ()


def _own(manifests: Sequence[Manifest], cause: Cause) -> Any:
    ref, pointer = cause
    return next(value_at(one, pointer) for one in manifests if ref_of(one) == ref)


def _matters(
    manifests: Sequence[Manifest], one: Manifest, path: str, wanted: tuple[Expanded, str], context: Context
) -> bool:
    target, pointer = wanted
    before = value_at(target.manifest, pointer)
    for changed in _variants(manifests, one, path):
        try:
            after = expand(changed, context=context)
        except errors.GitOpsError:
            continue
        found = _counterpart(after, target, manifests, context)
        if found is not None and value_at(found, pointer) != before:
            return True
    return False


def _counterpart(after: Sequence[Expanded], target: Expanded, manifests: Sequence[Manifest], context: Context) -> Any:
    """The object again: under its name, or, renamed, in its place."""
    ref = target.ref
    for one in after:
        if one.ref == ref:
            return one.manifest
    before = expand(manifests, context=context)
    index = next(index for index, one in enumerate(before) if one.ref == ref)
    if len(after) != len(before) or after[index].manifest.get("kind") != ref.kind:
        return None
    return after[index].manifest


def _variants(manifests: Sequence[Manifest], one: Manifest, path: str) -> Iterator[list[Manifest]]:
    """The manifests with one value changed to another of its type, and without it."""
    value = value_at(one, path)
    if path in _SHARED:
        yield [_renamed(each, value, f"{value}x") for each in manifests]
        return
    if other := _other(value):
        yield [_with(each, path, other[0]) if each is one else each for each in manifests]
    yield [_with(each, path, _GONE) if each is one else each for each in manifests]


def _other(value: Any) -> tuple[Any, ...]:
    match value:
        case bool():
            return (not value,)
        case int() | float():
            return (value + 1,)
        case str():
            return (f"{value}x",)
        case _:
            return ()


def _with(manifest: Manifest, path: str, value: Any) -> Manifest:
    twin = copy.deepcopy(manifest)
    above, _, token = path.rpartition("/")
    container, key = value_at(twin, above), token.replace("~1", "/").replace("~0", "~")
    place: Any = int(key) if isinstance(container, list) else key
    if value is _GONE:
        del container[place]
    else:
        container[place] = value
    return twin


def _renamed(node: Any, old: Any, new: str) -> Any:
    if isinstance(node, dict):
        return {key: _renamed(item, old, new) for key, item in node.items()}
    if isinstance(node, list):
        return [_renamed(item, old, new) for item in node]
    return new if node == old and isinstance(node, str) else node


def _leaves(value: Any, pointer: str) -> Iterator[str]:
    if isinstance(value, dict) and value:
        for key, item in value.items():
            yield from _leaves(item, f"{pointer}/{escape(key)}")
    elif isinstance(value, list) and value:
        for index, item in enumerate(value):
            yield from _leaves(item, f"{pointer}/{index}")
    else:
        yield pointer
