"""Whether a node is to be emptied, read from the node alone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from gitops.objects import Manifest

# Who empties a node marks it first: kubectl drain cordons, autoscalers have taints of their own.
_MARKS: Final = {
    "node.kubernetes.io/unschedulable": "it is cordoned",
    "ToBeDeletedByClusterAutoscaler": "the cluster autoscaler removes it",
    "karpenter.sh/disrupted": "Karpenter replaces it",
    "karpenter.sh/disruption": "Karpenter replaces it",
    "node.cloudprovider.kubernetes.io/shutdown": "it is being shut down",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaving:
    """Why a node is to be emptied, and since when (seconds since 1970), if it says so."""

    why: str
    since: float | None = None


def read(node: Manifest) -> Leaving | None:
    """The first mark on a node that says it is to be emptied; None if there is none."""
    spec = node.get("spec") or {}
    for taint in spec.get("taints") or ():
        if taint.get("key") in _MARKS:
            return Leaving(why=_MARKS[taint["key"]], since=_since(taint))
    return Leaving(why="it is cordoned") if spec.get("unschedulable") else None


def _since(taint: dict[str, Any]) -> float | None:
    """`timeAdded`, or the cluster autoscaler's value, which is a time."""
    added = taint.get("timeAdded")
    if isinstance(added, str):
        return datetime.fromisoformat(added).timestamp()
    value = str(taint.get("value") or "")
    return float(value) if taint.get("key") == "ToBeDeletedByClusterAutoscaler" and value.isdigit() else None
