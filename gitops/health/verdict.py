"""The values of health, and how conditions are looked up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from gitops.objects import Manifest, conditions


class Health(StrEnum):
    """How an object is."""

    HEALTHY = "Healthy"
    PROGRESSING = "Progressing"
    DEGRADED = "Degraded"
    SUSPENDED = "Suspended"
    MISSING = "Missing"
    UNKNOWN = "Unknown"


@dataclass(frozen=True, slots=True)
class Verdict:
    """Health and the reason in words, empty when Healthy."""

    health: Health
    message: str = ""


HEALTHY = Verdict(Health.HEALTHY)


def progressing(message: str) -> Verdict:
    """Not there yet."""
    return Verdict(Health.PROGRESSING, message)


def degraded(message: str) -> Verdict:
    """Will not get there by itself."""
    return Verdict(Health.DEGRADED, message)


def status_of(manifest: Manifest) -> Mapping[str, Any]:
    """The status, empty if there is none."""
    status = manifest.get("status")
    return status if isinstance(status, dict) else {}


def conditions_of(manifest: Manifest) -> list[dict[str, Any]]:
    """The conditions; what is no condition is left out, for a definition may call anything so."""
    found = status_of(manifest).get("conditions")
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def condition(manifest: Manifest, kind: str) -> Mapping[str, Any] | None:
    """A condition of the object."""
    return conditions.find(conditions_of(manifest), kind)


def holds(manifest: Manifest, kind: str, status: str = "True") -> bool:
    """The condition is set and has the status."""
    found = condition(manifest, kind)
    return found is not None and found.get("status") == status


def words(manifest: Manifest, kind: str) -> str:
    """A condition's message, or reason, or name."""
    found = condition(manifest, kind) or {}
    return str(found.get("message") or found.get("reason") or kind)
