"""From what a pod shows to one outcome."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitops import errors
from gitops.api.operation import Phase
from gitops.api.workerpool import Timeouts
from gitops.objects import Manifest
from gitops.pods import clocks, images, outcome, refusal, stage
from gitops.pods.outcome import Evidence, GaveUp
from gitops.pods.stage import Progress, Stage


def pod(state: dict[str, Any] | None = None, **status: Any) -> Manifest:
    if state is not None:
        status["containerStatuses"] = [
            {"name": "side", "state": {"running": {}}},
            {"name": "operation", "state": state},
        ]
    spec = {"containers": [{"name": "operation", "resources": {"requests": {"cpu": "4", "memory": "8Gi"}}}]}
    return {"metadata": {"name": "op", "uid": "1"}, "spec": spec, "status": status}


def terminated(code: int, reason: str = "Error", **more: Any) -> dict[str, Any]:
    return {"terminated": {"exitCode": code, "reason": reason, "startedAt": "2026-01-01T00:00:00Z", **more}}


def record(code: int = 0, **more: Any) -> str:
    return json.dumps({"version": 1, "exitCode": code, **more})


DISRUPTED = {"type": "DisruptionTarget", "status": "True", "reason": "EvictionByEvictionAPI", "message": "drained"}
WAITED = record(126, filesAwaited=True)
GAVE_UP_FILES = GaveUp(reason="FilesUnavailable", message="HTTP 503")
TABLE: list[tuple[str, Evidence, Phase, str]] = [
    ("success", Evidence(pod=pod(terminated(0, message=record()))), Phase.SUCCEEDED, "Succeeded"),
    ("failure", Evidence(pod=pod(terminated(3, message=record(3)))), Phase.FAILED, "ScriptFailed"),
    ("signal", Evidence(pod=pod(terminated(139, message=record(139, signal=11)))), Phase.FAILED, "ScriptFailed"),
    (
        "no interpreter",
        Evidence(pod=pod(terminated(127, message=record(127, startError=2)))),
        Phase.FAILED,
        "InterpreterNotStarted",
    ),
    (
        "a file that could not be written",
        Evidence(pod=pod(terminated(126, message=record(126, filesError=28)))),
        Phase.FAILED,
        "FilesNotWritten",
    ),
    (
        "files that did not come while no worker lived",
        Evidence(pod=pod(terminated(126, message=WAITED))),
        Phase.FAILED,
        "FilesUnavailable",
    ),
    (
        "files that a worker gave up",
        Evidence(pod=pod(terminated(126, message=WAITED)), gave_up=GaveUp(reason="FilesInvalid", message="404")),
        Phase.FAILED,
        "FilesInvalid",
    ),
    (
        "a cancel while files were waited for",
        Evidence(pod=pod(terminated(126, message=WAITED)), cancel="enough"),
        Phase.CANCELLED,
        "Cancelled",
    ),
    (
        "a drained node while files were waited for",
        Evidence(pod=pod(terminated(126, message=WAITED), conditions=[DISRUPTED]), gave_up=GAVE_UP_FILES),
        Phase.FAILED,
        "Evicted",
    ),
    (
        "deleted while files were waited for",
        Evidence(pod=pod(terminated(126, message=WAITED)), gone=True),
        Phase.FAILED,
        "PodDeleted",
    ),
    (
        "docker",
        Evidence(pod=pod(terminated(127, message=record(127, dockerAsked=True)))),
        Phase.FAILED,
        "DockerUnavailable",
    ),
    (
        "docker asked for in vain, and done without",
        Evidence(pod=pod(terminated(0, message=record(0, dockerAsked=True)))),
        Phase.SUCCEEDED,
        "Succeeded",
    ),
    ("own clock", Evidence(pod=pod(terminated(143, message=record(143, timedOut=True)))), Phase.FAILED, "RunTimeout"),
    (
        "child killed for memory",
        Evidence(pod=pod(terminated(1, message=record(1, oomKills=1)))),
        Phase.FAILED,
        "OutOfMemory",
    ),
    # cgroup v1 says OOMKilled of the container although only a child died and the script went on to succeed.
    (
        "child killed, script fine",
        Evidence(pod=pod(terminated(0, "OOMKilled", message=record(0, oomKills=1)))),
        Phase.SUCCEEDED,
        "Succeeded",
    ),
    ("all killed for memory", Evidence(pod=pod(terminated(137, "OOMKilled"))), Phase.FAILED, "OutOfMemory"),
    (
        "cancelled",
        Evidence(pod=pod(terminated(143, message=record(143, terminated=True))), cancel="ann"),
        Phase.CANCELLED,
        "Cancelled",
    ),
    (
        "cancelled too late",
        Evidence(pod=pod(terminated(0, message=record())), cancel="ann"),
        Phase.SUCCEEDED,
        "Succeeded",
    ),
    (
        "cancelled while pending",
        Evidence(pod=pod(phase="Pending"), gone=True, cancel="ann"),
        Phase.CANCELLED,
        "Cancelled",
    ),
    (
        "drained",
        Evidence(pod=pod(terminated(143, message=record(143, terminated=True)), conditions=[DISRUPTED])),
        Phase.FAILED,
        "Evicted",
    ),
    (
        "evicted for disk",
        Evidence(pod=pod(phase="Failed", reason="Evicted", message="low on disk")),
        Phase.FAILED,
        "Evicted",
    ),
    ("not admitted by the node", Evidence(pod=pod(phase="Failed", reason="OutOfcpu")), Phase.FAILED, "OutOfcpu"),
    (
        "deleted by someone",
        Evidence(pod=pod(terminated(143, message=record(143, terminated=True))), gone=True),
        Phase.FAILED,
        "PodDeleted",
    ),
    ("deleted before it ran", Evidence(pod=pod(phase="Pending"), gone=True), Phase.FAILED, "PodDeleted"),
    ("vanished", Evidence(pod=pod({"running": {"startedAt": "x"}}), gone=True), Phase.UNKNOWN, "PodLost"),
    ("never seen", Evidence(pod=None, gone=True), Phase.UNKNOWN, "PodLost"),
    (
        "node silent",
        Evidence(pod=pod({"running": {}}), cancel="ann", unconfirmed=True),
        Phase.UNKNOWN,
        "NodeUnreachable",
    ),
    (
        "start error",
        Evidence(pod=pod(terminated(128, "StartError", message="no such file"))),
        Phase.FAILED,
        "ContainerNotStarted",
    ),
    (
        "no shell for the runner",
        Evidence(pod=pod(terminated(127)), foreign="sh: uname: not found"),
        Phase.FAILED,
        "RunnerFailed",
    ),
    (
        "given up",
        Evidence(pod=pod(phase="Pending"), gone=True, gave_up=GaveUp(reason="ImageRefused", message="not found")),
        Phase.FAILED,
        "ImageRefused",
    ),
    (
        "given up, but it had ended",
        Evidence(pod=pod(terminated(0, message=record())), gave_up=GaveUp(reason="StartTimeout", message="")),
        Phase.SUCCEEDED,
        "Succeeded",
    ),
]


@pytest.mark.parametrize(("evidence", "phase", "reason"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE])
def test_the_table(evidence: Evidence, phase: Phase, reason: str) -> None:
    found = outcome.of(evidence)
    assert (found.phase, found.reason) == (phase, reason)
    assert found.message


def test_the_end_frame_is_as_good_as_the_termination_message() -> None:
    message = record(3, lines=7)
    seen = outcome.end_record(pod(terminated(3, message=message)))
    by_log = outcome.of(Evidence(pod=pod({"running": {}}), record=seen))
    by_pod = outcome.of(Evidence(pod=pod(terminated(3, message=message))))
    assert by_log == by_pod


@given(
    evidence=st.sampled_from([row[1] for row in TABLE]),
    gone=st.booleans(),
    cancel=st.sampled_from(["", "ann"]),
    gave_up=st.sampled_from([None, GaveUp(reason="RunTimeout", message="late")]),
)
def test_there_is_always_one_outcome_and_it_is_final(
    *, evidence: Evidence, gone: bool, cancel: str, gave_up: GaveUp | None
) -> None:
    found = outcome.of(Evidence(pod=evidence.pod, gone=gone, cancel=cancel, gave_up=gave_up, foreign=evidence.foreign))
    assert found.phase in {Phase.SUCCEEDED, Phase.FAILED, Phase.CANCELLED, Phase.UNKNOWN}
    assert found.reason
    assert found.message


@pytest.mark.parametrize(
    ("reason", "message", "expected"),
    [
        ("InvalidImageName", "", ("ImageNameInvalid", 0.0)),
        ("ErrImageNeverPull", "", ("ImageNotPresent", 15.0)),
        ("ErrImagePull", "pull QPS exceeded", ("ImagePullThrottled", None)),
        ("ErrImagePull", "reg/x:1: not found", ("ImageRefused", 12.0)),
        ("ImagePullBackOff", "Back-off: ErrImagePull: 401 Unauthorized", ("ImageRefused", 12.0)),
        ("ErrImagePull", "lookup reg: no such host: not found", ("ImageUnavailable", None)),
        ("ErrImagePull", "dial tcp 10.0.0.1:443: connect: connection refused", ("ImageUnavailable", None)),
        ("ErrImagePull", "429 Too Many Requests", ("ImageUnavailable", None)),
        ("ErrImagePull", "no match for platform in manifest", ("ImageRefused", 12.0)),
    ],
)
def test_image_errors(reason: str, message: str, expected: tuple[str, float | None]) -> None:
    verdict = images.judge(reason, message)
    assert verdict is not None
    assert (verdict.reason, verdict.patience) == expected


def test_where_a_pod_stands() -> None:
    waiting = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/2 nodes"}
    assert stage.of(pod(conditions=[waiting])).message == "no node fits (the pod needs cpu 4, memory 8Gi): 0/2 nodes"
    assert stage.of(pod(startTime="x")).stage is Stage.STARTING
    assert stage.of(pod({"waiting": {"reason": "ContainerCreating"}})).stage is Stage.PULLING
    assert stage.of(pod({"running": {}})).stage is Stage.RUNNING
    assert stage.of(pod(terminated(0), phase="Running")).stage is Stage.ENDED
    missing = {"waiting": {"reason": "CreateContainerConfigError", "message": 'secret "x" not found'}}
    found = pod(missing)
    found["metadata"]["namespace"] = "ci-linux-ops"
    assert stage.of(found) == Progress(
        stage=Stage.STARTING,
        reason="CreateContainerConfigError",
        message='secret "x" not found in namespace ci-linux-ops',
        patience=15.0,
    )


def test_a_working_directory_mounted_noexec_is_named_where_it_may_be_the_cause() -> None:
    for code, reason in ((126, "WorkspaceNoexec"), (1, "ScriptFailed")):
        found = outcome.of(Evidence(pod=pod(terminated(code, message=record(code, noexec=True)))))
        assert (found.phase, found.reason) == (Phase.FAILED, reason)
        assert "mounted noexec" in found.message
        assert "sh ./tool" in found.message
    assert outcome.of(Evidence(pod=pod(terminated(126, message=record(126))))).message == "exit code 126"
    assert outcome.of(Evidence(pod=pod(terminated(0, message=record(0, noexec=True))))).message == "exit code 0"
    denied = terminated(126, message="/bin/sh: 1: exec: /opt/gitops/runner/runner-amd64: Permission denied")
    found = outcome.of(Evidence(pod=pod(denied)))
    assert (found.reason, "are pod volumes mounted noexec" in found.message) == ("RunnerFailed", True)


@pytest.mark.parametrize(
    ("number", "words"),
    [(2, "it is not in the image"), (13, "it may not be executed"), (8, "architecture"), (7, "E2BIG")],
)
def test_why_an_interpreter_did_not_start(number: int, words: str) -> None:
    found = outcome.of(Evidence(pod=pod(terminated(127, message=record(127, startError=number)))))
    assert found.message.startswith("the interpreter could not be started: ")
    assert words in found.message


def test_each_stage_has_a_clock_and_each_trouble_too() -> None:
    found = clocks.Clocks(Timeouts(image_pull="60s", starting="30s"), run=100)
    pulling = Progress(stage=Stage.PULLING, reason="ImageUnavailable", message="no such host")
    assert found.read(pulling, 0.0) == (None, 60.0)
    refused = Progress(stage=Stage.PULLING, reason="ImageRefused", message="not found", patience=12.0)
    assert found.read(refused, 10.0) == (None, 22.0)
    gave_up, _ = found.read(refused, 22.0)
    assert gave_up == GaveUp(reason="ImageRefused", message="not found")
    gave_up, _ = found.read(pulling, 60.0)
    assert gave_up is not None
    assert (gave_up.reason, gave_up.message) == (
        "ImagePullTimeout",
        "still pulling after 60 s (ImageUnavailable): no such host",
    )
    fetching = Progress(stage=Stage.FETCHING, reason="FilesUnavailable", message="HTTP 503")
    assert found.read(fetching, 60.0) == (None, 60.0 + 900)
    gave_up, _ = found.read(fetching, 960.0)
    assert gave_up == GaveUp(reason="FilesUnavailable", message="still without its files after 900 s: HTTP 503")
    assert found.read(Progress(stage=Stage.RUNNING), 61.0) == (None, 61.0 + 100 + 30 + 60)
    assert found.read(Progress(stage=Stage.ENDED), 99.0) == (None, None)


@pytest.mark.parametrize(
    ("error", "reason", "waits"),
    [
        (errors.ClusterDenied("x", cause="User cannot create pods"), "LaunchDenied", True),
        (errors.ObjectMissing("x", cause='namespaces "a" not found'), "NamespaceMissing", True),
        (errors.ObjectInvalid("x", cause="exceeded quota: small, requested: cpu=1"), "QuotaExceeded", True),
        (errors.ObjectInvalid("x", cause='violates PodSecurity "restricted:latest"'), "PodSecurityRefused", False),
        (
            errors.ObjectInvalid("x", cause="error looking up service account a/b: not found"),
            "ServiceAccountMissing",
            True,
        ),
        (
            errors.ObjectInvalid("x", cause="maximum cpu usage per Container is 1, but limit is 2"),
            "LimitRangeRefused",
            False,
        ),
        (errors.ObjectInvalid("x", cause="ValidatingAdmissionPolicy 'p' denied request"), "PolicyRefused", False),
        (errors.ObjectInvalid("x", cause="spec.containers[0].image: Required value"), "PodRefused", False),
    ],
)
def test_refusals_of_the_api_server(error: errors.ClusterError, reason: str, *, waits: bool) -> None:
    found = refusal.judge(error, POD)
    assert (found.reason, found.patience > 0) == (reason, waits)
    assert found.message == error.cause


POD = {"metadata": {"namespace": "ops"}, "spec": {"containers": [{"resources": {"requests": {"cpu": "1"}}}]}}


def test_a_limit_that_a_limit_range_filled_in_is_named() -> None:
    """As the API server says it when a LimitRange has a default limit below what the pod asks for."""
    words = 'Pod "op-1" is invalid: spec.containers[0].resources.requests: Invalid value: "1": must be less than or equal to cpu limit of 500m'  # noqa: E501
    found = refusal.judge(errors.ObjectInvalid("x", cause=words), POD)
    assert (found.reason, found.patience) == ("LimitRangeRefused", 0.0)
    assert "a LimitRange of ops set the limit" in found.message
    limits = {"resources": {"requests": {"cpu": "1"}, "limits": {"cpu": "500m"}}}
    own = {"metadata": {"namespace": "ops"}, "spec": {"containers": [limits]}}
    assert refusal.judge(errors.ObjectInvalid("x", cause=words), own).reason == "PodRefused"


RECORDED = json.loads((Path(__file__).parents[2] / "data" / "image-errors.json").read_text())


@pytest.mark.parametrize("case", RECORDED, ids=lambda case: case["registry"])
def test_registries_as_the_kubelet_tells_of_them(case: dict[str, str]) -> None:
    found = images.judge("ErrImagePull", case["message"])
    backing_off = images.judge("ImagePullBackOff", f"Back-off pulling image: ErrImagePull: {case['message']}")
    assert found is not None
    assert found.reason == case["verdict"]
    assert found == backing_off
    assert (found.patience is None) == (case["verdict"] == "ImageUnavailable")


def test_a_container_that_was_never_made_has_no_exit_code() -> None:
    unknown = {"terminated": {"exitCode": 137, "reason": "ContainerStatusUnknown", "startedAt": None}}
    gave_up = GaveUp(reason="ImageRefused", message="not found")
    assert outcome.of(Evidence(pod=pod(unknown), gave_up=gave_up)).exit_code is None
    assert outcome.of(Evidence(pod=pod(terminated(137)), gave_up=gave_up)).exit_code == 137
