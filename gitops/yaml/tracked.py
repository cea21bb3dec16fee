"""Data that knows where it was written: dicts, lists and strings with an `at`.

They behave as what they extend, so code that changes manifests needs no second version for tracing.
"""

from __future__ import annotations

from typing import Any

from gitops.location import Location


class Map(dict[str, Any]):
    """A mapping and its position."""

    __slots__ = ("at",)
    at: Location | None


class Items(list[Any]):
    """A list and its position."""

    __slots__ = ("at",)
    at: Location | None


class Text(str):
    """A string and its position; `before` is what a transformer replaced."""

    __slots__ = ("at", "before")
    at: Location | None
    before: Any

    @classmethod
    def placed(cls, value: str, at: Location | None, before: Any = None) -> Text:
        """A string written at `at`."""
        text = cls(value)
        text.at = at
        text.before = before
        return text
