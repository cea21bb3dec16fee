"""What an autoscaler said about a pod that waits for a node, from the events it left on the pod.

The cluster autoscaler: TriggeredScaleUp, NotTriggerScaleUp (its FAQ, "What events are emitted by CA?"); Karpenter:
Nominated, FailedScheduling (kubernetes-sigs/karpenter, scheduling/events.go). The scheduler's FailedScheduling is none.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from gitops.objects import Manifest
from gitops.pods import scheduling

_GROUP = re.compile(r"\{(?P<name>\S+) (?P<before>\d+)->(?P<after>\d+) \(max: (?P<most>\d+)\)\}")
_POOL = re.compile(r'incompatible with (?:nodepool|provisioner) "(?P<name>[^"]+)", (?P<why>.*)', re.DOTALL)
_OVERHEAD = re.compile(r"daemonset overhead=\{[^}]*\}, ")
_NO_TYPE = re.compile(r"no instance type (?:satisfied|met) .*\((?P<why>[^()]*)\)$", re.DOTALL)
_NO_FIT: Final = "(it wouldn't fit if a new node is added)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Whether a node comes for the pod, and the autoscaler's reasons in words."""

    helps: bool
    words: str


def verdict(events: Iterable[Manifest]) -> Verdict | None:
    """The last word of an autoscaler in the events of one pod; None if none of them is an autoscaler's."""
    said = [(_when(event), found) for event in events if (found := _read(event)) is not None]
    return max(said, key=lambda one: one[0])[1] if said else None


def _when(event: Manifest) -> str:
    """RFC 3339 in UTC sorts as text; of one second, the fraction decides."""
    series = event.get("series") or {}
    times = (series.get("lastObservedTime"), event.get("lastTimestamp"), event.get("eventTime"))
    return next((str(time).rstrip("Z") for time in times if time), "")


def _read(event: Manifest) -> Verdict | None:
    said = str(event.get("message") or event.get("note") or "")
    match event.get("reason"):
        case "TriggeredScaleUp":
            return Verdict(helps=True, words=f"the cluster autoscaler adds nodes: {_groups(said)}")
        case "NotTriggerScaleUp":
            return Verdict(helps=False, words=f"the cluster autoscaler adds no node: {_why_not(said)}")
        case "Nominated":
            where = said.removeprefix("Pod should schedule on: ")
            return Verdict(helps=True, words=f"Karpenter has chosen {where} for it")
        case "FailedScheduling" if "karpenter" in _source(event):
            return Verdict(helps=False, words=f"Karpenter makes no node: {_incompatible(said)}")
        case _:
            return None


def _source(event: Manifest) -> str:
    return str(event.get("reportingComponent") or (event.get("source") or {}).get("component") or "")


def _groups(said: str) -> str:
    found = [
        f"{match['name'].rpartition('/')[2]} from {match['before']} to {match['after']} (at most {match['most']})"
        for match in _GROUP.finditer(said)
    ]
    return ", ".join(found) or said.removeprefix("pod triggered scale-up: ")


def _why_not(said: str) -> str:
    if _NO_FIT in said:
        return "it would not fit on a new one either, or the groups it would fit are at their largest size"
    reasons = said.removeprefix("pod didn't trigger scale-up").removeprefix(": ").strip()
    worded = scheduling.counted(reasons)
    return f"of its node groups, {worded}" if worded != reasons.rstrip(".") else worded or "it does not say why"


def _incompatible(said: str) -> str:
    reasons = said.removeprefix("Failed to schedule pod, ")
    found = []
    for part in reasons.split("; "):
        match = _POOL.match(part)
        if match is None:
            found.append(part)
            continue
        why = _OVERHEAD.sub("", match["why"])
        short = _NO_TYPE.search(why)
        found.append(f"{match['name']}: {short['why'] if short is not None else why}")
    return "; ".join(found)
