"""What a person must know or decide: a text, and the value it is about."""

from __future__ import annotations

from dataclasses import dataclass

from gitops.location import Location


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """`path` is the value's; empty if it is about no single value."""

    text: str
    path: str = ""
    location: Location | None = None
