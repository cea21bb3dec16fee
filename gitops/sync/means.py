"""What every step of a pass works with."""

from __future__ import annotations

from dataclasses import dataclass

from gitops.ports.clock import Clock
from gitops.ports.objects import Objects
from gitops.sync import events


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """Ports, somebody to tell, and for how many seconds a wait may last."""

    objects: Objects
    clock: Clock
    report: events.Reporter = events.silent
    patience: float = 300.0
