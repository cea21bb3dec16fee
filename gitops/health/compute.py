"""The rules every kind shares, then the table of kinds, then a fallback on standard conditions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gitops.health import rules
from gitops.health.verdict import Health, Verdict, condition, progressing
from gitops.objects import Manifest, group_of

__all__ = ["Health", "Verdict", "of"]


def of(manifest: Manifest) -> Verdict:
    """The health of an object as read from the cluster (None is for callers to call Missing)."""
    if manifest["metadata"].get("deletionTimestamp"):
        return progressing("being deleted")
    generation = manifest["metadata"].get("generation")
    status: Mapping[str, Any] = manifest.get("status") or {}
    observed = status.get("observedGeneration")
    if generation is not None and observed is not None and int(observed) < int(generation):
        return progressing(f"its controller has seen generation {observed} of {generation}")
    rule = rules.RULES.get((group_of(manifest.get("apiVersion") or ""), manifest.get("kind") or ""))
    return rule(manifest) if rule else _by_conditions(manifest)


def _by_conditions(manifest: Manifest) -> Verdict:
    """Reconciling and Stalled are abnormal-true; Ready is normal-true; an object without conditions is fine."""
    stalled = condition(manifest, "Stalled")
    if stalled and stalled.get("status") == "True":
        return Verdict(Health.DEGRADED, stalled.get("message") or "Stalled")
    reconciling = condition(manifest, "Reconciling")
    if reconciling and reconciling.get("status") == "True":
        return progressing(reconciling.get("message") or "Reconciling")
    ready = condition(manifest, "Ready")
    if ready and ready.get("status") != "True":
        return progressing(ready.get("message") or ready.get("reason") or "not Ready")
    return Verdict(Health.HEALTHY)
