"""What keeps a pod from its node, in words: the scheduler's reasons, what the pod needs, what the nodes have."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from gitops.objects import Manifest, quantity

_NONE_FITS = re.compile(
    r"^0/(?P<nodes>\d+) nodes are available: (?P<why>.*?)\.*(?: (?:[a-z ]+, )?preemption: .*)?$", re.DOTALL
)
_REASON = re.compile(r"(?:^|, )(?P<count>\d+) (?P<why>.+?)(?=, \d+ |$)", re.DOTALL)
_TAINT = re.compile(r"node\(s\) had (?:untolerated )?taint \{(?P<key>[^:}]*): ?(?P<value>[^}]*)\}")
_INSUFFICIENT = re.compile(r"Insufficient (?P<name>\S+)")

# Each for one node and for several. The scheduler's own texts: plugins of kubernetes/pkg/scheduler/framework.
_WORDS: Final = (
    (re.compile(r"Too many pods"), "has no room for another pod", "have no room for another pod"),
    (
        re.compile(r"node\(s\) didn't match (Pod's )?node (affinity|selector)"),
        "does not match its node selector or affinity",
        "do not match its node selector or affinity",
    ),
    (re.compile(r"node\(s\) were unschedulable"), "is cordoned", "are cordoned"),
    (re.compile(r"node\(s\) had volume node affinity conflict"), "cannot reach its volume", "cannot reach its volume"),
    (
        re.compile(r"node\(s\) didn't match pod (topology spread constraints|anti-affinity rules|affinity rules)"),
        "would break its rules on where its like may run",
        "would break its rules on where its like may run",
    ),
    (re.compile(r"node\(s\) didn't have free ports"), "has its host port taken", "have its host port taken"),
    (re.compile(r"max node group size reached"), "is at its largest size", "are at their largest size"),
    (
        re.compile(r"in backoff after failed scale-up"),
        "rests after it could not grow",
        "rest after they could not grow",
    ),
)
_STATES: Final = {
    "node.kubernetes.io/not-ready": ("is not ready", "are not ready"),
    "node.kubernetes.io/unreachable": ("does not answer", "do not answer"),
    "node.kubernetes.io/unschedulable": ("is cordoned", "are cordoned"),
    "node.kubernetes.io/disk-pressure": ("is short of disk", "are short of disk"),
    "node.kubernetes.io/memory-pressure": ("is short of memory", "are short of memory"),
    "node.kubernetes.io/pid-pressure": ("is short of process numbers", "are short of process numbers"),
    "node.kubernetes.io/network-unavailable": ("has no network yet", "have no network yet"),
}


def explain(message: str) -> str:
    """The scheduler's message for people: `of 6 nodes, 4 have too little cpu left`; as it is if it is another one."""
    match = _NONE_FITS.match(message.strip())
    if match is None:
        return message
    if match["nodes"] == "0":
        return "the cluster has no nodes"
    return f"of {match['nodes']} {'node' if match['nodes'] == '1' else 'nodes'}, {counted(match['why'])}"


def counted(reasons: str) -> str:
    """A list of numbers and the scheduler's reasons (`2 Insufficient cpu, 1 Too many pods`) for people."""
    found = [_worded(int(match["count"]), match["why"].rstrip(".")) for match in _REASON.finditer(reasons)]
    return ", ".join(found) or reasons.rstrip(".")


def _worded(count: int, why: str) -> str:
    one = count == 1
    taint = _TAINT.match(why)
    if taint is not None:
        key, value = taint["key"], taint["value"].strip()
        if key in _STATES:
            return f"{count} {_STATES[key][not one]}"
        name = f"{key}={value}" if value else key
        return f"{count} {'has' if one else 'have'} the taint {name}, which it does not tolerate"
    short = _INSUFFICIENT.match(why)
    if short is not None:
        return f"{count} {'has' if one else 'have'} too little {short['name']} left"
    for pattern, singular, plural in _WORDS:
        if pattern.match(why):
            return f"{count} {singular if one else plural}"
    return f"{count}: {why}"


def needs(pod: Manifest) -> str:
    """What the pod asks of a node, in words: `cpu 4, memory 8Gi`."""
    asked = requests(pod)
    return ", ".join(f"{name} {spell(name, value)}" for name, value in sorted(asked.items())) or "nothing in particular"


def requests(pod: Manifest) -> Mapping[str, Decimal]:
    """What the scheduler adds up: all containers, with the sidecars among the init containers."""
    totals: dict[str, Decimal] = {}
    spec = pod["spec"]
    sidecars = [one for one in spec.get("initContainers") or () if one.get("restartPolicy") == "Always"]
    for container in (*(spec.get("containers") or ()), *sidecars):
        for name, value in ((container.get("resources") or {}).get("requests") or {}).items():
            totals[name] = totals.get(name, Decimal(0)) + (quantity.parse(value) or Decimal(0))
    return totals


def offers(pod: Manifest, nodes: Sequence[Manifest]) -> str:
    """What the nodes have of what the pod needs, as far as that explains anything; empty if it does not."""
    if not nodes:
        return ""
    said = [*_too_large(requests(pod), nodes), *_no_such_label(pod, nodes)]
    if said:
        return "; ".join(said)
    have = [f"{name} {spell(name, _most(name, nodes))}" for name in sorted(requests(pod))]
    return f"the largest node has {', '.join(have)} for all its pods together" if have else ""


def _too_large(asked: Mapping[str, Decimal], nodes: Sequence[Manifest]) -> Iterator[str]:
    for name, value in sorted(asked.items()):
        most = _most(name, nodes)
        if value > most:
            has = f"the largest has {spell(name, most)}" if most else "no node has any"
            yield f"no node is large enough for {name} {spell(name, value)}: {has}"


def _most(name: str, nodes: Iterable[Manifest]) -> Decimal:
    return max((_allocatable(node, name) for node in nodes), default=Decimal(0))


def _allocatable(node: Manifest, name: str) -> Decimal:
    value = ((node.get("status") or {}).get("allocatable") or {}).get(name, 0)
    return quantity.parse(value) or Decimal(0)


def _no_such_label(pod: Manifest, nodes: Sequence[Manifest]) -> Iterator[str]:
    for key, value in sorted((pod["spec"].get("nodeSelector") or {}).items()):
        if not any((node["metadata"].get("labels") or {}).get(key) == value for node in nodes):
            yield f"no node has the label {key}={value}"


_BINARY: Final = (("Ti", 40), ("Gi", 30), ("Mi", 20), ("Ki", 10))


def spell(name: str, value: Decimal) -> str:
    """A quantity as people write it: `250m` of cpu, `1.5Gi` of memory."""
    if name == "cpu" and value != value.to_integral_value():
        return f"{value * 1000:.0f}m"
    if "memory" in name or "storage" in name:
        for suffix, bits in _BINARY:
            if value >= 2**bits:
                return f"{_plain(round(value / 2**bits, 1))}{suffix}"
    return _plain(value)


def _plain(value: Decimal | Any) -> str:
    return f"{value.normalize():f}"
