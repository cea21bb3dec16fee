"""How many operations of a pool fit onto nodes: what the scheduler will make of its requests.

Counted on empty nodes, by CPU, memory and number of pods; what else runs there, taints, and other resources are left
out, before and after alike, so the comparison holds better than either number.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from gitops import api
from gitops.objects import Manifest, quantity

COUNTED = ("cpu", "memory")


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """What a kind of node offers: cores, bytes, pods; and how many nodes are like that."""

    cpu: Decimal
    memory: Decimal
    pods: int
    nodes: int = 1

    def fits(self, needs: Mapping[str, Decimal]) -> int:
        """How many pods with these needs one empty node takes."""
        limits = [self.pods]
        limits += [
            int(have // need) for have, need in ((self.cpu, needs["cpu"]), (self.memory, needs["memory"])) if need
        ]
        return min(limits)


def shapes(nodes: Iterable[Manifest], pool: api.WorkerPool) -> list[Shape]:
    """The nodes on which the pool's pods may run, alike ones together, the most frequent first."""
    wanted = (pool.spec.pod_template.get("spec") or {}).get("nodeSelector") or {}
    found: Counter[tuple[Decimal, Decimal, int]] = Counter()
    for node in nodes:
        labels = node["metadata"].get("labels") or {}
        if (node.get("spec") or {}).get("unschedulable") or any(labels.get(key) != wanted[key] for key in wanted):
            continue
        offer = (node.get("status") or {}).get("allocatable") or {}
        cpu, memory, pods = (quantity.parse(offer.get(name)) for name in (*COUNTED, "pods"))
        if cpu is not None and memory is not None:
            found[cpu, memory, int(pods or 110)] += 1
    return [Shape(cpu=cpu, memory=memory, pods=pods, nodes=n) for (cpu, memory, pods), n in found.most_common()]


def needs(pool: api.WorkerPool, requests: Mapping[str, Any]) -> dict[str, Decimal]:
    """What a pod of the pool asks for in all, if its operation asks for `requests`."""
    total = {name: quantity.parse(requests.get(name)) or Decimal(0) for name in COUNTED}
    for container in (pool.spec.pod_template.get("spec") or {}).get("containers") or ():
        if container.get("name") == "operation":
            continue
        for name in COUNTED:
            total[name] += quantity.parse(((container.get("resources") or {}).get("requests") or {}).get(name)) or 0
    return total


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """Of other requests, on the most frequent kind of node and on all nodes there are.

    `nodes_before`, `nodes_after`: nodes of that kind for `operations` at once; None: one does not fit at all.
    """

    shape: Shape
    per_node_before: int
    per_node_after: int
    at_once_before: int
    at_once_after: int
    operations: int
    nodes_before: int | None
    nodes_after: int | None


def effect(
    pool: api.WorkerPool, found: list[Shape], before: Mapping[str, Any], after: Mapping[str, Any]
) -> Effect | None:
    """What changing the requests changes; None without a node on which the pool may run."""
    if not found:
        return None
    old, new, shape, most = needs(pool, before), needs(pool, after), found[0], pool.spec.max_operations
    return Effect(
        shape=shape,
        per_node_before=shape.fits(old),
        per_node_after=shape.fits(new),
        at_once_before=min(sum(one.fits(old) * one.nodes for one in found), most),
        at_once_after=min(sum(one.fits(new) * one.nodes for one in found), most),
        operations=most,
        nodes_before=_nodes(most, shape.fits(old)),
        nodes_after=_nodes(most, shape.fits(new)),
    )


def _nodes(operations: int, per_node: int) -> int | None:
    return -(-operations // per_node) if per_node else None
