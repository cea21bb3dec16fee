"""Which nodes a pod may run on: those the runner has a program for, those of the pool, the one the operation names."""

from __future__ import annotations

from typing import Any, Final

from gitops import api
from gitops.objects import Manifest

ARCHITECTURES: Final = ("amd64", "arm64")
"""Of the runner's programs."""
_OS: Final = "kubernetes.io/os"
_ARCH: Final = "kubernetes.io/arch"
_REQUIRED: Final = "requiredDuringSchedulingIgnoredDuringExecution"


def architectures(operation: api.Operation, pool: api.WorkerPool) -> list[str]:
    """What the pod may run on; the operation's wish has been allowed before."""
    _, _, named = operation.spec.platform.partition("/")
    return [named] if named else sorted(pool.spec.architectures or ARCHITECTURES)


def pin(pod: Manifest, allowed: list[str]) -> Manifest:
    """The pod, kept to these architectures. What its template says about nodes holds beside it.

    Terms of a node selector are alternatives, so each gets the requirement; one that asks for nothing matches nothing
    and stays as it is (https://kubernetes.io/docs/concepts/scheduling-eviction/assign-pod-node/).
    """
    wanted = [_within(_OS, ["linux"]), _within(_ARCH, allowed)]
    spec = pod["spec"]
    affinity = dict(spec.get("affinity") or {})
    nodes = dict(affinity.get("nodeAffinity") or {})
    required = dict(nodes.get(_REQUIRED) or {})
    terms = [_narrowed(term, wanted) for term in required.get("nodeSelectorTerms") or ()]
    required["nodeSelectorTerms"] = terms or [{"matchExpressions": wanted}]
    nodes[_REQUIRED] = required
    affinity["nodeAffinity"] = nodes
    spec["affinity"] = affinity
    return pod


def _within(key: str, values: list[str]) -> dict[str, Any]:
    return {"key": key, "operator": "In", "values": values}


def _narrowed(term: dict[str, Any], wanted: list[dict[str, Any]]) -> dict[str, Any]:
    if not term:
        return term
    own = list(term.get("matchExpressions") or ())
    return {**term, "matchExpressions": [*own, *(one for one in wanted if not any(_implies(it, one) for it in own))]}


def _implies(own: dict[str, Any], wanted: dict[str, Any]) -> bool:
    """Whether what the template asks of a node is at least as narrow."""
    same = own.get("key") == wanted["key"] and own.get("operator") == "In"
    return same and set(own.get("values") or ()) <= set(wanted["values"])
