"""The rules every kind shares, then the tables of kinds, then the conventions."""

from __future__ import annotations

from typing import Any

from gitops.health import generic, others, rules, served
from gitops.health.verdict import Health, Verdict, progressing, status_of
from gitops.objects import Manifest, group_of

__all__ = ["Health", "Verdict", "of"]

_RULES = {**rules.RULES, **served.RULES, **others.RULES}


def of(manifest: Manifest) -> Verdict:
    """The health of an object as read from the cluster (None is for callers to call Missing).

    A status that is not built as its kind's should be is Unknown, whatever is in it: definitions of others may hold
    anything.
    """
    manifest = {**manifest, "metadata": manifest.get("metadata") or {}}
    if manifest["metadata"].get("deletionTimestamp"):
        return progressing("being deleted")
    behind = _behind(manifest)
    if behind:
        return progressing(behind)
    rule = _RULES.get((group_of(manifest.get("apiVersion") or ""), manifest.get("kind") or ""))
    try:
        return rule(manifest) if rule else generic.of(manifest)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        return Verdict(Health.UNKNOWN, f"its status cannot be read: {error}")


def _behind(manifest: Manifest) -> str:
    """What the status says is of an earlier spec. Argo Rollouts writes the number as text, and once a hash."""
    generation = _number(manifest["metadata"].get("generation"))
    observed = _number(status_of(manifest).get("observedGeneration"))
    if generation is None or observed is None or observed >= generation:
        return ""
    return f"its controller has seen generation {observed} of {generation}"


def _number(value: Any) -> int | None:
    if isinstance(value, str) and value.isdecimal():
        return int(value)
    return value if isinstance(value, int) else None
