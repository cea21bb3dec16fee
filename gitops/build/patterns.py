"""Patterns in kustomizations: Go's syntax as far as Python shares it, and none that could take forever.

kustomize's engine works in linear time, Python's goes back and tries again. So a repository is not trusted with a
pattern that repeats a repetition or a choice, or holds very many of them, and pays for each match what it may cost.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

MAX_LENGTH = 1_000
"""Characters; names have 253."""
_MOST_REPEATS = 3
_MOST_WAYS = 100_000
_MANY = 100
"""Times from which on a bounded repetition counts as an unbounded one."""
_TRIES_A_STEP = 10_000

_REPEATED = ("*", "?", "+")

_ESCAPED = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]])*\]", re.DOTALL)
_CLASS = re.compile(r"\\\\|\[\^?\]?(?:\\.|[^\]])*\]", re.DOTALL)
_QUANTIFIED = re.compile(r"[*+?]\??|\{(?P<least>\d+)(?P<comma>,)?(?P<most>\d*)\}\??")
_NAMED = re.compile(r"\(\?(?:P?<\w+>|[a-zA-Z-]*:)")
_GROUP = re.compile(r"\((?P<inside>[^()]*)\)(?P<times>[*+?]|\{\d+(?:,\d*)?\})?")
_NOT_GO = re.compile(r"\\[1-9Z]|\(\?(?:[=!>(#]|<[=!]|P[=>])|[*+?}]\+|\{,\d")
_END = re.compile(r"(\\\\)|\\z")
_FLAGS = re.compile(r"\(\?(?P<flags>[imsU]+)\)")
_CLASSES = {
    "[:alnum:]": "0-9A-Za-z",
    "[:alpha:]": "A-Za-z",
    "[:digit:]": "0-9",
    "[:lower:]": "a-z",
    "[:upper:]": "A-Z",
    "[:space:]": r"\t\n\v\f\r ",
    "[:word:]": "0-9A-Za-z_",
    "[:xdigit:]": "0-9A-Fa-f",
}


class Refused(ValueError):
    """The pattern is valid but could take too long."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """A pattern ready to use: `repeats` of it have no bound, and everything else in it can match in so many `ways`."""

    regex: re.Pattern[str]
    repeats: int
    ways: int

    def steps(self, text: str) -> int:
        """What looking for it in a text costs at worst, in steps of a build."""
        tries: int = self.ways * len(text) ** self.repeats
        return 1 + tries // _TRIES_A_STEP


def whole(pattern: str) -> Pattern:
    """A pattern for a whole text.

    Raises:
        ValueError: it is not valid, or refused.
    """
    text, repeats, ways = _translated(pattern)
    return Pattern(_compiled(rf"(?:{text})\Z"), repeats, ways)


def ending(pattern: str, after: str) -> Pattern:
    """A pattern for a whole text that ends with `after`, which is trusted: `search` it.

    kustomize puts `^` before and `after` behind it, without a group: a choice in it is one between a beginning and an
    end, and a repetition it begins with repeats the `^`, so that it may stand anywhere.

    Raises:
        ValueError: it is not valid, or refused.
    """
    start = "^"
    if pattern[:1] in _REPEATED and pattern[1:2] not in _REPEATED:
        start, pattern = "^" if pattern[0] == "+" else "", pattern[1:]
    text, repeats, ways = _translated(pattern)
    anywhere = not start or "|" in text
    return Pattern(_compiled(rf"{start}{text}{after}\Z"), repeats + after.count("*") + anywhere, ways)


def within(pattern: str) -> Pattern:
    """A pattern for a part of a text.

    Raises:
        ValueError: it is not valid, or refused.
    """
    text, repeats, ways = _translated(pattern)
    return Pattern(_compiled(text), repeats + 1, ways)


def _compiled(pattern: str) -> re.Pattern[str]:
    try:
        return re.compile(pattern, re.ASCII)
    except (re.error, OverflowError) as error:
        raise ValueError(str(error)) from error
    except RecursionError:
        raise Refused("it nests too deeply") from None


def _translated(pattern: str) -> tuple[str, int, int]:
    """The pattern in Python's spelling, how many of its repetitions have no bound, and the ways through the rest."""
    if len(pattern) > MAX_LENGTH:
        raise Refused(f"it is longer than {MAX_LENGTH} characters")
    if found := _NOT_GO.search(_CLASS.sub("x", pattern)):
        raise ValueError(f"{found[0]} is no syntax of kustomize's patterns")
    repeats, ways = _weighed(pattern)
    if "[" in pattern:
        for name, letters in _CLASSES.items():
            pattern = pattern.replace(name, letters)
    pattern = _END.sub(lambda found: found[1] or r"\Z", pattern)
    if flags := _FLAGS.match(pattern):
        kept = flags["flags"].replace("U", "")
        pattern = f"(?{kept}:{pattern[flags.end() :]})"
    return pattern, repeats, ways


def _weighed(pattern: str) -> tuple[int, int]:
    # Classes and escaped characters match one character: a letter stands for them from here on.
    bare = _NAMED.sub("(", _ESCAPED.sub("x", pattern))
    times = [_times(found) for found in _QUANTIFIED.finditer(bare)]
    repeats = sum(one >= _MANY for one in times)
    ways = math.prod(one for one in times if one < _MANY) * _alternatives(bare)
    if repeats > _MOST_REPEATS:
        raise Refused(f"it repeats without bound more than {_MOST_REPEATS} times")
    if ways > _MOST_WAYS:
        raise Refused("it leaves too many choices")
    return repeats, ways


def _times(found: re.Match[str]) -> int:
    """In how many lengths a quantified thing can come; `_MANY` for no bound."""
    if found["least"] is None:
        return 2 if found[0].startswith("?") else _MANY
    if not found["comma"]:
        return 1
    return _MANY if not found["most"] else min(_MANY, int(found["most"]) - int(found["least"]) + 1)


def _alternatives(bare: str) -> int:
    """The ways through all alternatives, group by group from the innermost."""
    ways = 1
    while found := _GROUP.search(bare):
        inside, times = found["inside"], found["times"] or ""
        open_ended = bool(_QUANTIFIED.search(inside)) or "|" in inside
        if times not in ("", "?") and open_ended:
            raise Refused("it repeats a group that itself repeats or chooses")
        ways *= inside.count("|") + 1
        # What repeats or chooses inside still does outside.
        bare = bare[: found.start()] + ("x*" if open_ended or times else "x") + bare[found.end() :]
    return ways * (bare.count("|") + 1)
