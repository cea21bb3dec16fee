"""What `gitops doctor` makes of what it found; every problem says what to do."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from gitops import api
from gitops.api.meta import Resources
from gitops.api.operation import LogRecord, OperationSpec, OperationStatus
from gitops.api.workerpool import WorkerPool, WorkerPoolSpec
from gitops.report import doctor
from gitops.report.doctor import Finding, Level

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
RESOURCES = Resources(requests={"cpu": "500m", "memory": "1Gi"}, limits={"memory": "1Gi"})


def pool(**spec: Any) -> WorkerPool:
    return WorkerPool(
        metadata=api.Metadata(name="linux"), spec=WorkerPoolSpec(**{"image": "x", "resources": RESOURCES, **spec})
    )


def said(findings: Iterable[Finding]) -> list[tuple[str, str]]:
    found = list(findings)
    assert all(one.todo for one in found if one.level in {Level.FAILED, Level.WARNING})
    return [(one.level.value, one.says) for one in found]


def ended(phase: str, reason: str = "", code: int | None = None, message: str = "", **more: Any) -> api.Operation:
    status = OperationStatus(
        phase=phase, reason=reason, exit_code=code, message=message, node="node-1", log=LogRecord(complete=True), **more
    )
    return api.Operation(metadata=api.Metadata(name="d"), spec=OperationSpec(pool="linux", script="x"), status=status)


def test_a_tried_pool() -> None:
    assert said(doctor.tried("linux", ended("Succeeded", code=0))) == [("ok", "an operation ran on node-1")]
    noexec = ended("Failed", "RunnerFailed", 126, "the runner ended without a record: sh: /r/start: Permission denied")
    assert "pod volumes are mounted noexec on node-1" in said(doctor.tried("linux", noexec))[0][1]
    both = said(doctor.tried("linux", ended("Failed", "ScriptFailed", doctor.NOEXEC + doctor.NO_TEMPORARY)))
    assert [level for level, _ in both] == ["warning", "warning"]
    assert "noexec" in both[0][1]
    image = said(doctor.tried("linux", ended("Failed", "ImageRefused", None, "manifest unknown")))
    assert image == [("failed", "an operation did not run: ImageRefused: manifest unknown")]


def test_a_right_that_is_missing_names_the_role_that_has_it() -> None:
    assert doctor.right("use pool linux", allowed=True, why="").level is Level.OK
    for what, role in ((doctor.LOGS, "gitops-worker-logs"), ("use pool linux", "gitops-worker-submit")):
        found = doctor.right(what, allowed=False, why="no")
        assert (found.level, found.says) == (Level.FAILED, f"you may not {what}: no")
        assert role in found.todo


def test_what_did_not_end_in_time_says_what_to_do_about_what_holds_it() -> None:
    held = ended("Starting", "QuotaExceeded", message="exceeded quota: team")
    found = doctor.unfinished("linux", held, "2m", "Starting (QuotaExceeded: exceeded quota: team)")
    assert found.says == "an operation did not end within 2m: Starting (QuotaExceeded: exceeded quota: team)"
    assert "raise it" in found.todo
    for unknown in (None, ended("Queued"), ended("Starting", "Claimed")):
        assert "is the worker running" in doctor.unfinished("linux", unknown, "2m", "Queued").todo


def test_a_log_that_is_not_whole_is_said() -> None:
    status = OperationStatus(phase="Succeeded", exit_code=0, log=LogRecord(complete=False, missing=3))
    operation = api.Operation(spec=OperationSpec(pool="linux", script="x"), status=status)
    assert said(doctor.tried("linux", operation))[1] == ("warning", "the log of that operation: 3 lines are missing")


@pytest.mark.parametrize(
    ("spec", "level"),
    [
        ({"holderIdentity": "a", "renewTime": "2026-01-01T11:59:55.000000Z"}, Level.OK),
        ({"holderIdentity": "a", "renewTime": "2026-01-01T11:50:00.000000Z"}, Level.FAILED),
        ({"holderIdentity": "", "renewTime": "2026-01-01T11:59:55.000000Z"}, Level.FAILED),
    ],
)
def test_a_heartbeat(spec: dict[str, str], level: Level) -> None:
    assert doctor.heartbeat("main", {"spec": spec}, NOW).level is level
    assert doctor.heartbeat("main", None, NOW).level is Level.FAILED


def quota(used: dict[str, str], **hard: str) -> dict[str, Any]:
    return {
        "metadata": {"name": "q"},
        "status": {"hard": {key.replace("_", "."): v for key, v in hard.items()}, "used": used},
    }


def test_quotas() -> None:
    assert said(doctor.quotas(pool(max_operations=4), [quota({}, requests_cpu="2", pods="10")])) == []
    full = said(doctor.quotas(pool(), [quota({"pods": "9"}, pods="9")]))
    assert full == [("failed", "quota q leaves no room: pods 9, used 9, an operation asks for 1")]
    few = said(doctor.quotas(pool(max_operations=10), [quota({}, requests_memory="4Gi")]))
    assert few == [("warning", "quota q (requests.memory 4Gi) holds 4 operations, maxOperations is 10")]
    silent = said(doctor.quotas(pool(), [quota({}, limits_cpu="4")]))
    assert silent == [("failed", "quota q wants every pod to say limits.cpu, and the pool does not")]


def test_limits_and_pull_secrets() -> None:
    ranges = [{"metadata": {"name": "r"}, "spec": {"limits": [{"type": "Container", "max": {"cpu": "200m"}}]}}]
    assert said(doctor.limits(pool(), ranges)) == [("failed", "limit range r allows cpu 200m, it has 500m")]
    missing = said(doctor.pull_secrets(pool(), {"there": True, "gone": False}, "ops"))
    assert missing == [("failed", "its pull secret gone is not in namespace ops")]


def condition(kind: str, status: str, reason: str, message: str = "m") -> api.Condition:
    return api.Condition(type=kind, status=status, reason=reason, message=message)


def test_conditions() -> None:
    ready, failed = condition("Ready", "True", "Ready"), condition("CanaryPassed", "False", "ImageRefused")
    assert said(doctor.conditions("p", [ready, failed], generation=2, observed=2)) == [
        ("ok", "m"),
        ("warning", "its canary failed: m"),
    ]
    assert said(doctor.conditions("p", [ready], generation=3, observed=2))[0][0] == "failed"
    assert said(doctor.conditions("p", [], generation=1, observed=0)) == [("failed", "no worker has looked at it yet")]
    assert said(doctor.conditions("p", [condition("Ready", "False", "RunnerMissing")], generation=1, observed=1)) == [
        ("failed", "m")
    ]


def test_the_script_says_what_is_missing_in_its_exit_code(tmp_path: Path) -> None:
    def code(**environment: str) -> int:
        variables = {"PATH": "/usr/bin:/bin", **environment}
        done = subprocess.run(
            ["/bin/sh", "-c", doctor.SCRIPT], cwd=tmp_path, env=variables, capture_output=True, check=False
        )
        return done.returncode

    assert code(TMPDIR=str(tmp_path)) == 0
    assert list(tmp_path.iterdir()) == []
    assert code(TMPDIR="/nonexistent") == doctor.NO_TEMPORARY
    (tmp_path / "gitops-doctor-probe").mkdir()
    assert code(TMPDIR="/tmp") == doctor.NOT_WRITABLE  # noqa: S108 - where a pod has it
