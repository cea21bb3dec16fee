"""Why something is not healthy, in words."""

from __future__ import annotations

from typing import Any

from gitops.health import reasons
from gitops.objects import Manifest


def pod(name: str = "web-1", created: str = "2026-01-01T00:00:00Z", **status: Any) -> Manifest:
    return {"kind": "Pod", "metadata": {"name": name, "uid": name, "creationTimestamp": created}, "status": status}


def deployment(*conditions: dict[str, str]) -> Manifest:
    return {"kind": "Deployment", "metadata": {"name": "web"}, "status": {"conditions": list(conditions)}}


def event(kind: str, name: str, reason: str, message: str, *, at: str = "2026-01-01T00:00:00Z") -> Manifest:
    about = {"kind": kind, "name": name}
    return {
        "involvedObject": about,
        "reason": reason,
        "message": message,
        "type": "Warning",
        "lastTimestamp": at,
        "metadata": {"name": "e"},
    }


def test_a_quota_is_told_from_the_condition_and_from_the_event() -> None:
    words = 'pods "web-x" is forbidden: exceeded quota: small, requested: cpu=2, used: cpu=0, limited: cpu=1'
    failure = {"type": "ReplicaFailure", "status": "True", "message": words}
    expected = "a quota is used up: exceeded quota: small, requested: cpu=2, used: cpu=0, limited: cpu=1"
    assert reasons.of(deployment(failure), [], []) == expected
    assert reasons.of(deployment(), [], [event("ReplicaSet", "web-5d", "FailedCreate", words)]) == expected


def test_pods_that_admission_refuses_are_said_to_be_refused() -> None:
    words = 'pods "web-x" is forbidden: violates PodSecurity "restricted:latest"'
    failure = {"type": "ReplicaFailure", "status": "True", "message": words}
    assert reasons.of(deployment(failure), [], []) == f"its pods are refused: {words}"


def test_the_newest_unhappy_pod_speaks() -> None:
    def pulling(image: str) -> dict[str, Any]:
        state = {"waiting": {"reason": "ImagePullBackOff", "message": "not found"}}
        return {"containerStatuses": [{"name": "c", "image": image, "state": state}]}

    old = pod("old", "2026-01-01T00:00:00Z", **pulling("a:1"))
    new = pod("new", "2026-01-02T00:00:00Z", **pulling("a:2"))
    assert reasons.of(deployment(), [old, new], []) == "pod new: image a:2 cannot be pulled: not found"


def test_a_ready_pod_gives_no_reason() -> None:
    ready = pod(phase="Running", conditions=[{"type": "Ready", "status": "True"}])
    assert reasons.of(deployment(), [ready], []) == ""


def test_a_volume_that_cannot_be_mounted_is_told_by_its_last_warning() -> None:
    waiting = {"name": "c", "image": "a", "state": {"waiting": {"reason": "ContainerCreating"}}}
    told = [
        event("Pod", "web-1", "FailedMount", "first", at="2026-01-01T00:00:00Z"),
        event("Pod", "web-1", "FailedMount", 'secret "x" not found', at="2026-01-01T00:01:00Z"),
        event("Pod", "web-2", "FailedMount", "somebody else's", at="2026-01-01T00:02:00Z"),
    ]
    assert reasons.of_pod(pod(containerStatuses=[waiting]), told) == 'FailedMount: secret "x" not found'


def test_a_container_killed_for_memory_says_so() -> None:
    ended = {"terminated": {"exitCode": 137, "reason": "OOMKilled"}}
    state = {"waiting": {"reason": "CrashLoopBackOff"}}
    found = pod(containerStatuses=[{"name": "c", "image": "a", "state": state, "lastState": ended}])
    assert reasons.of_pod(found, []) == "container c ends again and again: ended with exit code 137 (OOMKilled)"


def test_an_event_of_an_earlier_pod_of_the_same_name_does_not_count() -> None:
    running = {"name": "c", "image": "a", "ready": False, "state": {"running": {}}}
    stale = event("Pod", "web-1", "Unhealthy", "old words")
    stale["involvedObject"]["uid"] = "another"
    assert reasons.of_pod(pod(containerStatuses=[running]), [stale]) == "container c runs, but is not ready"
