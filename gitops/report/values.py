"""Values as a person reads them on one line."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Callable
from typing import Any

from gitops.plan.compare import ABSENT
from gitops.report import redact

WIDTH = 60
NARROWEST = 16

Paint = Callable[..., str]
"""Text and styles (a colour, `bold`, `dim`) → styled text; the console's, where there is one."""


def unpainted(text: str, *_styles: str) -> str:
    """No styles."""
    return redact.plain(text)


def short(value: Any, width: int = WIDTH) -> str:
    """JSON on one line, folded in the middle if it is long, without control characters."""
    if value is ABSENT:
        return "(absent)"
    return fold(redact.plain(json.dumps(value, ensure_ascii=False, sort_keys=True)), width)


def pointer(path: str, width: int = WIDTH) -> str:
    """A JSON Pointer, folded in the middle if it is long."""
    return fold(redact.plain(path), width)


def fold(text: str, width: int) -> str:
    """The text with its middle left out if it is longer than `width`; how much is left out is said."""
    width = max(width, NARROWEST)
    if len(text) <= width:
        return text
    gap = f"…{len(text) - width + 8}…"
    keep = max(2, width - len(gap))
    return f"{text[: (keep + 1) // 2]}{gap}{text[len(text) - keep // 2 :]}"


def wrapped(text: str, width: int, indent: str) -> list[str]:
    """A sentence in lines of at most `width`, the second and later ones a little further in."""
    room = max(width, len(indent) + 2 * NARROWEST)
    return textwrap.wrap(
        redact.plain(text),
        room,
        initial_indent=indent,
        subsequent_indent=f"{indent}  ",
        break_long_words=False,
        break_on_hyphens=False,
    )


def count(number: int, thing: str) -> str:
    """`1 path`, `2 paths`."""
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"


def leaves(value: Any) -> int:
    """How many fields an object has that hold a value of their own."""
    if isinstance(value, dict) and value:
        return sum(leaves(one) for one in value.values())
    if isinstance(value, list) and value:
        return sum(leaves(one) for one in value)
    return 1


def object_name(group: str, kind: str, namespace: str, name: str) -> str:
    """An object as `ResourceRef` prints it, fit for a terminal."""
    typed = f"{kind}.{group}" if group else kind
    return redact.plain(f"{typed} {namespace}/{name}" if namespace else f"{typed} {name}")
