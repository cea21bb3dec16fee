"""The leaves of an object as server-side apply counts them, and the `fieldsV1` form of a set of them.

A path is a tuple of fieldsV1 keys: `f:name` a field, `k:{...}` an item of a list by its keys, `v:...` an item of a set.
https://github.com/kubernetes-sigs/structured-merge-diff; which lists are maps is known by field name here, which is
enough for a fake and not for the real thing.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

Path = tuple[str, ...]
_ABSENT = object()

_LIST_KEYS: Mapping[str, tuple[tuple[str, ...], ...]] = {
    "containers": (("name",),),
    "initContainers": (("name",),),
    "volumes": (("name",),),
    "env": (("name",),),
    "imagePullSecrets": (("name",),),
    "conditions": (("type",),),
    "volumeMounts": (("mountPath",),),
    "ports": (("containerPort", "protocol"), ("port", "protocol")),
    "hostAliases": (("ip",),),
    "topologySpreadConstraints": (("topologyKey", "whenUnsatisfiable"),),
    "ownerReferences": (("uid",),),
}
_SETS = frozenset({"finalizers"})
_ATOMIC = frozenset({"selector", "nodeSelector", "matchLabels", "labelSelector", "podTemplate"})
_DEFAULTS = {"protocol": "TCP"}
# What identifies an object, or is written by the server alone, is nobody's.
_SERVERS_OWN = (
    "name",
    "namespace",
    "generateName",
    "uid",
    "resourceVersion",
    "generation",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "managedFields",
)
_UNOWNED = frozenset({("f:apiVersion",), ("f:kind",), *(("f:metadata", f"f:{name}") for name in _SERVERS_OWN)})


def leaves(manifest: Mapping[str, Any]) -> dict[Path, Any]:
    """Every owned leaf and its value; an item of a keyed list is a leaf of its own, with its keys as value."""
    return dict(_walk((), "", manifest))


def encode(paths: Iterable[Path]) -> dict[str, Any]:
    """The `fieldsV1` of a set of paths."""
    ordered = sorted(set(paths))
    tree: dict[str, Any] = {}
    for path, following in itertools.zip_longest(ordered, ordered[1:], fillvalue=()):
        node = tree
        for step in path:
            node = node.setdefault(step, {})
        # What lies below a path comes right behind it.
        if following[: len(path)] == path:
            node.setdefault(".", {})
    return tree


def decode(tree: Mapping[str, Any], prefix: Path = ()) -> Iterator[Path]:
    """The paths of a `fieldsV1`."""
    for step, below in tree.items():
        if step == ".":
            yield prefix
        elif below:
            yield from decode(below, (*prefix, step))
        else:
            yield (*prefix, step)


def merge(live: Any, applied: Any, name: str = "") -> Any:
    """`applied` laid over `live`; what `applied` does not mention stays."""
    if isinstance(live, dict) and isinstance(applied, dict) and name not in _ATOMIC:
        out = dict(live)
        for key, value in applied.items():
            out[key] = merge(live.get(key), value, key)
        return out
    if isinstance(live, list) and isinstance(applied, list):
        if name in _SETS:
            return [*live, *(item for item in applied if item not in live)]
        if name in _LIST_KEYS and all(_key(name, item) for item in (*live, *applied)):
            return _merge_items(name, live, applied)
    return applied


def remove(value: Any, path: Path, name: str = "") -> Any:
    """Without the leaf at `path`; parents left empty go too."""
    step, rest = path[0], path[1:]
    if step.startswith("f:") and isinstance(value, dict):
        field = step[2:]
        return _without(value, field, remove(value[field], rest, field) if rest and field in value else _ABSENT)
    if isinstance(value, list):
        kept = [(item, _item_step(name, item) == step) for item in value]
        if not rest:
            return [item for item, hit in kept if not hit]
        return [remove(item, rest, name) if hit else item for item, hit in kept]
    return value


def _without(value: dict[str, Any], field: str, left: Any) -> dict[str, Any]:
    out = {key: item for key, item in value.items() if key != field}
    if left is not _ABSENT and left not in ({}, []):
        out[field] = left
    return out


def _walk(path: Path, name: str, value: Any) -> Iterator[tuple[Path, Any]]:
    if path in _UNOWNED:
        return
    if isinstance(value, dict) and name not in _ATOMIC and value:
        for key, item in value.items():
            yield from _walk((*path, f"f:{key}"), key, item)
    elif isinstance(value, list) and value and _is_keyed(name, value):
        for item in value:
            step = _item_step(name, item)
            yield (*path, step), step
            if isinstance(item, dict):
                for key, below in item.items():
                    yield from _walk((*path, step, f"f:{key}"), key, below)
    elif path:
        yield path, value


def _merge_items(name: str, live: list[Any], applied: list[Any]) -> list[Any]:
    wanted = {_key(name, item): item for item in applied}
    old = {_key(name, item) for item in live}
    merged = [merge(item, wanted[_key(name, item)]) if _key(name, item) in wanted else item for item in live]
    return [*merged, *(item for key, item in wanted.items() if key not in old)]


def _is_keyed(name: str, items: list[Any]) -> bool:
    return name in _SETS or (name in _LIST_KEYS and all(_key(name, item) for item in items))


def _key(name: str, item: Any) -> str:
    if not isinstance(item, dict):
        return ""
    for keys in _LIST_KEYS.get(name, ()):
        found = {key: item.get(key, _DEFAULTS.get(key)) for key in keys}
        if None not in found.values():
            return json.dumps(found, separators=(",", ":"))
    return ""


def _item_step(name: str, item: Any) -> str:
    key = _key(name, item)
    return f"k:{key}" if key else f"v:{json.dumps(item)}"
