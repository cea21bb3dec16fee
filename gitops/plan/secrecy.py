"""Secret values in what a plan shows: masked, with equality still visible.

A value becomes `sha256:<12 digits>` of itself and the plan's salt: the same value has the same mask within one plan
and another in the next, so masks of two plans cannot be compared with each other.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from gitops.plan.change import Change, PatchOp
from gitops.ref import ResourceRef

_FIELDS = ("data", "stringData")


def is_secret(ref: ResourceRef) -> bool:
    """The object holds secret values."""
    return ref.kind == "Secret" and not ref.group


def mask(value: Any, salt: str) -> str:
    """The mask of one value."""
    return "sha256:" + hashlib.sha256(f"{salt}\0{value}".encode()).hexdigest()[:12]


def patch(change: Change, ops: Sequence[PatchOp], salt: str) -> tuple[PatchOp, ...]:
    """Patch operations fit to be shown."""
    if not is_secret(change.ref):
        return tuple(ops)
    return tuple({**op, "value": value(op["path"], op["value"], salt)} if "value" in op else op for op in ops)


def value(pointer: str, found: Any, salt: str) -> Any:
    """A value of a Secret at a JSON Pointer, masked if it is or holds secret data."""
    tokens = tuple(pointer.split("/")[1:])
    if tokens and tokens[0] in _FIELDS:
        return _hide(found, salt)
    if _is_copy(tokens):
        return mask(found, salt)
    if isinstance(found, Mapping):
        return {key: _within(key, one, tokens, salt) for key, one in found.items()}
    return found


def _within(key: str, found: Any, tokens: tuple[str, ...], salt: str) -> Any:
    path = "/".join(("", *tokens, key.replace("~", "~0").replace("/", "~1")))
    return value(path, found, salt)


def _is_copy(tokens: tuple[str, ...]) -> bool:
    """A copy of the whole object, as kubectl keeps it in an annotation."""
    return bool(tokens) and tokens[-1].endswith("last-applied-configuration")


def _hide(found: Any, salt: str) -> Any:
    if isinstance(found, Mapping):
        return {key: mask(one, salt) for key, one in found.items()}
    return mask(found, salt)
