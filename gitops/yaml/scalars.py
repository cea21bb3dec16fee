"""What a plain scalar means: kustomize's dialect for manifests, YAML 1.1 for kustomization files.

The rules are those of go-yaml v3 (manifests, through kyaml) and v2 (configuration, through sigs.k8s.io/yaml), the
libraries inside kubectl: leading-zero octal, no sexagesimal numbers, integral floats are integers, and for manifests
`yes` and `on` are strings while a date becomes a timestamp string.
"""

from __future__ import annotations

import base64
import binascii
import functools
import re
from enum import Enum
from typing import Any

from gitops.location import Location

_LARGEST_INT = 2**64 - 1
_BEYOND_INT = 1e20
_MOST_DIGITS = 400
"""Longer numbers are beyond every float, and Python would not read them."""
_SMALLEST_INT = -(2**63)

_NULLS = dict.fromkeys(("", "~", "null", "Null", "NULL"))
_BOOLS = dict.fromkeys(("true", "True", "TRUE"), True) | dict.fromkeys(("false", "False", "FALSE"), False)
_WORDS_1_1 = dict.fromkeys(("y", "Y", "yes", "Yes", "YES", "on", "On", "ON"), True) | dict.fromkeys(
    ("n", "N", "no", "No", "NO", "off", "Off", "OFF"), False
)
_NOT_JSON = frozenset(
    sign + word for sign in ("", "+", "-") for word in (".inf", ".Inf", ".INF", ".nan", ".NaN", ".NAN")
)

_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_BETWEEN = re.compile("(?<=[0-9])_(?=[0-9])")
_INT = re.compile(r"[-+]?(0[xX][0-9a-fA-F]+|0[bB][01]+|0[oO][0-7]+|0[0-7]+|0|[1-9][0-9]*)")
_DAYS = (0, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


class Dialect(Enum):
    """Whose rules decide what a plain scalar means."""

    MANIFEST = "manifest"
    CONFIG = "config"


class Authored:
    """A scalar of which more is known than its JSON value: how it was spelled and, when tracked, where.

    kustomize keeps the spelling of numbers and booleans (`0644`, `1.10`) and writes it into annotations and merge
    keys, so a value whose spelling is not the canonical one carries it until the build is done.
    """

    __slots__ = ("at", "before", "text", "value")

    def __init__(self, text: str, value: Any, at: Location | None = None, before: Any = None) -> None:
        self.text = text
        self.value = value
        self.at = at
        self.before = before

    def __eq__(self, other: object) -> bool:
        return bool(self.value == (other.value if isinstance(other, Authored) else other))

    def __hash__(self) -> int:
        return hash(self.value)

    def __repr__(self) -> str:
        return f"Authored({self.text!r}, {self.value!r})"


class Blank(Authored):
    """Nothing at all as a value between brackets, `{a: , b: 1}`: null, until it is printed as an empty string."""

    __slots__ = ()

    def __init__(self, text: str = "", value: Any = None, at: Location | None = None, before: Any = None) -> None:
        super().__init__(text, value, at, before)


def is_string(value: Any) -> bool:
    """Whether a scalar is a YAML string, however it is carried."""
    return isinstance(value, str) or (isinstance(value, Authored) and isinstance(value.value, str))


def is_null(value: Any) -> bool:
    """Whether a value is YAML null, however it is carried."""
    return value is None or (isinstance(value, Authored) and value.value is None)


def text_of(value: Any) -> str:
    """The scalar as it is spelled; empty for a mapping or a list."""
    if isinstance(value, str):
        return value
    if isinstance(value, Authored):
        return value.text
    return _canonical(value)


def _canonical(value: Any) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case float():
            return float_text(value)
        case _:
            return ""


def float_text(value: float) -> str:
    """The shortest spelling of a float, with an exponent where Go's `strconv` has one: below 1e-4 and from 1e6."""
    spelled = _scientific(value)
    if -4 <= int(spelled.partition("e")[2]) < 6:  # noqa: PLR2004 - Go's limits, see above
        return repr(value).removesuffix(".0")
    return spelled


def _scientific(value: float) -> str:
    """A float with as few digits as tell it from all others, and an exponent."""
    digits = repr(value).partition("e")[0].lstrip("-").replace(".", "").strip("0")
    return f"{value:.{max(len(digits) - 1, 0)}e}"


def plain(value: Any) -> Any:
    """The same data with every carried scalar replaced by its JSON value; new containers, shared with nothing."""
    match value:
        case str():  # first: most values of most data are
            return str(value)
        case dict():
            return {str(key): plain(item) for key, item in value.items()}
        case list():
            return [plain(item) for item in value]
        case Blank():
            return ""
        case Authored():
            return value.value
        case _:
            return value


def resolve(text: str, dialect: Dialect) -> Any:
    """What a plain scalar means: None, bool, int, float, str, or `Authored` where the spelling matters.

    Raises:
        ValueError: JSON has no such value (`.inf`, `.nan`).
    """
    first = text[:1]
    if text in _NULLS:
        return None if text == "null" else Authored(text, None)
    if first in "tTfF" and text in _BOOLS:
        value = _BOOLS[text]
        return value if text in ("true", "false") else Authored(text, value)
    if dialect is Dialect.CONFIG and text in _WORDS_1_1:
        return Authored(text, _WORDS_1_1[text])
    if first in "0123456789+-.":
        return _number(text, dialect)
    return text


def _number(text: str, dialect: Dialect) -> Any:
    if text in _NOT_JSON:
        raise ValueError(text)
    if len(text) > 4 and text[4] == "-":  # noqa: PLR2004 - all dates start with four digits and a dash
        stamp = timestamp(text)
        if stamp:
            return Authored(text, stamp) if dialect is Dialect.MANIFEST else text
    # After a point Go reads the number itself, which may have underscores between digits only.
    bare = _BETWEEN.sub("", text) if text[0] == "." else text.replace("_", "")
    number: float | int | None = _integer(bare)
    if number is None:
        if not _FLOAT.fullmatch(bare):
            return text
        number = json_number(float(bare))
        if number is None:
            return text
    return number if _canonical(number) == text else Authored(text, number)


def _integer(text: str) -> int | None:
    if len(text) > _MOST_DIGITS or not _INT.fullmatch(text):
        return None
    sign, digits = (-1, text[1:]) if text[0] == "-" else (1, text.lstrip("+"))
    if digits[0] == "0" and len(digits) > 1 and digits[1] in "01234567":
        digits = "0o" + digits[1:]
    value = sign * int(digits, 0)
    return value if _SMALLEST_INT <= value <= _LARGEST_INT else None


def json_number(value: float) -> float | int | None:
    """A float as JSON carries it through kubectl: whole numbers of 64 bits are integers; None if not finite."""
    if value != value or value in (float("inf"), float("-inf")):  # noqa: PLR0124 - NaN is the one that differs
        return None
    if value.is_integer() and abs(value) < _BEYOND_INT:
        # Go writes the shortest digits and fills up with zeros: 123456789012345680, not ...677.
        digits, _, exponent = _scientific(value).partition("e")
        head, _, tail = digits.partition(".")
        whole: int = int(head + tail) * 10 ** (int(exponent) - len(tail))
        if _SMALLEST_INT <= whole <= _LARGEST_INT:
            return whole
    return value


@functools.cache
def _timestamp() -> re.Pattern[str]:
    """Compiled by the first text that may be a date: that takes a millisecond."""
    return re.compile(
        r"([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})"
        r"(?:(?:[Tt]|(?P<space> ))([0-9]{1,2}):([0-9]{1,2}):([0-9]{1,2})"
        r"(?:[.,]([0-9]{1,9}))?(?P<zone>Z|[-+][0-9]{2}:[0-9]{2})?)?"
    )


def timestamp(text: str) -> str | None:
    """A date or time as kustomize prints it (RFC 3339), or None if the text is neither."""
    found = _timestamp().fullmatch(text) if text[4:5] == "-" else None
    if not found:
        return None
    year, month, day = (int(found[i]) for i in (1, 2, 3))
    if not 1 <= month <= 12 or not 1 <= day <= _DAYS[month]:  # noqa: PLR2004 - months
        return None
    if month == 2 and day == 29 and (year % 4 or (year % 100 == 0 and year % 400)):  # noqa: PLR2004 - leap years
        return None
    date = f"{year:04}-{month:02}-{day:02}"
    if found[5] is None:
        return f"{date}T00:00:00Z"
    if bool(found["space"]) == bool(found["zone"]):
        return None
    hour, minute, second = int(found[5]), int(found[6]), int(found[7])
    if hour > 23 or minute > 59 or second > 59:  # noqa: PLR2004 - clocks
        return None
    fraction = (found[8] or "").rstrip("0")
    zone = found["zone"] or "Z"
    zone = "Z" if zone in ("+00:00", "-00:00") else zone
    return f"{date}T{hour:02}:{minute:02}:{second:02}{'.' + fraction if fraction else ''}{zone}"


def tagged(tag: str, text: str, dialect: Dialect) -> Any:
    """A scalar with an explicit tag.

    Raises:
        ValueError: the text is not of the tag's type.
    """
    kind = tag.removeprefix("tag:yaml.org,2002:")
    if kind == "binary":
        try:
            return base64.b64decode("".join(text.split()), validate=True).decode("utf-8")
        except (binascii.Error, UnicodeDecodeError) as cause:
            raise ValueError(text) from cause
    if kind not in ("int", "float", "bool", "null"):
        return text
    value = resolve(text, dialect)
    real = value.value if isinstance(value, Authored) else value
    wanted: dict[str, tuple[type, ...]] = {
        "int": (int,),
        "float": (int, float),
        "bool": (bool,),
        "null": (type(None),),
    }
    if not isinstance(real, wanted[kind]) or (isinstance(real, bool) and kind != "bool"):
        raise ValueError(text)
    return value
