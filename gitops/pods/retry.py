"""Whether an operation that the infrastructure failed gets another attempt. Pure.

An attempt may be followed by another one only if its script certainly never started, or if the operation says that
starting it again does no harm. What the script did wrong, and what a person did, is never tried again.
"""

from __future__ import annotations

from gitops.api import duration
from gitops.api.operation import Operation
from gitops.api.workerpool import Retry
from gitops.objects import Manifest
from gitops.pods import outcome, stage
from gitops.pods.outcome import Evidence, Outcome


def wanted(operation: Operation, policy: Retry, evidence: Evidence, ended: Outcome) -> bool:
    """Another attempt follows this one."""
    if not ended.infrastructure or evidence.cancel or evidence.unconfirmed:
        return False
    if evidence.gave_up is not None and ended.reason != outcome.FILES_UNAVAILABLE:
        return False
    if len(operation.status.attempts) + 1 >= policy.attempts:
        return False
    return operation.spec.idempotent or not may_have_started(evidence)


def delay(policy: Retry, attempts: int) -> int:
    """Seconds between the end of so many attempts and the next one."""
    return duration.seconds(policy.delay) << max(attempts - 1, 0)


def may_have_started(evidence: Evidence) -> bool:
    """Nothing proves that the script never ran.

    Proof is: no node was ever chosen; or the kubelet itself reported the pod's end and knows of no container of ours. A
    container it never made has neither an ID nor a start; one that ran and was removed since keeps its ID.
    Or the runner itself recorded that it ended while it still waited for files.
    """
    pod = evidence.pod
    record = evidence.record or outcome.end_record(pod)
    if record is not None and record.files_awaited:
        return False
    if pod is None or record is not None:
        return True
    return _was_made(pod) or bool(pod["spec"].get("nodeName") and not _kubelets_last_word(pod))


def _kubelets_last_word(pod: Manifest) -> bool:
    """The kubelet ended the pod; the garbage collector marks pods of lost nodes as failed in its stead."""
    if (pod.get("status") or {}).get("phase") not in {"Failed", "Succeeded"}:
        return False
    return stage.condition(pod, "DisruptionTarget").get("reason") != "DeletionByPodGC"


def _was_made(pod: Manifest) -> bool:
    container = stage.container_status(pod)
    if container is None:
        return False
    state, last = container.get("state") or {}, container.get("lastState") or {}
    ended = state.get("terminated") or {}
    return bool(
        container.get("containerID")
        or ended.get("containerID")
        or ended.get("startedAt")
        or state.get("running") is not None
        or last
        or container.get("restartCount")
    )
