"""JSON Patches as kustomize applies them: RFC 6902, as its library reads it (evanphx/json-patch v4).

The `jsonpatch` package, which plans use, keeps to the RFC. Kustomize's library does not: `replace` makes a field that
is not there, a missing `value` is null, an index below zero counts from the end, and what stands before the first slash
of a path is ignored. Overlays rely on the first of these.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from gitops.build.budget import size
from gitops.merge.jsonpatch import DoesNotFit, Operation
from gitops.yaml.scalars import is_null, plain
from gitops.yaml.tracked import copy

_COPIED = 4
"""Steps for each value that is copied."""

_INDEX = re.compile(r"[-+]?[0-9]{1,9}")


class _NowhereError(Exception):
    """A path leads to nothing an operation could work on."""


Prepare = Callable[[Operation, Any], Operation]
"""What makes an operation ready for the document it is about to change."""


def apply(ops: Sequence[Operation], document: Any, pay: Callable[[int], None], prepare: Prepare | None = None) -> Any:
    """The document with the patch applied, changed in place; `pay` is asked before anything is copied.

    Raises:
        DoesNotFit: an operation cannot be applied, or a `test` fails. The message holds no values, which may be secret.
    """
    for i, written in enumerate(ops):
        op = prepare(written, document) if prepare else written
        try:
            document = _ACTS[op["op"]](document, op, pay)
        except _NowhereError:
            where = op.get("from") if op["op"] in ("move", "copy") else op["path"]
            raise DoesNotFit(f"operation {i}: `{op['op']}` finds no place for, or nothing at, {where}") from None
        except _DiffersError:
            raise DoesNotFit(
                f"operation {i}: the value at {op['path'] or 'the root'} is not what `test` expects"
            ) from None
    return document


class _DiffersError(Exception):
    """A `test` fails."""


def _find(document: Any, path: str) -> tuple[Any, str]:
    """The mapping or list a path ends in, and the key there."""
    first, *parts = path.split("/")
    if not parts:
        raise _NowhereError(first)
    node = document
    for part in parts[:-1]:
        node = _get(node, _key(part))
        if not isinstance(node, dict | list):
            raise _NowhereError
    return node, _key(parts[-1])


def _key(part: str) -> str:
    return part.replace("~1", "/").replace("~0", "~") if "~" in part else part


def _index(items: list[Any], key: str, *, room: int = 0) -> int:
    """The index a key means; below zero it counts from the end. `room`: how far behind the last item it may lie."""
    if not _INDEX.fullmatch(key):
        raise _NowhereError
    index, most = int(key), len(items) + room
    if not -most <= index < most:
        raise _NowhereError
    return index + most if index < 0 else index


def _get(container: Any, key: str) -> Any:
    """What stands at a key; None also for a field that is not there."""
    if isinstance(container, list):
        return container[_index(container, key)]
    return container.get(key)


def _add(container: Any, key: str, value: Any) -> None:
    if isinstance(container, dict):
        container[key] = value
    elif key == "-":
        container.append(value)
    else:
        container.insert(_index(container, key, room=1), value)


def _remove(container: Any, key: str) -> None:
    if isinstance(container, list):
        del container[_index(container, key)]
    elif key in container:
        del container[key]
    else:
        raise _NowhereError


def _act_add(document: Any, op: Operation, _pay: Callable[[int], None]) -> Any:
    _add(*_find(document, op["path"]), op.get("value"))
    return document


def _act_remove(document: Any, op: Operation, _pay: Callable[[int], None]) -> Any:
    _remove(*_find(document, op["path"]))
    return document


def _act_replace(document: Any, op: Operation, _pay: Callable[[int], None]) -> Any:
    value = op.get("value")
    if op["path"] == "":
        if not isinstance(value, dict | list):
            raise _NowhereError
        return value
    container, key = _find(document, op["path"])
    container[_index(container, key) if isinstance(container, list) else key] = value
    return document


def _act_move(document: Any, op: Operation, _pay: Callable[[int], None]) -> Any:
    container, key = _find(document, op["from"])
    value = _get(container, key)
    _remove(container, key)
    _add(*_find(document, op["path"]), value)
    return document


def _act_copy(document: Any, op: Operation, pay: Callable[[int], None]) -> Any:
    value = _get(*_find(document, op["from"]))
    target = _find(document, op["path"])
    pay(_COPIED * size(value))
    _add(*target, copy(value))
    return document


def _act_test(document: Any, op: Operation, _pay: Callable[[int], None]) -> Any:
    value = document if op["path"] == "" else _get(*_find(document, op["path"]))
    if is_null(value) and "value" not in op:
        return document
    if "value" not in op or not _same(plain(value), plain(op["value"])):
        raise _DiffersError
    return document


def _same(a: Any, b: Any) -> bool:
    """Whether two values are the same JSON: true is not 1."""
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(_same(value, b[key]) for key, value in a.items())
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(_same, a, b))
    return a.__class__ is b.__class__ and bool(a == b)


_ACTS: dict[str, Callable[[Any, Operation, Callable[[int], None]], Any]] = {
    "add": _act_add,
    "remove": _act_remove,
    "replace": _act_replace,
    "move": _act_move,
    "copy": _act_copy,
    "test": _act_test,
}
