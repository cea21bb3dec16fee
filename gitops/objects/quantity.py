"""Kubernetes quantities as exact numbers: `1000m`, `1` and `1.0` are the same value.

Grammar: `k8s.io/apimachinery/pkg/api/resource`, documented at "Quantity" in the Kubernetes API conventions.
"""

from __future__ import annotations

import functools
import re
from decimal import Decimal
from typing import Any

_SUFFIXES = {
    "n": Decimal("1e-9"),
    "u": Decimal("1e-6"),
    "m": Decimal("1e-3"),
    "": Decimal(1),
    "k": Decimal("1e3"),
    "M": Decimal("1e6"),
    "G": Decimal("1e9"),
    "T": Decimal("1e12"),
    "P": Decimal("1e15"),
    "E": Decimal("1e18"),
    "Ki": Decimal(2**10),
    "Mi": Decimal(2**20),
    "Gi": Decimal(2**30),
    "Ti": Decimal(2**40),
    "Pi": Decimal(2**50),
    "Ei": Decimal(2**60),
}
_PATTERN = re.compile(r"^([+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+))(?:([eE][+-]?[0-9]{1,3})|([numkMGTPE]|[KMGTPE]i)?)$")
_MAPS = frozenset(
    {
        "limits",
        "requests",
        "hard",
        "capacity",
        "default",
        "defaultRequest",
        "max",
        "min",
        "maxLimitRequestRatio",
        "overhead",
        "podFixed",
    }
)
_FIELDS = frozenset({"sizeLimit", "divisor", "averageValue"})


def is_place(name: str, parent: str) -> bool:
    """The built-in kinds hold a quantity in a field of this name, in a map of that name."""
    return parent in _MAPS or name in _FIELDS or (name, parent) == ("value", "target")


def parse(value: Any) -> Decimal | None:
    """The number a quantity stands for; None if `value` is no quantity."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return Decimal(str(value))
    return _parse(value) if isinstance(value, str) else None


@functools.lru_cache(maxsize=1024)
def _parse(value: str) -> Decimal | None:
    match = _PATTERN.fullmatch(value)
    if match is None:
        return None
    number, exponent, suffix = match.groups()
    return Decimal(number + (exponent or "")) * _SUFFIXES[suffix or ""]


def equal(one: Any, other: Any) -> bool:
    """Both are quantities, of the same value."""
    left = parse(one)
    return left is not None and left == parse(other)
