"""Patterns in kustomizations: Go's syntax as far as Python shares it, and none that could take forever.

kustomize's engine works in linear time, Python's does not. A repository is not trusted with a pattern that repeats a
repetition or a choice, or repeats without bound more than three times.
"""

from __future__ import annotations

import re

_MOST_REPEATS = 3
_ESCAPED = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]])*\]")
_REPEAT = re.compile(r"[*+]|\{\d+,\d*\}|\{\d{3,}\}")
_GROUP = re.compile(r"\(([^()]*)\)([*+?]|\{\d+(?:,\d*)?\})?")


class Refused(ValueError):
    """The pattern is valid but could take too long."""


def compiled(pattern: str) -> re.Pattern[str]:
    """The pattern, ready to use.

    Raises:
        ValueError: it is not valid, or refused.
    """
    _refuse_slow(pattern)
    try:
        return re.compile(pattern)
    except re.error as error:
        raise ValueError(str(error)) from error


def _refuse_slow(pattern: str) -> None:
    # Classes and escaped characters match one character: a letter stands for them from here on.
    bare = _ESCAPED.sub("x", pattern)
    if len(_REPEAT.findall(bare)) > _MOST_REPEATS:
        raise Refused(f"it repeats without bound more than {_MOST_REPEATS} times")
    while found := _GROUP.search(bare):
        inside, quantifier = found[1], found[2] or ""
        repeated = quantifier not in ("", "?")
        if repeated and (_REPEAT.search(inside) or "|" in inside):
            raise Refused("it repeats a group that itself repeats or chooses")
        # What repeats or chooses inside still does outside.
        left = "x*" if _REPEAT.search(inside) else "x|x" if "|" in inside else "x"
        bare = bare[: found.start()] + ("x*" if repeated else left) + bare[found.end() :]
