"""One small rule a kind: is it done, and if not, why not.

The states follow kstatus (kubernetes-sigs/cli-utils), whose recorded cases are our tests; where we differ on purpose
the test lists the case and the reason.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from gitops.health.verdict import (
    HEALTHY,
    Health,
    Verdict,
    condition,
    conditions_of,
    degraded,
    holds,
    progressing,
    status_of,
    words,
)
from gitops.objects import Manifest

Rule = Callable[[Manifest], Verdict]
_BACKOFF = ("BackOff", "Error")


def deployment(manifest: Manifest) -> Verdict:
    """All replicas are updated, ready and available, and none of the old ones is left."""
    if (manifest.get("spec") or {}).get("paused"):
        return Verdict(Health.SUSPENDED, "paused")
    if holds(manifest, "Progressing", "False") and (condition(manifest, "Progressing") or {}).get("reason") == (
        "ProgressDeadlineExceeded"
    ):
        return degraded(words(manifest, "Progressing"))
    if holds(manifest, "ReplicaFailure"):
        return progressing(words(manifest, "ReplicaFailure"))
    wanted, status = _replicas(manifest), status_of(manifest)
    for field, label in (
        ("updatedReplicas", "updated"),
        ("readyReplicas", "ready"),
        ("availableReplicas", "available"),
    ):
        have = int(status.get(field) or 0)
        if have < wanted:
            return progressing(f"{have} of {wanted} replicas {label}")
    surplus = int(status.get("replicas") or 0) - wanted
    if surplus > 0:
        return progressing(f"{surplus} old replicas still run")
    if "progressDeadlineSeconds" in (manifest.get("spec") or {}) and not _progressed(manifest):
        return progressing("the new replica set is not available yet")
    return HEALTHY if not wanted or holds(manifest, "Available") else progressing(words(manifest, "Available"))


def _progressed(manifest: Manifest) -> bool:
    found = condition(manifest, "Progressing")
    return found is not None and found.get("status") == "True" and found.get("reason") == "NewReplicaSetAvailable"


def replica_set(manifest: Manifest) -> Verdict:
    """All replicas are labelled, available and ready."""
    if holds(manifest, "ReplicaFailure"):
        return progressing(words(manifest, "ReplicaFailure"))
    return _counts(
        manifest,
        _replicas(manifest),
        (("fullyLabeledReplicas", "labelled"), ("availableReplicas", "available"), ("readyReplicas", "ready")),
    )


def replication_controller(manifest: Manifest) -> Verdict:
    """All replicas are available and ready."""
    if holds(manifest, "ReplicaFailure"):
        return progressing(words(manifest, "ReplicaFailure"))
    fields = (("replicas", "created"), ("availableReplicas", "available"), ("readyReplicas", "ready"))
    return _counts(manifest, _replicas(manifest), fields)


def stateful_set(manifest: Manifest) -> Verdict:
    """All replicas are ready and of the current revision; OnDelete never waits."""
    spec, status = manifest.get("spec") or {}, status_of(manifest)
    strategy = spec.get("updateStrategy") or {}
    if strategy.get("type") == "OnDelete":
        return HEALTHY
    wanted = _replicas(manifest)
    verdict = _counts(manifest, wanted, (("replicas", "created"), ("readyReplicas", "ready")))
    if verdict is not HEALTHY:
        return verdict
    partition = (strategy.get("rollingUpdate") or {}).get("partition")
    if partition:
        updated = int(status.get("updatedReplicas") or 0)
        goal = wanted - int(partition)
        return HEALTHY if updated >= goal else progressing(f"{updated} of {goal} replicas updated")
    current = int(status.get("currentReplicas") or 0)
    if current < wanted:
        return progressing(f"{current} of {wanted} replicas current")
    if status.get("updateRevision") and status.get("currentRevision") != status.get("updateRevision"):
        return progressing("replicas of the old revision still run")
    return HEALTHY


def daemon_set(manifest: Manifest) -> Verdict:
    """Every node that should run a pod runs an updated, ready one; with OnDelete an old one will do."""
    status = status_of(manifest)
    if "observedGeneration" not in status:
        return progressing("its controller has not seen it yet")
    if "desiredNumberScheduled" not in status:
        return progressing("not scheduled yet")
    on_delete = ((manifest.get("spec") or {}).get("updateStrategy") or {}).get("type") == "OnDelete"
    return _counts(
        manifest,
        int(status.get("desiredNumberScheduled") or 0),
        (
            ("currentNumberScheduled", "scheduled"),
            *(() if on_delete else (("updatedNumberScheduled", "updated"),)),
            ("numberAvailable", "available"),
            ("numberReady", "ready"),
        ),
    )


def pod(manifest: Manifest) -> Verdict:
    """Ready, or finished; what it waits for comes from its conditions and containers."""
    status = status_of(manifest)
    match status.get("phase"):
        case "Succeeded":
            return HEALTHY
        case "Failed":
            return degraded(str(status.get("message") or status.get("reason") or "the pod failed"))
        case "Running" if holds(manifest, "Ready"):
            return HEALTHY
    scheduled = condition(manifest, "PodScheduled") or {}
    if scheduled.get("status") == "False" and scheduled.get("reason") == "Unschedulable":
        return degraded(str(scheduled.get("message") or "no node fits"))
    for container in [*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ())]:
        waiting = (container.get("state") or {}).get("waiting") or {}
        reason = str(waiting.get("reason") or "")
        if reason.endswith(_BACKOFF) or reason.startswith("Err"):
            return degraded(f"{container.get('name')}: {reason} {waiting.get('message') or ''}".strip())
        if _ends_again(container):
            return degraded(f"{container.get('name')} ended with an error again, {container['restartCount']} restarts")
    return progressing(words(manifest, "Ready") if condition(manifest, "Ready") else "not ready yet")


def _ends_again(container: Mapping[str, Any]) -> bool:
    """Between two runs of a crash loop, before the kubelet calls it one."""
    ended = [(container.get(name) or {}).get("terminated") or {} for name in ("state", "lastState")]
    return all(one.get("exitCode") for one in ended) and bool(container.get("restartCount"))


def job(manifest: Manifest) -> Verdict:
    """Complete, or started: a job that runs does not hold up what comes after it."""
    if holds(manifest, "Failed"):
        return degraded(words(manifest, "Failed"))
    if (manifest.get("spec") or {}).get("suspend"):
        return Verdict(Health.SUSPENDED, "suspended")
    if holds(manifest, "Complete") or status_of(manifest).get("startTime"):
        return HEALTHY
    return progressing("not started yet")


def claim(manifest: Manifest) -> Verdict:
    """Bound."""
    phase = status_of(manifest).get("phase")
    if phase == "Lost":
        return degraded("the volume it was bound to is gone")
    return HEALTHY if phase == "Bound" else progressing(f"the volume claim is {phase or 'not seen yet'}")


def service(manifest: Manifest) -> Verdict:
    """A load balancer has an address, its own or one Git gave it; every other type is there at once."""
    spec = manifest.get("spec") or {}
    if spec.get("type") != "LoadBalancer" or spec.get("externalIPs"):
        return HEALTHY
    if (manifest.get("spec") or {}).get("clusterIP") and (status_of(manifest).get("loadBalancer") or {}).get("ingress"):
        return HEALTHY
    return progressing("the load balancer has no address yet")


def definition(manifest: Manifest) -> Verdict:
    """The API server serves it."""
    if holds(manifest, "Terminating"):
        return progressing(words(manifest, "Terminating"))
    for kind, state in (("NamesAccepted", "False"), ("NonStructuralSchema", "True")):
        if holds(manifest, kind, state):
            return degraded(words(manifest, kind))
    if holds(manifest, "Established"):
        return HEALTHY
    return progressing(words(manifest, "Established") if condition(manifest, "Established") else "not established yet")


def disruption_budget(manifest: Manifest) -> Verdict:
    """Its controller has computed it; what it allows is no question of health."""
    failed = next((one for one in conditions_of(manifest) if one.get("reason") == "SyncFailed"), None)
    if failed is not None:
        return degraded(str(failed.get("message") or "its controller could not compute it"))
    return HEALTHY if "observedGeneration" in status_of(manifest) else progressing("not computed yet")


def namespace(manifest: Manifest) -> Verdict:
    """Active."""
    phase = status_of(manifest).get("phase")
    return progressing("terminating") if phase == "Terminating" else HEALTHY


def operation(manifest: Manifest) -> Verdict:
    """A finished operation is as its script left it."""
    match status_of(manifest).get("phase"):
        case "Succeeded":
            return HEALTHY
        case "Failed" | "Cancelled" | "Unknown" as phase:
            return degraded(str(status_of(manifest).get("message") or phase))
        case phase:
            return progressing(str(phase or "Queued"))


def _replicas(manifest: Manifest) -> int:
    wanted = (manifest.get("spec") or {}).get("replicas")
    return 1 if wanted is None else int(wanted)


def _counts(manifest: Manifest, wanted: int, fields: tuple[tuple[str, str], ...]) -> Verdict:
    status: Mapping[str, Any] = status_of(manifest)
    for field, label in fields:
        have = int(status.get(field) or 0)
        if have < wanted:
            return progressing(f"{have} of {wanted} {label}")
    surplus = int(status.get("replicas") or 0) - wanted
    return progressing(f"{surplus} surplus replicas still run") if surplus > 0 else HEALTHY


RULES: dict[tuple[str, str], Rule] = {
    ("", "Namespace"): namespace,
    ("", "PersistentVolumeClaim"): claim,
    ("", "Pod"): pod,
    ("", "ReplicationController"): replication_controller,
    ("", "Service"): service,
    ("apiextensions.k8s.io", "CustomResourceDefinition"): definition,
    ("apps", "DaemonSet"): daemon_set,
    ("apps", "Deployment"): deployment,
    ("apps", "ReplicaSet"): replica_set,
    ("apps", "StatefulSet"): stateful_set,
    ("batch", "Job"): job,
    ("gitops-worker.io", "Operation"): operation,
    ("policy", "PodDisruptionBudget"): disruption_budget,
}
