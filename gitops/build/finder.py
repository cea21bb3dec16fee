"""Where the target path of a replacement leads: to one place of an object, or to several, or to one that is made."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gitops.build import patterns
from gitops.build.fieldspec import MAX_PARTS
from gitops.build.paths import is_matcher, matcher
from gitops.yaml import keys
from gitops.yaml.scalars import is_null, text_of

Place = tuple[Any, Any]
"""A mapping or list, and the key or index in it."""


_COMPILED = 30
"""Steps for a pattern of a path."""
_COMPARED = 2
"""Steps for one item of a list."""


class _Created:
    """The value of a field that was created a moment ago and has none yet."""


CREATED = _Created()


class NoWay(Exception):
    """A path does not fit the data."""


class Finder:
    """Follows paths. `blank` makes the value at the end of a path that is missing; None: nothing is made."""

    def __init__(self, blank: Callable[[], Any] | None, pay: Callable[[int], None]) -> None:
        self.blank = blank
        self.pay = pay

    def find(self, container: Any, key: Any, path: list[str]) -> list[Place]:
        """Every place the path leads to from one.

        Raises:
            NoWay: it does not fit the data.
            ValueError: a pattern in it is not valid.
        """
        if len(path) > MAX_PARTS:
            raise NoWay(f"it has more than {MAX_PARTS} parts")
        return self._find(container, key, path)

    def _next(self, path: list[str]) -> Any:
        """What to create for the rest of a path to be possible."""
        if not path:
            return self.blank() if self.blank else None
        return [] if is_matcher(path[0]) or path[0].isdigit() else {}

    def _find(self, container: Any, key: Any, path: list[str]) -> list[Place]:
        self.pay(2)
        if not path:
            return [(container, key)]
        node, part, rest = container[key], path[0], path[1:]
        if part.isdigit():
            return self._index(node, part, rest)
        if is_matcher(part):
            return self._matching(node, part, rest)
        if part == "*":
            items = _list(node, part)
            return [place for i in range(len(items)) for place in self._find(items, i, rest)]
        if is_null(node):
            return []
        if not isinstance(node, dict):
            raise NoWay(f"{part!r} is below something that is no mapping")
        if part not in node:
            if self.blank is None:
                return []
            node[keys.made(part)] = self._next(rest)
        return self._find(node, part, rest)

    def _index(self, node: Any, part: str, rest: list[str]) -> list[Place]:
        items = _list(node, part)
        # An index of thousands of digits is one that Python would not read.
        index = int(part[:10])
        if index == len(items) and self.blank is not None:
            items.append(self._next(rest))
        if index >= len(items):
            raise NoWay(f"the list has {len(items)} items, none at {index}")
        return self._find(items, index, rest)

    def _matching(self, node: Any, part: str, rest: list[str]) -> list[Place]:
        items = _list(node, part)
        try:
            name, pattern = matcher(part)
        except ValueError:
            raise NoWay(f"{part} needs the form [field=value]") from None
        # kustomize does not anchor these patterns.
        wanted = patterns.within(pattern)
        self.pay(_COMPILED + _COMPARED * len(items))
        found = [i for i, item in enumerate(items) if self._matches(item, name, wanted)]
        places = [place for i in found for place in (self._find(items, i, rest) if name else [(items, i)])]
        if places or self.blank is None:
            return places
        items.append({keys.made(name): pattern} if name else pattern)
        return self._find(items, len(items) - 1, rest if name else [])

    def _matches(self, item: Any, name: str, pattern: patterns.Pattern) -> bool:
        value = item if not name else item.get(name, {}) if isinstance(item, dict) else {}
        if isinstance(value, dict | list):
            return name != "" and isinstance(item, dict) and name in item and bool(pattern.regex.search(""))
        text = text_of(value)
        self.pay(pattern.steps(text))
        return bool(pattern.regex.search(text))


def _list(node: Any, part: str) -> list[Any]:
    if is_null(node):
        return []
    if not isinstance(node, list):
        raise NoWay(f"{part!r} is below something that is no list")
    return node
