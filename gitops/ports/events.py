"""Telling people what happened to an object, where `kubectl describe` shows it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

from gitops.objects import Manifest

Severity = Literal["Normal", "Warning"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """What happened (`reason`, CamelCase), what was being done (`action`, CamelCase), and a sentence for people."""

    reason: str
    action: str
    note: str
    severity: Severity = "Normal"


class Events(Protocol):
    """Kubernetes Events. Telling is best effort: it never raises, and never delays the work for long."""

    async def tell(self, regarding: Manifest, happening: Happening) -> None:
        """Record that something happened to a live object; the same again soon is counted, not told anew."""
        ...
