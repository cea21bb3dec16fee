"""What a kubelet said about a pod it cannot prepare: a volume that is not to be had, a network that is not there.

The pod's status says `ContainerCreating` all the while; only its events tell more.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from gitops.objects import Manifest
from gitops.pods.stage import Progress, Stage

_REASONS: Final = {
    "FailedMount": "VolumeNotMounted",
    "FailedAttachVolume": "VolumeNotMounted",
    "FailedCreatePodSandBox": "SandboxNotMade",
    "NetworkNotReady": "SandboxNotMade",
}
_BEYOND: Final = frozenset({"Pulling", "Pulled"})
"""Comes when volumes and network are there: what was wrong before has passed."""
PATIENCE: Final = 60.0
"""Seconds more for an object that is not there: the kubelet looks for it less and less often."""
_MISSING: Final = re.compile(
    r'(secret|configmap) "[^"]+" not found|references non-existent (secret|config) key: \S+', re.IGNORECASE
)


def explain(events: Iterable[Manifest], namespace: str) -> Progress | None:
    """What holds the pod, from its own events, by the newest that says so; None if none does.

    What names an object that is not there is given up on soon; all else may pass.
    """
    found = list(events)
    said = [(_when(event), event) for event in found if event.get("reason") in _REASONS]
    if not said or any(event.get("reason") in _BEYOND for event in found):
        return None
    event = max(said, key=lambda one: one[0])[1]
    words = str(event.get("message") or event.get("note") or "").strip()
    missing = _MISSING.search(words)
    return Progress(
        stage=Stage.STARTING,
        reason=_REASONS[str(event["reason"])],
        message=f"{words} in namespace {namespace}" if missing else words,
        patience=PATIENCE if missing else None,
    )


def _when(event: Manifest) -> str:
    """RFC 3339 in UTC sorts as text."""
    series = event.get("series") or {}
    times = (series.get("lastObservedTime"), event.get("lastTimestamp"), event.get("eventTime"))
    return next((str(time).rstrip("Z") for time in times if time), "")
