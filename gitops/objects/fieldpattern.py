"""Paths that stand for many: `.metadata.annotations.*`, `.spec.containers[name=main].image`.

The forms are those of `fieldpath`; `*` is any one key or item. A pattern covers what it names and all that is below.
"""

from __future__ import annotations

from typing import Any

from gitops.objects import fieldpath
from gitops.objects.fieldpath import Part, Selected

ANY = "*"
Pattern = tuple[Part, ...]


def parse(text: str) -> Pattern:
    """A pattern as people write it.

    Raises:
        ConfigError: the text is no path.
    """
    return fieldpath.parts(text)


def covers(pattern: Pattern, pointer: str, value: Any) -> bool:
    """What the JSON Pointer names in `value` is what the pattern names, or below it."""
    tokens = pointer.split("/")[1:]
    if len(tokens) < len(pattern):
        return False
    here, walked = value, ""
    for part, token in zip(pattern, tokens, strict=False):
        if not matches(part, fieldpath.unescape(token), here):
            return False
        walked += f"/{token}"
        here = fieldpath.value_at(value, walked)
    return True


def matches(part: Part, key: str, here: Any) -> bool:
    """One step of a pattern means this key, or this item of the list `here`."""
    if isinstance(part, Selected):
        return part.of(here) is not None and key == str(part.of(here))
    return part in (ANY, key)
