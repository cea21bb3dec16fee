"""JSON Patch (RFC 6902): apply, diff, inverse, and the `test` operations that pin the values a patch replaces."""

from __future__ import annotations

import copy
import json
from collections.abc import Sequence
from typing import Any

import jsonpatch as library
import jsonpointer

MAX_COPIED = 100_000
"""Values all `copy` operations of a patch may copy, 64 characters counted as one: each can double what is there."""

Operation = dict[str, Any]

_NEEDS = {
    "add": ("path",),
    "remove": ("path",),
    "replace": ("path",),
    "move": ("path", "from"),
    "copy": ("path", "from"),
    "test": ("path",),
}


class DoesNotFit(Exception):
    """An operation cannot be applied to the document, or a `test` fails."""


def parse(text: str | bytes) -> Any:
    """The value of a JSON text; None if it is not JSON."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def check(ops: Sequence[Operation]) -> None:
    """Refuse a patch with an unknown operation or a missing field.

    Raises:
        DoesNotFit: which operation, and what is wrong.
    """
    for i, op in enumerate(ops):
        name = op.get("op")
        needed = _NEEDS.get(name) if isinstance(name, str) else None
        if needed is None:
            raise DoesNotFit(f"operation {i}: unknown op {name!r}; the operations are {', '.join(_NEEDS)}")
        for field in needed:
            if not isinstance(op.get(field), str):
                raise DoesNotFit(f"operation {i} ({name}) has no {field!r}")


def apply(ops: Sequence[Operation], document: Any, *, in_place: bool = False) -> Any:
    """The document with the patch applied.

    Raises:
        DoesNotFit: an operation cannot be applied, or a `test` fails. The message holds no values, which may be secret.
    """
    if not in_place:
        document = copy.deepcopy(document)
    copied = 0
    for i, op in enumerate(ops):
        if op["op"] == "copy":
            copied += _size(jsonpointer.resolve_pointer(document, op["from"], None))
            if copied > MAX_COPIED:
                raise DoesNotFit(f"operation {i}: `copy` has copied more than {MAX_COPIED} values")
        try:
            document = library.JsonPatch([op]).apply(document, in_place=True)
        except library.JsonPatchTestFailed:
            raise DoesNotFit(
                f"operation {i}: the value at {op['path'] or 'the root'} is not what `test` expects"
            ) from None
        except (library.JsonPatchException, jsonpointer.JsonPointerException, TypeError, KeyError):
            where = op.get("from") if op["op"] in ("move", "copy") else op["path"]
            raise DoesNotFit(f"operation {i}: `{op['op']}` finds no place for, or nothing at, {where}") from None
    return document


def _size(value: Any) -> int:
    if isinstance(value, dict):
        return 1 + sum(map(_size, value.values()))
    if isinstance(value, list):
        return 1 + sum(map(_size, value))
    return 1 + len(value) // 64 if isinstance(value, str) else 1
