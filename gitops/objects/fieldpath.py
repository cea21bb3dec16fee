r"""Fields as people write them, as JSON Pointers: `.spec.replicas`, `spec.containers[name=main].image`.

JSON Pointers too, and kubectl's forms: `.metadata.annotations.example\.org/owner`, `.metadata.labels['example.org/x']`.
"""

from __future__ import annotations

import re
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


def pointer(text: str, value: Any) -> str:
    """The JSON Pointer that a text means in an object; `[name=x]` is looked up in it. Empty means the object.

    Raises:
        ConfigError: the text is no path, or selects no item.
    """
    if text.startswith("/") or text in ("", "."):
        return text.rstrip("/") if text != "." else ""
    found, at = "", 0
    while at < len(text):
        part = _PART.match(text, at)
        if part is None:
            raise errors.ConfigError(
                f"{text!r} is no path to a field",
                cause=f"what stands at character {at + 1} cannot be read",
                hint="write .spec.replicas, .spec.containers[0].image, or a JSON Pointer: /spec/replicas",
            )
        found += "/" + _token(part, text, value_at(value, found))
        at = part.end()
    return found


def _token(part: re.Match[str], text: str, here: Any) -> str:
    if part["name"] is not None:
        return escape(re.sub(r"\\(.)", r"\1", part["name"]))
    if part["index"] is not None:
        return part["index"]
    if part["key"] is not None:
        return escape(part["key"])
    for index, item in enumerate(here if isinstance(here, list) else ()):
        if isinstance(item, dict) and str(item.get(part["field"])) == part["wanted"].strip("'\""):
            return str(index)
    raise errors.ConfigError(f"{text!r} selects nothing", cause=f"no item has {part['field']}={part['wanted']}")


def escape(key: str) -> str:
    """A key as a token of a JSON Pointer."""
    return key.replace("~", "~0").replace("/", "~1")


def dotted(pointer: str) -> str:
    """A JSON Pointer as a person reads it; the reverse of `pointer`."""
    found = ""
    for token in pointer.split("/")[1:]:
        key = token.replace("~1", "/").replace("~0", "~")
        if key.isdigit():
            found += f"[{key}]"
        else:
            found += f"['{key}']" if re.search(r"[.\[\]'\\]", key) else f".{key}"
    return found or "."


def value_at(value: Any, pointer: str) -> Any:
    """The value at a JSON Pointer; None if nothing is there."""
    for token in pointer.split("/")[1:]:
        key = token.replace("~1", "/").replace("~0", "~")
        if isinstance(value, dict):
            value = value.get(key)
        elif isinstance(value, list) and key.isdigit() and int(key) < len(value):
            value = value[int(key)]
        else:
            return None
    return value
