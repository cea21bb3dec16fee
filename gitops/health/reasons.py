"""Why something is not healthy yet, in words: scheduling, image, configuration, quota, volume, probe, crash.

From the object, its pods, and what the cluster's Events said of them last. The newest unhappy pod speaks for all.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from gitops.health.verdict import condition, holds, status_of
from gitops.objects import Manifest

_IMAGE = frozenset({"ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull", "RegistryUnavailable"})
_CONFIGURATION = frozenset({"CreateContainerConfigError", "CreateContainerError", "RunContainerError"})
_PROBES = frozenset({"Unhealthy", "ProbeWarning"})


def of(manifest: Manifest, pods: Sequence[Manifest], events: Sequence[Manifest]) -> str:
    """The reason, empty if nothing says one. `events` are of the object, of what it made and of its pods."""
    if manifest.get("kind") == "Pod":
        return of_pod(manifest, events)
    created = _not_created(manifest, events)
    if created:
        return created
    unhappy = [pod for pod in pods if not holds(pod, "Ready") and status_of(pod).get("phase") != "Succeeded"]
    for pod in sorted(unhappy, key=_created, reverse=True):
        words = of_pod(pod, events)
        if words:
            return f"pod {pod['metadata']['name']}: {words}"
    return _last(manifest, events)


def of_pod(pod: Manifest, events: Sequence[Manifest]) -> str:
    """Why a pod is not ready, empty if it does not say."""
    status = status_of(pod)
    scheduled = condition(pod, "PodScheduled") or {}
    if scheduled.get("status") == "False":
        return f"no node takes it: {scheduled.get('message') or scheduled.get('reason')}"
    if status.get("phase") == "Failed":
        return str(status.get("message") or status.get("reason") or _exits(pod) or "it failed")
    for container in _containers(status):
        words = _container(container)
        if words:
            return words
    return _probe(pod, events) or _last(pod, events)


def _not_created(manifest: Manifest, events: Sequence[Manifest]) -> str:
    """The controller is refused its pods: a quota, an admission policy, pod security."""
    failure = condition(manifest, "ReplicaFailure") or {}
    message = str(failure.get("message") or "") if failure.get("status") == "True" else ""
    if not message:
        kinds = {"ReplicaSet", "StatefulSet", "DaemonSet", "Job"}
        found = [one for one in events if one.get("reason") == "FailedCreate" and _about(one).get("kind") in kinds]
        message = str(max(found, key=_time).get("message") or "") if found else ""
    if "exceeded quota" in message:
        return f"a quota is used up: {message[message.index('exceeded quota') :]}"
    return f"its pods are refused: {message}" if message else ""


def _containers(status: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield from status.get("initContainerStatuses") or ()
    yield from status.get("containerStatuses") or ()


def _container(container: Mapping[str, Any]) -> str:
    name = container.get("name")
    state = container.get("state") or {}
    waiting = state.get("waiting") or {}
    reason, message = str(waiting.get("reason") or ""), str(waiting.get("message") or "")
    if reason in _IMAGE:
        return f"image {container.get('image')} cannot be pulled: {message or reason}"
    if reason in _CONFIGURATION:
        return f"container {name} cannot be made: {message or reason}"
    if reason == "CrashLoopBackOff":
        return f"container {name} ends again and again: {_ended(container) or message}"
    ended = state.get("terminated") or {}
    if ended.get("exitCode"):
        return f"container {name} {_words(ended)}"
    return ""


def _ended(container: Mapping[str, Any]) -> str:
    ended = (container.get("lastState") or {}).get("terminated") or {}
    return _words(ended) if ended else ""


def _words(ended: Mapping[str, Any]) -> str:
    reason = ended.get("reason")
    why = f" ({reason})" if reason not in {None, "Error"} else ""
    last = str(ended.get("message") or "").strip()
    return f"ended with exit code {ended.get('exitCode')}{why}{f': {last}' if last else ''}"


def _exits(pod: Manifest) -> str:
    return next((words for one in _containers(status_of(pod)) if (words := _container(one))), "")


def _probe(pod: Manifest, events: Sequence[Manifest]) -> str:
    running = [one for one in _containers(status_of(pod)) if "running" in (one.get("state") or {})]
    unready = [one for one in running if not one.get("ready")]
    if not unready:
        return ""
    told = [one for one in events if one.get("reason") in _PROBES and _is_about(one, pod)]
    name = unready[0].get("name")
    if told:
        return f"container {name} runs, but: {max(told, key=_time).get('message')}"
    return f"container {name} runs, but is not ready"


def _last(manifest: Manifest, events: Sequence[Manifest]) -> str:
    told = [one for one in events if _is_about(one, manifest)]
    warnings = [one for one in told if one.get("type") == "Warning"]
    latest = max(warnings or told, key=_time, default=None)
    return "" if latest is None else f"{latest.get('reason')}: {latest.get('message')}"


def _is_about(event: Manifest, manifest: Manifest) -> bool:
    about, metadata = _about(event), manifest["metadata"]
    same = about.get("kind") == manifest.get("kind") and about.get("name") == metadata.get("name")
    return same and about.get("uid") in {None, "", metadata.get("uid")}


def _about(event: Manifest) -> Mapping[str, Any]:
    about: Mapping[str, Any] = event.get("involvedObject") or event.get("regarding") or {}
    return about


def _created(manifest: Manifest) -> str:
    return str(manifest["metadata"].get("creationTimestamp") or "")


def _time(event: Manifest) -> str:
    series = event.get("series") or {}
    found = series.get("lastObservedTime") or event.get("lastTimestamp") or event.get("eventTime")
    return str(found or _created(event))
