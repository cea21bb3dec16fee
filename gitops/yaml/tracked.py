"""Data that knows where it was written: dicts, lists and strings with an `at`.

They behave as what they extend, so code that changes manifests needs no second version for tracing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Self

from gitops.location import Location
from gitops.yaml.scalars import Authored, Blank, text_of


class Map(dict[str, Any]):
    """A mapping and its position; `before` is, if it is set, the one it was put in place of."""

    __slots__ = ("at", "before")
    at: Location | None
    before: Any


class Items(list[Any]):
    """A list and its position; `before` is, if it is set, the one it was put in place of."""

    __slots__ = ("at", "before")
    at: Location | None
    before: Any


class Text(str):
    """A string and its position.

    `before` is the value a transformer replaced; `derived` says that this one was made from it (a prefix put before
    it), so that a person looking for the value wants the place of the other.
    """

    __slots__ = ("at", "before", "derived")
    at: Location | None
    before: Any
    derived: bool

    @classmethod
    def placed(cls, value: str, at: Location | None, before: Any = None, *, derived: bool = False) -> Text:
        """A string written at `at`."""
        text = cls(value)
        text.at = at
        text.before = before
        text.derived = derived
        return text


class Unquoted(str):
    """A key that YAML reads as a number or the like, as text; `at` is where it stands, if it was read."""

    __slots__ = ("at",)
    at: Location | None

    def __new__(cls, text: str, at: Location | None = None) -> Self:
        """A key written at `at`."""
        key = super().__new__(cls, text)
        key.at = at
        return key


def replacing(value: Any, before: Any) -> Any:
    """A value put in the place of another, which it remembers; untracked values remember nothing.

    Scalars may be shared with other objects, so they are not changed; containers are the caller's own.
    """
    match value:
        case Text():
            return Text.placed(value, value.at, before)
        case Authored() if value.at is not None:
            return value.__class__(value.text, value.value, value.at, before)
        case Map() | Items():
            value.before = before
    return value


def copy(value: Any) -> Any:
    """A deep copy that keeps positions and shares scalars."""
    kind = value.__class__
    if kind is dict:
        return {key: copy(item) for key, item in value.items()}
    if kind is list:
        return [copy(item) for item in value]
    if kind is Map:
        twin = Map((key, copy(item)) for key, item in value.items())
        twin.at = value.at
        return twin
    if kind is Items:
        items = Items(copy(item) for item in value)
        items.at = value.at
        return items
    return value


def respelled(value: Any) -> Any:
    """Tracked data with every scalar as JSON spells it, containers changed in place: what a way through JSON leaves."""
    match value:
        case dict():
            for key, item in value.items():
                value[key] = respelled(item)
        case list():
            value[:] = [respelled(item) for item in value]
        case Blank():
            return Text.placed("", value.at, value.before)
        case Authored() if isinstance(value.value, str):
            return Text.placed(value.value, value.at, value.before)
        case Authored():
            return Authored(text_of(value.value), value.value, value.at, value.before)
    return value


def move(value: Any, where: Callable[[Location], Location]) -> None:
    """Change every position in tracked data to what `where` makes of it."""
    at = getattr(value, "at", None)
    if at is not None:
        value.at = where(at)
    if isinstance(value, dict):
        for item in value.values():
            move(item, where)
    elif isinstance(value, list):
        for item in value:
            move(item, where)
