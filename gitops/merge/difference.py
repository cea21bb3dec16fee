"""Two JSON documents -> the RFC 6902 patch from one to the other, small and readable.

Only `add`, `remove` and `replace`: a reviewer reads what was and what will be. Lists are aligned by what names their
items (`name`, a port, else the whole value), so that an inserted item is one `add` and a changed one a patch inside it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any

Operation = dict[str, Any]
NAMES = ("name", "key", "mountPath", "containerPort", "port", "type", "ip")


@dataclass(frozen=True, slots=True)
class Step:
    """One operation, and where the value it replaces or removes stands in the document before the whole patch."""

    operation: Operation
    origin: str
    old: Any = None


def diff(before: Any, after: Any) -> list[Operation]:
    """The operations that turn `before` into `after`; empty if they are the same JSON."""
    return [step.operation for step in steps(before, after)]


def steps(before: Any, after: Any) -> Iterator[Step]:
    """The same, each with the place in `before` of the value it replaces or removes."""
    return _walk(before, after, "", "")


def diff_with_tests(before: Any, after: Any) -> tuple[list[Operation], list[Operation]]:
    """The same, and a `test` for each value replaced or removed, in their order, all of them true of `before`."""
    found = list(steps(before, after))
    tests = [{"op": "test", "path": step.origin, "value": step.old} for step in found if step.operation["op"] != "add"]
    return [step.operation for step in found], tests


def _walk(before: Any, after: Any, path: str, origin: str) -> Iterator[Step]:
    if before is after:
        return
    if isinstance(before, dict) and isinstance(after, dict):
        yield from _maps(before, after, path, origin)
    elif isinstance(before, list) and isinstance(after, list):
        yield from _lists(before, after, path, origin)
    elif not _same(before, after):
        yield Step({"op": "replace", "path": path, "value": after}, origin, before)


def _same(before: Any, after: Any) -> bool:
    """Equal as JSON: true is not 1, and 1.0 is 1."""
    if isinstance(before, dict | list) or isinstance(after, dict | list):
        return False  # of two maps or two lists the walk looks inside
    return isinstance(before, bool) == isinstance(after, bool) and bool(before == after)


def _maps(before: dict[str, Any], after: dict[str, Any], path: str, origin: str) -> Iterator[Step]:
    for key, value in before.items():
        token = key.replace("~", "~0").replace("/", "~1")
        if key in after:
            yield from _walk(value, after[key], f"{path}/{token}", f"{origin}/{token}")
        else:
            yield Step({"op": "remove", "path": f"{path}/{token}"}, f"{origin}/{token}", value)
    for key, value in after.items():
        if key not in before:
            token = key.replace("~", "~0").replace("/", "~1")
            yield Step({"op": "add", "path": f"{path}/{token}", "value": value}, origin)


def _lists(before: list[Any], after: list[Any], path: str, origin: str) -> Iterator[Step]:
    """Operations apply one after the other: `index` is where the next item stands by then."""
    index = 0
    for first, last, start, stop in _runs(before, after):
        common = min(last - first, stop - start)
        for offset in range(common):
            old, new = before[first + offset], after[start + offset]
            yield from _walk(old, new, f"{path}/{index}", f"{origin}/{first + offset}")
            index += 1
        for position in range(first + common, last):
            yield Step({"op": "remove", "path": f"{path}/{index}"}, f"{origin}/{position}", before[position])
        for position in range(start + common, stop):
            yield Step({"op": "add", "path": f"{path}/{index}", "value": after[position]}, origin)
            index += 1


def _runs(before: list[Any], after: list[Any]) -> Iterator[tuple[int, int, int, int]]:
    """Aligned stretches of both lists, in order."""
    names = [_name(item) for item in before], [_name(item) for item in after]
    if names[0] == names[1]:
        yield 0, len(before), 0, len(after)
        return
    for _, first, last, start, stop in SequenceMatcher(None, *names, autojunk=False).get_opcodes():
        yield first, last, start, stop


def _name(item: Any) -> str:
    if isinstance(item, dict):
        found = {key: item[key] for key in NAMES if isinstance(item.get(key), str | int)}
        if found:
            return json.dumps(found, sort_keys=True)
    return json.dumps(item, sort_keys=True)
