"""Ranges of versions (`>=1.2.0 <2`), and the newest tag in one. Versions are https://semver.org/spec/v2.0.0.html.

A range is what users of npm and Flux write: comparators (`=` `!=` `>` `>=` `<` `<=` `~` `^`) side by side or with
commas, `1.2 - 1.4`, `1.x`, alternatives with `||`. A pre-release is taken only if the alternative names one; even then
`<2` does not take `2.0.0-rc.1`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TypeAlias

from gitops import errors
from gitops.api.meta import SEMVER_RANGE

Key: TypeAlias = tuple[tuple[int, ...], tuple[object, ...]]
"""Sorts by precedence (semver §11): the numbers, then the pre-release, of which none is the highest."""

RELEASE: tuple[object, ...] = (1,)
LOWEST: tuple[object, ...] = (0,)
VERSION = re.compile(
    r"^v?(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(?:-([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?(?:\+[0-9A-Za-z.-]+)?$"
)
COMPARATOR = re.compile(
    r"(=|!=|>=|<=|>|<|~|\^)?\s*v?([0-9xX*]+(?:\.[0-9xX*]+)*)(?:-([0-9A-Za-z.-]+))?(?:\+[0-9A-Za-z.-]+)?"
)
HYPHEN = re.compile(r"^\s*(\S+)\s+-\s+(\S+)\s*$")
RANGE = re.compile(SEMVER_RANGE)


@dataclass(frozen=True, slots=True)
class Span:
    """From `low`, inclusive, to `high`, exclusive; None is no bound."""

    low: Key | None = None
    high: Key | None = None

    def holds(self, key: Key) -> bool:
        """Whether a version lies in it."""
        return (self.low is None or self.low <= key) and (self.high is None or key < self.high)


NOTHING = Span(high=((), ()))


@dataclass(frozen=True, slots=True)
class Alternative:
    """Spans that must all hold, and those that must not; `names_pre`: one of its versions is a pre-release."""

    within: tuple[Span, ...]
    without: tuple[Span, ...] = field(default=())
    names_pre: bool = False

    def admits(self, key: Key) -> bool:
        """Whether the version with this key is in it."""
        if key[1] != RELEASE and not self.names_pre:
            return False
        return all(span.holds(key) for span in self.within) and not any(span.holds(key) for span in self.without)


@dataclass(frozen=True, slots=True)
class Range:
    """What a person wrote, understood."""

    alternatives: tuple[Alternative, ...]

    def admits(self, version: str) -> bool:
        """Whether a version, or a tag that is one, is in the range; False for what is no version."""
        key = precedence(version)
        return key is not None and any(each.admits(key) for each in self.alternatives)


def precedence(version: str) -> Key | None:
    """What sorts versions; None if the text is none. A leading `v` is allowed, three numbers are required."""
    match = VERSION.match(version)
    if match is None:
        return None
    return (int(match[1]), int(match[2]), int(match[3])), _pre(match[4])


def newest(tags: Iterable[str], wanted: Range) -> str | None:
    """The tag of the highest version in the range; of two tags of one version, the last by name."""
    found = [(precedence(tag) or ((), ()), tag) for tag in tags if wanted.admits(tag)]
    return max(found)[1] if found else None


def parse(text: str) -> Range:
    """Read a range.

    Raises:
        ConfigError: it is none.
    """
    if not RANGE.match(text):
        raise errors.ConfigError(
            f"not a range of versions: {text!r}", hint='write ">=1.2.0 <2", "^1.4", "1.x", "~2.3.1"'
        )
    return Range(tuple(_alternative(part) for part in text.split("||")))


def _alternative(text: str) -> Alternative:
    hyphen = HYPHEN.match(text)
    spelled = f">={hyphen[1]} <={hyphen[2]}" if hyphen else text
    within: list[Span] = []
    without: list[Span] = []
    names_pre = False
    for operator, numbers, pre in COMPARATOR.findall(spelled):
        span = _span(operator or "=", _numbers(numbers), pre)
        (without if operator == "!=" else within).append(span)
        names_pre = names_pre or bool(pre)
    return Alternative(tuple(within), tuple(without), names_pre)


def _numbers(text: str) -> tuple[int, ...]:
    """The numbers before the first wildcard."""
    found: list[int] = []
    for part in text.split("."):
        if not part.isdecimal():
            break
        found.append(int(part))
    return tuple(found)


def _span(operator: str, numbers: tuple[int, ...], pre: str) -> Span:
    """What a comparator holds. A version with fewer than three numbers stands for all that begin with them."""
    first: Key = (_filled(numbers), _pre(pre))
    after = _after(numbers, pre)
    match operator:
        case "=" | "!=":
            return Span(first, after)
        case ">=":
            return Span(first)
        case ">":
            return Span(after) if after else NOTHING
        case "<":
            return Span(high=first if pre else (first[0], LOWEST)) if numbers else NOTHING
        case "<=":
            return Span(high=after)
        case "~":
            return Span(first, _until(numbers[:2])) if numbers else Span()
        case _:
            return Span(first, _until(_caret(numbers))) if numbers else Span()


def _after(numbers: tuple[int, ...], pre: str) -> Key | None:
    """The first key beyond what the version stands for."""
    if len(numbers) == 3:  # noqa: PLR2004  # major, minor, patch
        # Nothing lies between a key and the same with one more element.
        return numbers, (*_pre(pre), ())
    return _until(numbers) if numbers else None


def _until(numbers: tuple[int, ...]) -> Key:
    """Below the next version that differs in the last of these numbers, and below its pre-releases."""
    return _filled((*numbers[:-1], numbers[-1] + 1)), LOWEST


def _caret(numbers: tuple[int, ...]) -> tuple[int, ...]:
    """Up to the first number that is not 0: what must stay."""
    kept = next((index for index, number in enumerate(numbers) if number), len(numbers) - 1)
    return numbers[: kept + 1]


def _filled(numbers: tuple[int, ...]) -> tuple[int, ...]:
    return (*numbers, 0, 0, 0)[:3]


def _pre(text: str | None) -> tuple[object, ...]:
    """Numbers below words, a shorter list below the longer it begins (semver §11.4)."""
    if not text:
        return RELEASE
    return (0, *((0, int(part), "") if part.isdecimal() else (1, 0, part) for part in text.split(".")))
