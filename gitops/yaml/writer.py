"""Write manifests as `kubectl kustomize` prints them: sorted keys, block style, quotes only where needed.

The rules are those of go-yaml v2, a port of libyaml: lists are not indented under their key, a string that would read
as something else is double-quoted, one that cannot stand plain is single-quoted, one with line breaks is a literal.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable
from typing import Any

from gitops import errors
from gitops.yaml.scalars import Authored, Dialect, float_text, resolve, timestamp

_SIMPLE_KEY = 128
"""Bytes; longer keys are written with `?`: libyaml's limit of a simple key."""
_WIDTH = 80
"""Longer lines are folded at spaces."""
_MAX_ASCII = 0x7F
_MAX_BMP = 0xFFFF

_BREAK = re.compile("[\n\r\x85\u2028\u2029]")
"""What makes a key one of several lines."""
_SAFE = re.compile(r"[A-Za-z_/$(][A-Za-z0-9_/.$()=-]*(?:[: ][A-Za-z0-9_/.$()=-]+)*")
_NEVER_FIRST = frozenset("#,[]{}&*!|>'\"%@`")
_ESCAPES = {
    0: "0", 7: "a", 8: "b", 9: "t", 10: "n", 11: "v", 12: "f", 13: "r", 27: "e", 34: '"', 92: "\\",
    0x85: "N", 0xA0: "_", 0x2028: "L", 0x2029: "P",
}  # fmt: skip


@functools.cache
def _sixties() -> re.Pattern[str]:
    """Numbers to the base of sixty. Patterns that few texts need are compiled when one does: they cost milliseconds."""
    return re.compile(r"[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?")


@functools.cache
def _unprintable() -> re.Pattern[str]:
    return re.compile(r"[^\n\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd]")


def _printable(text: str) -> bool:
    """Whether libyaml would print the text without escapes; line breaks may be in it."""
    return (text.isascii() and text.replace("\n", "").isprintable()) or not _unprintable().search(text)


def dump_all(manifests: Iterable[Any]) -> str:
    """The manifests as one YAML stream, `---` between them; empty for none."""
    return "---\n".join(dump(manifest) for manifest in manifests)


def dump(value: Any) -> str:
    """One document, ending with a line break.

    Raises:
        ConfigError: it nests too deeply.
    """
    try:
        return _dumped(value)
    except RecursionError:
        raise errors.ConfigError("an object nests far too deeply to be written") from None


def _dumped(value: Any) -> str:
    out: list[str] = []
    if isinstance(value, dict) and value:
        _mapping(value, "", out, first=True)
    elif isinstance(value, list) and value:
        _sequence(value, "", out)
    else:
        out.append(_inline(value, "", 0))
    return "".join(out).lstrip("\n").rstrip("\n") + "\n" if not out[-1].endswith("\n") else "".join(out).lstrip("\n")


def _mapping(value: dict[str, Any], indent: str, out: list[str], *, first: bool) -> None:
    """Entries, each on a line of its own; `first` leaves out the first indent (after `- `)."""
    for key in sorted_keys(tuple(value)):
        if not first:
            out.append(indent)
        first = False
        if _BREAK.search(key) or len(key.encode()) > _SIMPLE_KEY:
            out.append(f"? {_inline(key, indent + '  ', len(indent) + 2)}{indent}: ")
            _item(value[key], indent, out)
            continue
        text = _string(key)
        out.append(text + ":")
        _entry(value[key], indent, len(indent) + len(text) + 2, out)


def _entry(value: Any, indent: str, column: int, out: list[str]) -> None:
    if isinstance(value, dict) and value:
        out.append("\n" + indent + "  ")
        _mapping(value, indent + "  ", out, first=True)
    elif isinstance(value, list) and value:
        out.append("\n" + indent)
        _sequence(value, indent, out)
    else:
        out.append(" " + _inline(value, indent + "  ", column))


def _sequence(value: list[Any], indent: str, out: list[str]) -> None:
    first = True
    for item in value:
        out.append("- " if first else indent + "- ")
        first = False
        _item(item, indent, out)


def _item(item: Any, indent: str, out: list[str]) -> None:
    """A value that begins behind an indicator, on its line."""
    if isinstance(item, dict) and item:
        _mapping(item, indent + "  ", out, first=True)
    elif isinstance(item, list) and item:
        _sequence(item, indent + "  ", out)
    else:
        out.append(_inline(item, indent + "  ", len(indent) + 2))


def _inline(value: Any, indent: str, column: int) -> str:
    """A scalar or an empty container that starts at a column, with the line break after it."""
    kind = value.__class__
    if kind is str:
        text = _string(value) if "\n" not in value else _lines(value, indent)
        return text + "\n" if column + len(text) <= _WIDTH else _folded(text, indent, column) + "\n"
    if value is None:
        return "null\n"
    if kind is bool:
        return "true\n" if value else "false\n"
    if kind is int:
        return f"{value}\n"
    if kind is float:
        return float_text(value) + "\n"
    if isinstance(value, dict):
        return "{}\n"
    if isinstance(value, list):
        return "[]\n"
    return _inline(value.value if isinstance(value, Authored) else str(value), indent, column)


def _folded(text: str, indent: str, column: int) -> str:
    """A long string broken at the first single space beyond the width, again and again; a literal stays as it is."""
    if text[0] == "|" and "\n" in text:
        return text
    quoted = text[0] if text[0] in "'\"" else ""
    last = len(text) - (2 if quoted else 1)
    out: list[str] = []
    start = 0
    at = len(quoted) + 1
    while True:
        at = text.find(" ", max(at, start + _WIDTH - column + 1), last)
        if at < 0:
            break
        follows = text[at + 1] == " "
        if text[at - 1] != " " and (quoted == '"' or not follows):
            out.append(text[start:at] + "\n" + indent + ("\\" if follows else ""))
            column, start = len(indent) + follows, at + 1
        at += 1
    out.append(text[start:])
    return "".join(out)


def _lines(text: str, indent: str) -> str:
    """A string with line breaks: a literal block, unless spaces or control characters forbid it."""
    if text.endswith(" ") or " \n" in text or not _printable(text):
        return _double(text)
    hint = "2" if text[0] in " \n" else ""
    if not text.endswith("\n"):
        chomp = "-"
    elif text == "\n" or text.endswith("\n\n"):
        chomp = "+"
    else:
        chomp = ""
    body = "\n".join(indent + line if line else "" for line in text.removesuffix("\n").split("\n"))
    return f"|{hint}{chomp}\n{body}"


@functools.lru_cache(maxsize=65536)
def _string(text: str) -> str:
    """A string of one line, quoted if it must be."""
    if _reads_otherwise(text):
        return _double(text)
    if _SAFE.fullmatch(text):
        return text
    if not _printable(text):
        return _double(text)
    return text if _plain_allowed(text) else "'" + text.replace("'", "''") + "'"


def _reads_otherwise(text: str) -> bool:
    """Whether the text, unquoted, would be read as something that is not this string (YAML 1.1)."""
    if (":" in text and _sixties().fullmatch(text)) or timestamp(text):
        return True
    try:
        return resolve(text, Dialect.CONFIG) is not text
    except ValueError:
        return True


def _plain_allowed(text: str) -> bool:
    if text[0] in _NEVER_FIRST or text[0] == " " or text[-1] == " " or text.startswith(("---", "...")):
        return False
    if text[0] in "?:-" and (len(text) == 1 or text[1] == " "):
        return False
    return not (text.endswith(":") or ": " in text or " #" in text)


def _double(text: str) -> str:
    out = ['"']
    # go-yaml looks for a byte order mark at the beginning of the text, whichever character it is about to write.
    marked = text.startswith("\ufeff")
    for char in text:
        if char not in '"\\' and " " <= char <= "~" and not marked:
            out.append(char)
            continue
        code = ord(char)
        if code > _MAX_ASCII and not marked and not _unprintable().match(char):
            out.append(char)
        elif code in _ESCAPES:
            out.append("\\" + _ESCAPES[code])
        elif code <= 0xFF:  # noqa: PLR2004 - two hex digits
            out.append(f"\\x{code:02X}")
        elif code <= _MAX_BMP:
            out.append(f"\\u{code:04X}")
        else:
            out.append(f"\\U{code:08X}")
    out.append('"')
    return "".join(out)


@functools.lru_cache(maxsize=16384)
def sorted_keys(keys: tuple[str, ...]) -> tuple[str, ...]:
    """Keys in go-yaml's natural order: letters after other characters, digits by their value."""
    if all(key.isascii() and key.isalpha() for key in keys):
        return tuple(sorted(keys))
    return tuple(sorted(keys, key=functools.cmp_to_key(_compare)))


def _compare(a: str, b: str) -> int:
    for i, (x, y) in enumerate(zip(a, b, strict=False)):
        if x == y:
            continue
        letter_x, letter_y = x.isalpha(), y.isalpha()
        if letter_x and letter_y:
            return -1 if x < y else 1
        if letter_x or letter_y:
            return -1 if letter_y else 1
        return _compare_digits(a, b, i)
    return len(a) - len(b)


def _compare_digits(a: str, b: str, at: int) -> int:
    start = 0
    if a[at] == "0" or b[at] == "0":
        before = a[:at]
        digits = before[len(before.rstrip("0123456789")) :]
        start = 1 if digits.strip("0") else 0
    number_a, end_a = _digits(a, at, start)
    number_b, end_b = _digits(b, at, start)
    if number_a != number_b:
        return -1 if number_a < number_b else 1
    if end_a != end_b:
        return end_a - end_b
    return -1 if a[at] < b[at] else 1


def _digits(text: str, at: int, number: int) -> tuple[int, int]:
    while at < len(text) and text[at].isdigit():
        number = number * 10 + int(text[at])
        at += 1
    return number, at
