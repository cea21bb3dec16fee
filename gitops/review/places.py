"""Where a path of the live object stands in the object as Git wants it: lists may hold what others put there."""

from __future__ import annotations

from typing import Any

from gitops.merge.difference import NAMES
from gitops.objects import Manifest


def pointer(path: str, *, shown: Manifest | None, wanted: Manifest) -> str:
    """The JSON Pointer in `wanted` of what is at `path` in `shown`; cut off where `wanted` has nothing of the kind.

    Items of lists are recognised by what names them, and are taken by their place only if nothing does.
    """
    left: Any = shown
    right: Any = wanted
    out: list[str] = []
    for token in path.split("/")[1:]:
        key = token.replace("~1", "/").replace("~0", "~")
        if isinstance(right, list):
            item = left[int(key)] if isinstance(left, list) and key.isdigit() and int(key) < len(left) else None
            place = _place(item, right, key)
            if place < 0:
                break
            out.append(str(place))
            left, right = item, right[place]
        elif isinstance(right, dict) and key in right:
            out.append(token)
            left, right = left.get(key) if isinstance(left, dict) else None, right[key]
        else:
            break
    return "".join(f"/{token}" for token in out)


def _place(item: Any, items: list[Any], key: str) -> int:
    if isinstance(item, dict):
        named = {name: item[name] for name in NAMES if name in item}
        if named:
            same = (i for i, one in enumerate(items) if isinstance(one, dict) and _agrees(one, named))
            return next(same, -1)
    if item is not None:
        return items.index(item) if item in items else -1
    return int(key) if key.isdigit() and int(key) < len(items) else -1


def _agrees(one: dict[str, Any], named: dict[str, Any]) -> bool:
    shared = named.keys() & one.keys()
    return bool(shared) and all(one[name] == named[name] for name in shared)
