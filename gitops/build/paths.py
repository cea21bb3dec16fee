"""Field paths as `vars` and `replacements` write them: dots, list positions, `[name=value]`, `*`."""

from __future__ import annotations

import re
from typing import Any

from gitops.build.fieldspec import split
from gitops.yaml.scalars import is_null, text_of

_INDEXED = re.compile(r"(.*)\[(\d+)\]")
_NUMBER = re.compile(r"[-+]?\d+")


def split_path(path: str) -> list[str]:
    """The parts of a path; `[a.b]` is one part, and keeps its brackets if it has an equals sign in it."""
    parts, result = list(split(path, ".")), []
    while parts:
        part = parts.pop(0)
        if part.startswith("[") and not part.endswith("]"):
            pieces = [part]
            while parts:
                pieces.append(parts.pop(0))
                if pieces[-1].endswith("]"):
                    break
            part = ".".join(pieces)
            part = part if "=" in part else part.strip("[]")
        result.append(part)
    return result


def split_field_path(path: str) -> list[str]:
    """Like `split_path`, with `name[0]` taken apart."""
    result: list[str] = []
    for part in split_path(path):
        found = _INDEXED.fullmatch(part)
        result += [piece for piece in found.groups() if piece] if found else [part]
    return result


def lookup(node: Any, path: list[str]) -> Any:
    """The value at a path; None if there is none."""
    for raw in path:
        part = raw.strip()
        if not part:
            continue
        if is_null(node):
            return None
        if _NUMBER.fullmatch(part):
            index = int(part)
            node = node[index] if isinstance(node, list) and 0 <= index < len(node) else None
        elif part == "-":
            node = node[-1] if isinstance(node, list) and node else None
        elif is_matcher(part):
            node = _matching(node, part)
        else:
            node = node.get(part) if isinstance(node, dict) else None
        if node is None:
            return None
    return node


def is_matcher(part: str) -> bool:
    """Whether a part selects items of a list by a field."""
    return part.startswith("[") and part.endswith("]")


def matcher(part: str) -> tuple[str, str]:
    """The field and the value a matcher wants.

    Raises:
        ValueError: there is no equals sign.
    """
    name, equals, value = part[1:-1].partition("=")
    if not equals:
        raise ValueError(part)
    return name, value


def _matching(node: Any, part: str) -> Any:
    name, value = matcher(part)
    for item in node if isinstance(node, list) else ():
        if not name and not isinstance(item, dict | list) and text_of(item) == value:
            return item
        if name and isinstance(item, dict) and name in item and text_of(item[name]) == value:
            return item
    return None
