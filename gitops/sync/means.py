"""What every step of a pass works with."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from gitops.ports.clock import Clock
from gitops.ports.objects import Objects
from gitops.sync import events


async def reconciler() -> str:
    """The pass is nobody's but the program's own."""
    return "reconciler"


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """Ports, somebody to tell, for how many seconds a wait may last, and who does this, asked only to remember it."""

    objects: Objects
    clock: Clock
    report: events.Reporter = events.silent
    patience: float = 300.0
    who: Callable[[], Awaitable[str]] = reconciler
