r"""Fields as people write them, as JSON Pointers: `.spec.replicas`, `spec.containers[name=main].image`.

JSON Pointers too, and kubectl's forms: `.metadata.annotations.example\.org/owner`, `.metadata.labels['example.org/x']`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from gitops import errors

_PART = re.compile(
    r"""
    \.?(?P<name>(?:\\.|[^.\[\]\\])+)
    | \[(?P<index>\d+)\]
    | \[(?P<quote>['"])(?P<key>.*?)(?P=quote)\]
    | \[(?P<field>[\w.-]+)=(?P<wanted>[^\]]*)\]
    """,
    re.VERBOSE | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Selected:
    """The item of a list whose field has a value."""

    field: str
    wanted: str

    def of(self, items: Any) -> int | None:
        """Which item of a list that is; None if there is none, or no list."""
        for index, item in enumerate(items if isinstance(items, list) else ()):
            if isinstance(item, dict) and str(item.get(self.field)) == self.wanted:
                return index
        return None


Part = str | Selected
"""One step of a path: a key or an index, or an item by one of its fields."""


def parts(text: str) -> tuple[Part, ...]:
    """The steps of a path, in any of its forms.

    Raises:
        ConfigError: the text is no path.
    """
    if text.startswith("/") or text in ("", "."):
        return tuple(unescape(token) for token in text.rstrip("/").split("/")[1:])
    found: list[Part] = []
    at = 0
    while at < len(text):
        part = _PART.match(text, at)
        if part is None:
            raise errors.ConfigError(
                f"{text!r} is no path to a field",
                cause=f"what stands at character {at + 1} cannot be read",
                hint="write .spec.replicas, .spec.containers[0].image, or a JSON Pointer: /spec/replicas",
            )
        found.append(_step(part))
        at = part.end()
    return tuple(found)


def _step(part: re.Match[str]) -> Part:
    if part["name"] is not None:
        return re.sub(r"\\(.)", r"\1", part["name"])
    if part["field"] is not None:
        return Selected(part["field"], part["wanted"].strip("'\""))
    return str(part["index"] if part["index"] is not None else part["key"])


def pointer(text: str, value: Any) -> str:
    """The JSON Pointer that a text means in an object; `[name=x]` is looked up in it. Empty means the object.

    Raises:
        ConfigError: the text is no path, or selects no item.
    """
    found = ""
    for part in parts(text):
        if isinstance(part, str):
            found += f"/{escape(part)}"
            continue
        index = part.of(value_at(value, found))
        if index is None:
            cause = f"no item has {part.field}={part.wanted}"
            raise errors.ConfigError(f"{text!r} selects nothing", cause=cause)
        found += f"/{index}"
    return found


def escape(key: str) -> str:
    """A key as a token of a JSON Pointer."""
    return key.replace("~", "~0").replace("/", "~1")


def unescape(token: str) -> str:
    """A token of a JSON Pointer as a key."""
    return token.replace("~1", "/").replace("~0", "~")


def dotted(pointer: str) -> str:
    """A JSON Pointer as a person reads it; the reverse of `pointer`."""
    found = ""
    for token in pointer.split("/")[1:]:
        key = unescape(token)
        if key.isdigit():
            found += f"[{key}]"
        else:
            found += f"['{key}']" if re.search(r"[.\[\]'\\]", key) else f".{key}"
    return found or "."


def value_at(value: Any, pointer: str) -> Any:
    """The value at a JSON Pointer; None if nothing is there."""
    for token in pointer.split("/")[1:]:
        key = unescape(token)
        if isinstance(value, dict):
            value = value.get(key)
        elif isinstance(value, list) and key.isdigit() and int(key) < len(value):
            value = value[int(key)]
        else:
            return None
    return value
