"""Following a log through whatever happens to the worker that serves it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from gitops import api, cluster, errors
from gitops.api.operation import Claim, LogRecord, OperationSpec, OperationStatus
from gitops.testing.clock import FakeClock
from gitops.testing.objects import FakeObjects
from gitops_cli import _logs, _operations
from gitops_cli._shell import Shell
from tests.unit.cli.test_operation import CHUNKED, Stream

FRAMES = (b"1|o|0|one\n", b"2|o|4|two\n", b"3|o|8|three\n")
LINES = b"".join(FRAMES)
PODS = _logs.PODS


def _answer(body: bytes, *, whole: bool = True) -> bytes:
    return CHUNKED + b"%x\r\n%b\r\n" % (len(body), body) + (b"0\r\n\r\n" if whole else b"")


MISSING = b"HTTP/1.1 404 Not Found\r\n\r\n"


@dataclass
class Ports:
    """Plays one answer after the other; what is no answer is raised."""

    answers: list[bytes | errors.ClusterError]
    asked: list[tuple[str, str]] = field(default_factory=list)

    @asynccontextmanager
    async def open(self, namespace: str, pod: str, port: int) -> AsyncIterator[Stream]:
        assert (namespace, port) == ("ci", 8081)
        answer = self.answers.pop(0)
        if isinstance(answer, errors.ClusterError):
            raise answer
        stream = Stream(answer)
        try:
            yield stream
        finally:
            self.asked.append((pod, stream.sent.split(b" ")[1].decode()))


@dataclass
class Connection:
    """As much of a cluster as reading logs takes."""

    objects: FakeObjects
    clock: FakeClock
    ports: Ports


def _pod(name: str, *, component: str = "worker", phase: str = "Running") -> dict[str, Any]:
    labels = {"app.kubernetes.io/name": "gitops-worker", "app.kubernetes.io/component": component}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": "ci", "labels": labels},
        "spec": {"containers": [{"name": "gitops", "image": "x"}]},
        "status": {"phase": phase},
    }


def _connection(*answers: bytes | errors.ClusterError, pods: tuple[dict[str, Any], ...] = ()) -> Connection:
    clock = FakeClock(eager=True)
    objects = FakeObjects(clock=clock, namespaces=("ci",))
    for pod in pods or (_pod("worker-1"),):
        objects.server.create(PODS, pod, manager="test")
        objects.server.patch_status(PODS, "ci", pod["metadata"]["name"], {"status": pod["status"]}, manager="test")
    return Connection(objects=objects, clock=clock, ports=Ports(list(answers)))


OPERATION = api.Operation(
    metadata=api.Metadata(name="op", namespace="ci", uid="u-1"),
    spec=OperationSpec(pool="linux", script="x"),
    status=OperationStatus(phase="Running", claim=Claim(worker="worker-2-abcdef")),
)


async def _print(connection: Connection, **span: Any) -> None:
    await _logs.print_log(Shell(), cast("cluster.Cluster", connection), OPERATION, _logs.Span(**span))


async def test_a_log_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    connection = _connection(_answer(LINES + b"4|O|14|no end\n5|x|20|{}\n"))
    await _print(connection, tail=5, since="2026-01-01T00:00:00Z")
    assert capsys.readouterr().out == "one\ntwo\nthree\nno end\n"
    assert connection.ports.asked == [("worker-1", "/logs/u-1?tail=5&since=2026-01-01T00%3A00%3A00Z&raw=1")]


async def test_what_was_printed_is_skipped_after_a_break(capsys: pytest.CaptureFixture[str]) -> None:
    lost = errors.ClusterUnavailable("gone")
    answers = (_answer(LINES[:15], whole=False), lost, MISSING, _answer(LINES[:2], whole=False), _answer(LINES))
    connection = _connection(*answers)
    await _print(connection, follow=True)
    assert capsys.readouterr().out == "one\ntwo\nthree\n"
    assert [path for _, path in connection.ports.asked][-1] == "/logs/u-1?follow=1&after=1&raw=1"


async def test_without_follow_a_break_is_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(errors.ClusterUnavailable, match="to its end"):
        await _print(_connection(_answer(LINES[:12], whole=False)))


async def test_a_tail_goes_on_behind_its_last_frame(capsys: pytest.CaptureFixture[str]) -> None:
    lost = errors.ClusterUnavailable("gone")
    connection = _connection(lost, _answer(FRAMES[1], whole=False), _answer(FRAMES[2]))
    await _print(connection, follow=True, tail=1, since="2026-01-01T00:00:00Z")
    assert capsys.readouterr().out == "two\nthree\n"
    assert [path for _, path in connection.ports.asked] == [
        "/logs/u-1?follow=1&tail=1&since=2026-01-01T00%3A00%3A00Z&raw=1",
        "/logs/u-1?follow=1&after=2&raw=1",
    ]


async def test_from_now_on_means_from_the_frame_that_is_last_now(capsys: pytest.CaptureFixture[str]) -> None:
    lost = errors.ClusterUnavailable("gone")
    connection = _connection(
        _answer(FRAMES[0]), _answer(b"1|h|4|\n", whole=False), lost, _answer(FRAMES[1] + FRAMES[2])
    )
    await _print(connection, follow=True, tail=0)
    assert capsys.readouterr().out == "two\nthree\n"
    follow = "/logs/u-1?follow=1&after=1&raw=1"
    assert [path for _, path in connection.ports.asked] == ["/logs/u-1?tail=1&raw=1", follow, follow]


async def test_a_worker_that_stays_away_is_given_up() -> None:
    connection = _connection(*[errors.ClusterUnavailable("gone")] * 1000)
    with pytest.raises(errors.ClusterUnavailable, match="gone"):
        await _print(connection, follow=True)
    assert len(connection.ports.answers) > 800


async def test_the_worker_of_the_operation_is_asked_first_then_the_others(capsys: pytest.CaptureFixture[str]) -> None:
    pods = (_pod("worker-1"), _pod("worker-2"), _pod("rec", component="reconciler"), _pod("old", phase="Failed"))
    connection = _connection(MISSING, _answer(LINES), pods=pods)
    await _print(connection)
    assert [pod for pod, _ in connection.ports.asked] == ["worker-2", "worker-1"]
    assert capsys.readouterr().out == "one\ntwo\nthree\n"


async def test_no_worker_is_said_so() -> None:
    with pytest.raises(errors.ClusterUnavailable, match="no worker runs in namespace ci"):
        await _print(_connection(pods=(_pod("rec", component="reconciler"),)))


async def test_who_may_not_read_logs_is_told_which_role_is_enough() -> None:
    with pytest.raises(errors.ClusterDenied) as caught:
        await _print(_connection(errors.ClusterDenied("no", hint="grant this")), follow=True)
    assert caught.value.hint == "to read logs the ClusterRole gitops-worker-logs in namespace ci is enough"


async def test_a_log_nobody_has_is_missing() -> None:
    with pytest.raises(errors.ObjectMissing):
        await _print(_connection(MISSING))


def test_what_is_missing_is_said() -> None:
    def operation(**log: Any) -> api.Operation:
        status = OperationStatus(phase="Succeeded", log=LogRecord(**log))
        return api.Operation(metadata=OPERATION.metadata, spec=OPERATION.spec, status=status)

    assert _operations.log_gap(operation(complete=True)) == ""
    assert _operations.log_gap(operation(missing=3)) == "log incomplete: 3 lines missing"
    assert _operations.log_gap(operation()) == "log: completeness unknown"
    assert _operations.log_gap(OPERATION) == ""
