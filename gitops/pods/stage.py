"""Where a pod stands, read from its status alone."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from gitops.objects import Manifest
from gitops.pods import images, marks, scheduling


class Stage(StrEnum):
    """Each has a clock of its own in the pool's timeouts."""

    UNSCHEDULABLE = "Unschedulable"
    SCALING = "Scaling"
    """As before, but an autoscaler makes a node for it."""
    PULLING = "Pulling"
    STARTING = "Starting"
    FETCHING = "Fetching"
    """Its container runs, and the runner waits for files that the worker fetches: no pod says it by itself."""
    RUNNING = "Running"
    ENDED = "Ended"


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """A stage, and what holds the pod there.

    `patience` is how many seconds the same reason may last before the operation fails for it; None: as long as the
    stage's own clock allows.
    """

    stage: Stage
    reason: str = ""
    message: str = ""
    patience: float | None = None


# The object named in the message may be about to be created.
_RACE = 15.0
_MISSING = re.compile(r'^(secret|configmap) "[^"]+" not found$')
_WAITING_FATAL = {
    "CreateContainerConfigError",
    "CreateContainerError",
    "RunContainerError",
    "PreStartHookError",
    "PostStartHookError",
}


def of(pod: Manifest) -> Progress:
    """The progress of a pod. Only our container counts: others may have been injected and may never end."""
    status = pod.get("status") or {}
    container = container_status(pod)
    state = (container or {}).get("state") or {}
    if state.get("terminated") or status.get("phase") in {"Failed", "Succeeded"}:
        return Progress(stage=Stage.ENDED, reason=status.get("reason") or "", message=status.get("message") or "")
    if state.get("running") is not None:
        return Progress(stage=Stage.RUNNING)
    if container is None:
        return _before_containers(pod, status)
    return _waiting(_init_waiting(status) or state.get("waiting") or {}, pod["metadata"].get("namespace") or "")


def container_status(pod: Manifest) -> Mapping[str, Any] | None:
    """The status of the operation's container; None before the kubelet wrote one."""
    statuses = (pod.get("status") or {}).get("containerStatuses") or ()
    return next((one for one in statuses if one.get("name") == marks.CONTAINER), None)


def condition(pod: Manifest, kind: str) -> Mapping[str, Any]:
    """A condition of the pod's; empty if it has none of that type."""
    conditions = (pod.get("status") or {}).get("conditions") or ()
    return next((one for one in conditions if one.get("type") == kind), {})


def _before_containers(pod: Manifest, status: Mapping[str, Any]) -> Progress:
    scheduled = condition(pod, "PodScheduled")
    if scheduled.get("status") == "False":
        why = scheduling.explain(scheduled.get("message") or "the scheduler does not say why")
        message = f"no node fits (the pod needs {scheduling.needs(pod)}): {why}"
        return Progress(stage=Stage.UNSCHEDULABLE, reason=scheduled.get("reason") or "Unschedulable", message=message)
    if not pod["spec"].get("nodeName") and not status.get("startTime"):
        return Progress(stage=Stage.UNSCHEDULABLE, reason="NotScheduled", message="the scheduler has not placed it yet")
    return Progress(stage=Stage.STARTING, reason="Preparing", message="the node prepares the pod")


def _init_waiting(status: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """An init container of the pool's template that cannot start holds ours."""
    for one in status.get("initContainerStatuses") or ():
        waiting: Mapping[str, Any] | None = (one.get("state") or {}).get("waiting")
        if waiting and waiting.get("reason") not in {None, "PodInitializing"}:
            return waiting
    return None


def _waiting(waiting: Mapping[str, Any], namespace: str) -> Progress:
    reason, message = waiting.get("reason") or "ContainerCreating", waiting.get("message") or ""
    # People look for it where the Operation is, and the kubelet looks where the pod is.
    message = _MISSING.sub(rf"\g<0> in namespace {namespace}", message)
    verdict = images.judge(reason, message)
    if verdict is not None:
        return Progress(stage=Stage.PULLING, reason=verdict.reason, message=message, patience=verdict.patience)
    if reason in _WAITING_FATAL and "context deadline exceeded" not in message:
        return Progress(stage=Stage.STARTING, reason=reason, message=message, patience=_RACE)
    # While an image is pulled the kubelet says only that it creates the container.
    stage = Stage.PULLING if reason == "ContainerCreating" else Stage.STARTING
    return Progress(stage=stage, reason=reason, message=message)
