"""Another attempt only with proof that the script never started, or with the operation's own word that it may."""

from __future__ import annotations

from typing import Any

import pytest

from gitops import api
from gitops.api.operation import Attempt, OperationSpec, OperationStatus
from gitops.api.workerpool import Retry
from gitops.pods import outcome, retry
from gitops.pods.outcome import Evidence, GaveUp
from gitops.runner.record import EndRecord

WAITED = EndRecord(version=1, exit_code=126, files_awaited=True)
NEVER_MADE = {
    "name": "operation",
    "state": {
        "terminated": {
            "exitCode": 137,
            "reason": "ContainerStatusUnknown",
            "message": "The container could not be located when the pod was terminated",
            "startedAt": None,
            "finishedAt": None,
        }
    },
    "lastState": {},
    "restartCount": 0,
    "image": "busybox:1",
    "imageID": "",
    "started": False,
}
WAS_MADE = {**NEVER_MADE, "containerID": "containerd://aa"}
EVICTED = {"phase": "Failed", "reason": "Evicted", "message": "The node was low on resource: ephemeral-storage."}


def pod(*, node: str = "one", **status: Any) -> dict[str, Any]:
    return {"metadata": {"name": "op-1-1", "uid": "u"}, "spec": {"nodeName": node} if node else {}, "status": status}


def target(reason: str) -> dict[str, Any]:
    return {"conditions": [{"type": "DisruptionTarget", "status": "True", "reason": reason, "message": "words"}]}


def operation(*, idempotent: bool = False, attempts: int = 0) -> api.Operation:
    before = [Attempt(number=number) for number in range(1, attempts + 1)]
    spec = OperationSpec(pool="linux", script="x", idempotent=idempotent)
    return api.Operation(spec=spec, status=OperationStatus(attempts=before))


def again(evidence: Evidence, *, idempotent: bool = False, attempts: int = 0, most: int = 3) -> bool:
    one = operation(idempotent=idempotent, attempts=attempts)
    return retry.wanted(one, Retry(attempts=most), evidence, outcome.of(evidence))


PROOF = {
    "the kubelet evicts before the container is made": pod(**EVICTED, containerStatuses=[NEVER_MADE]),
    "the kubelet takes the pod not at all": pod(phase="Failed", reason="OutOfcpu", message="Node didn't have enough"),
    "the node shuts down before": pod(phase="Failed", reason="NodeShutdown", message="Pod was rejected"),
    "driven out by a taint before a container is made": pod(
        phase="Failed", containerStatuses=[NEVER_MADE], **target("DeletionByTaintManager")
    ),
    "preempted before a node was chosen": pod(node="", phase="Pending", **target("PreemptionByScheduler")),
}
NO_PROOF = {
    "the container was made": pod(**EVICTED, containerStatuses=[WAS_MADE]),
    "the container ran": pod(
        **EVICTED,
        containerStatuses=[{"name": "operation", "state": {"terminated": {"startedAt": "2026-01-01T00:00:05Z"}}}],
    ),
    "it waited when the node was lost": pod(
        phase="Failed",
        containerStatuses=[{"name": "operation", "state": {"waiting": {"reason": "ContainerCreating"}}}],
        **target("DeletionByPodGC"),
    ),
    "the kubelet did not say how it ended": pod(
        phase="Pending",
        containerStatuses=[{"name": "operation", "state": {"waiting": {"reason": "ContainerCreating"}}}],
        **target("EvictionByEvictionAPI"),
    ),
    "the container ran before and is restarted by someone": pod(
        **EVICTED, containerStatuses=[{**NEVER_MADE, "lastState": {"terminated": {"exitCode": 1}}}]
    ),
}


@pytest.mark.parametrize("name", PROOF)
def test_with_proof_that_it_never_started_it_is_started_again(name: str) -> None:
    evidence = Evidence(pod=PROOF[name], gone=True)
    assert not retry.may_have_started(evidence)
    assert again(evidence)


@pytest.mark.parametrize("name", NO_PROOF)
def test_without_proof_only_an_idempotent_one_is_started_again(name: str) -> None:
    evidence = Evidence(pod=NO_PROOF[name], gone=True)
    assert retry.may_have_started(evidence)
    assert (again(evidence), again(evidence, idempotent=True)) == (False, True)


def test_a_pod_of_which_nothing_is_known_may_have_run() -> None:
    evidence = Evidence(pod=None, gone=True)
    assert (again(evidence), again(evidence, idempotent=True)) == (False, True)


FULL = {**EVICTED, "message": 'Usage of EmptyDir volume "workspace" exceeds the limit "1Gi".'}
RUNNING = pod(phase="Running", containerStatuses=[{"name": "operation", "state": {"running": {}}}])
NEVER = {
    "cancelled": Evidence(pod=PROOF["the kubelet takes the pod not at all"], cancel="by ann"),
    "a clock ran out": Evidence(
        pod=PROOF["the kubelet takes the pod not at all"],
        gave_up=GaveUp(reason="StartTimeout", message="still starting"),
    ),
    # A person deletes a pod because it should not run; the script's own faults stay its own.
    "deleted": Evidence(pod=pod(phase="Pending"), gone=True),
    "its workspace is full": Evidence(pod=pod(**FULL)),
    "it ran too long": Evidence(pod=pod(phase="Failed", reason="DeadlineExceeded", message="Pod was active too long")),
    "it failed": Evidence(pod=pod(phase="Failed"), record=EndRecord(version=1, exit_code=3)),
    # It may still be running: a second one beside it is no retry.
    "its node does not answer": Evidence(pod=RUNNING, unconfirmed=True),
}


@pytest.mark.parametrize("name", NEVER)
def test_never_again_whatever_the_operation_says(name: str) -> None:
    assert not again(NEVER[name])
    assert not again(NEVER[name], idempotent=True)


def test_a_workspace_that_is_full_is_the_scripts_own() -> None:
    ended = outcome.of(Evidence(pod=pod(**FULL)))
    assert (ended.reason, FULL["message"] in ended.message) == ("StorageLimitExceeded", True)


def test_there_is_an_end_to_it_and_a_pause_between() -> None:
    evidence = Evidence(pod=PROOF["the kubelet takes the pod not at all"], gone=True)
    assert [again(evidence, attempts=before) for before in range(3)] == [True, True, False]
    assert not again(evidence, most=1)
    assert [retry.delay(Retry(delay="10s"), attempts) for attempts in (1, 2, 3)] == [10, 20, 40]


RAN: dict[str, Any] = {
    "phase": "Failed",
    "containerStatuses": [{"name": "operation", "state": {"terminated": {"exitCode": 126}}}],
}
GAVE_UP = {reason: GaveUp(reason=reason, message="words") for reason in ("FilesUnavailable", "FilesInvalid")}


def test_a_script_that_waited_for_its_files_certainly_never_started() -> None:
    waited = Evidence(pod=pod(**{**RAN, **target("EvictionByEvictionAPI")}), record=WAITED)
    assert not retry.may_have_started(waited)
    assert again(waited)
    ran = Evidence(pod=pod(**{**RAN, **target("EvictionByEvictionAPI")}), record=EndRecord(version=1, exit_code=0))
    assert retry.may_have_started(ran)


@pytest.mark.parametrize(("reason", "wanted"), [("FilesUnavailable", True), ("FilesInvalid", False)])
def test_only_files_that_may_come_later_are_worth_another_attempt(reason: str, *, wanted: bool) -> None:
    evidence = Evidence(pod=pod(**RAN), record=WAITED, gave_up=GAVE_UP[reason])
    assert again(evidence) is wanted
    assert not again(evidence, attempts=2)
    assert not again(Evidence(pod=pod(**RAN), record=WAITED, gave_up=GAVE_UP[reason], cancel="enough"))
    # Without the runner's word there is no proof.
    assert not again(Evidence(pod=pod(**RAN), gave_up=GAVE_UP[reason]))


def test_a_runner_nobody_brought_files_to_is_followed_by_another_one() -> None:
    assert again(Evidence(pod=pod(**RAN), record=WAITED))
