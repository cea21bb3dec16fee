"""What a rule is, and small questions that several of them ask."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_NAME = re.compile(r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule for the value at `path` of a kind.

    `path` is a JSON Pointer in which `*` stands for every item of a list; `field` is the pointer, from there, of the
    field to blame. `accepts` and `rejects` are values at `path`. `old` is the value before for rules about changes
    (`cel` then mentions `oldSelf`, and only the API server can judge).
    """

    kind: str
    path: str
    cel: str
    holds: Callable[[Any], bool] | None
    message: str
    hint: str = ""
    field: str = ""
    forbidden: Sequence[str] = ()
    """Pointers, from `path`, of the fields the rule is about, if it forbids fields: those that are there are blamed."""
    accepts: Sequence[Any] = ()
    rejects: Sequence[Any] = ()


def count(value: Mapping[str, Any], *names: str) -> int:
    """How many of some fields are there."""
    return sum(name in value for name in names)


def short_name(limit: int) -> Callable[[Any], bool]:
    """Whether an object's name has no dots and at most so many characters."""

    def holds(value: Any) -> bool:
        name = str((value.get("metadata") or {}).get("name", ""))
        return len(name) <= limit and _NAME.fullmatch(name) is not None

    return holds
