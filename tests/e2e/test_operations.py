"""Operations on real nodes: run, fail, cancel, queue, survive their worker."""

from __future__ import annotations

import datetime as dt
import itertools
import json
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from gitops.runner import frames
from tests.cluster.cluster import Cluster
from tests.e2e.workplace import Workplace

pytestmark = pytest.mark.e2e

LOCAL: dict[str, Any] = {"imagePullPolicy": "IfNotPresent"}
POOLS: dict[str, dict[str, Any]] = {
    "linux": {"image": "worker-tools:1", "maxOperations": 6, "timeouts": {"grace": "5s"}, **LOCAL},
    "narrow": {"image": "busybox:1", "maxOperations": 1, **LOCAL},
    "strict": {"image": "busybox:1", "podSecurity": "restricted", "rbac": {"profile": "none"}, **LOCAL},
    "missing": {"image": "nonesuch:1", "timeouts": {"imagePull": "15s"}, **LOCAL},
    "absent": {"image": "nonesuch:1", "imagePullPolicy": "Never"},
    "private": {
        "image": "elsewhere.example/worker-tools:1",
        "mirrors": {"elsewhere.example": "docker.io/library"},
        "proxy": {"name": "proxy"},
        "ca": {"name": "trust", "key": "bundle.pem"},
        **LOCAL,
    },
    "tight": {"image": "worker-tools:1", "resources": {"limits": {"memory": "64Mi", "cpu": "1"}}, **LOCAL},
}


@pytest.fixture(scope="module")
def place(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workplace]:
    made = Workplace(cluster=cluster, folder=tmp_path_factory.mktemp("worker"), pools=POOLS)
    made.install()
    yield made
    made.remove()


@pytest.fixture(scope="module")
def worker(place: Workplace) -> subprocess.Popen[bytes]:
    return place.start()


@pytest.fixture(autouse=True)
def _alive(place: Workplace, worker: subprocess.Popen[bytes]) -> Iterator[None]:
    yield
    assert worker.poll() is None, place.told()


def test_a_script_runs_and_its_result_is_whole(place: Workplace) -> None:
    script = "echo one\nprintf 'two\\rthree\\n' >&2\nprintf 'no newline'\nexit 3\n"
    name = place.submit(script, interpreter=["bash", "-eu"], arguments=["$(HOME)", "a b"])
    status = place.until(name)
    assert (status["phase"], status["reason"], status["exitCode"]) == ("Failed", "ScriptFailed", 3)
    assert status["log"]["complete"]
    assert sorted(place.output(name).replace("\r", "|").split("\n")) == ["no newline", "one", "two|three"]


def test_a_pool_with_a_mirror_a_proxy_and_certificates_of_its_own(place: Workplace) -> None:
    metadata = {"namespace": place.operations_namespace("private")}
    proxy = {"https_proxy": "http://user:hunter2@proxy.example:3128"}
    place.apply(
        [
            {"apiVersion": "v1", "kind": "Secret", "metadata": {**metadata, "name": "proxy"}, "stringData": proxy},
            {
                "apiVersion": "v1",
                "kind": "ConfigMap",
                "metadata": {**metadata, "name": "trust"},
                "data": {"bundle.pem": "certificates\n"},
            },
        ]
    )
    script = 'echo "$HTTPS_PROXY $https_proxy [$http_proxy]"\ncat "$SSL_CERT_FILE" "$GIT_SSL_CAINFO"\n'
    name = place.submit(script, pool="private")
    status = place.until(name)
    assert status["phase"] == "Succeeded", status
    assert place.output(name) == "*** *** []\ncertificates\ncertificates\n"
    assert b"hunter2" not in place.log(name)


def test_arguments_environment_and_secrets(place: Workplace) -> None:
    namespace = place.operations_namespace("linux")
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "deploy", "namespace": namespace}}
    place.apply([{**secret, "stringData": {"token": "hunter2-hunter2"}}])
    script = 'import os, sys\nprint(sys.argv[1:], os.environ["PLAIN"], os.environ["TOKEN"], os.getcwd())\n'
    name = place.submit(
        script,
        interpreter=["python3"],
        arguments=["$(PLAIN)", "a b", "$$"],
        env=[
            {"name": "PLAIN", "value": "$(TOKEN) costs $5"},
            {"name": "TOKEN", "secret": {"name": "deploy", "key": "token"}},
        ],
    )
    assert place.until(name)["phase"] == "Succeeded"
    assert place.output(name) == "['$(PLAIN)', 'a b', '$$'] $(TOKEN) costs $5 *** /workspace\n"
    assert b"hunter2" not in place.log(name)


def test_five_thousand_lines_arrive_once_each(place: Workplace) -> None:
    name = place.submit("i=0; while [ $i -lt 5000 ]; do i=$((i+1)); echo line $i of a log that is to be whole; done\n")
    status = place.until(name)
    expected = "".join(f"line {number} of a log that is to be whole\n" for number in range(1, 5001))
    assert place.output(name) == expected
    assert status["log"] == {**status["log"], "lines": 5000, "missing": 0, "complete": True}


def test_a_log_that_outruns_the_kubelets_rotation_is_whole(place: Workplace) -> None:
    status = place.until(place.submit("seq -f 'line %.0f of a log that is longer than a file' 100000\n"), seconds=90)
    assert status["log"] == {**status["log"], "lines": 100000, "missing": 0, "complete": True}


def test_two_at_once_run_on_two_nodes(place: Workplace) -> None:
    names = [place.submit("sleep 3\n") for _ in range(2)]
    assert {place.until(name)["node"] for name in names} == {"node1", "node2"}


def test_the_pool_limit_holds(place: Workplace) -> None:
    names = [
        place.submit("cat /proc/uptime; sleep 0.7; cat /proc/uptime\n", pool="narrow", name=f"queued-{n}")
        for n in range(3)
    ]
    for name in names:
        place.until(name)
    spans = sorted(tuple(float(line.split()[0]) for line in place.output(name).splitlines()) for name in names)
    assert all(one[1] <= other[0] for one, other in itertools.pairwise(spans)), spans


def test_a_restricted_pool_runs_as_nobody(place: Workplace) -> None:
    script = "id -u; touch /tmp/x /workspace/y && echo writable; touch /z 2>/dev/null || echo read-only\n"
    name = place.submit(script, pool="strict")
    assert place.until(name)["phase"] == "Succeeded"
    assert place.output(name) == "65532\nwritable\nread-only\n"


def test_an_image_that_cannot_be_had_says_so_in_the_kubelets_words(place: Workplace) -> None:
    missing, absent = place.submit("true\n", pool="missing"), place.submit("true\n", pool="absent")
    status = place.until(missing, seconds=40)
    assert (status["phase"], status["reason"]) == ("Failed", "ImagePullTimeout")
    assert "nonesuch:1" in status["message"]
    status = place.until(absent, seconds=40)
    assert (status["phase"], status["reason"]) == ("Failed", "ImageNotPresent")
    assert place.cluster.get("pods", "-n", place.operations_namespace("missing"))["items"] == []


def test_an_interpreter_that_is_not_in_the_image(place: Workplace) -> None:
    status = place.until(place.submit("x\n", interpreter=["pwsh"]))
    assert (status["phase"], status["reason"], status["exitCode"]) == ("Failed", "InterpreterNotStarted", 127)


def test_a_script_that_runs_too_long_is_stopped(place: Workplace) -> None:
    status = place.until(place.submit("echo begun; sleep 60\n", timeout="2s"))
    assert (status["phase"], status["reason"]) == ("Failed", "RunTimeout")


def test_memory_is_named_when_it_killed(place: Workplace) -> None:
    script = "x = bytearray(300_000_000)\n"
    status = place.until(place.submit(script, pool="tight", interpreter=["python3"]))
    assert (status["phase"], status["reason"]) == ("Failed", "OutOfMemory")


def test_a_cancel_lets_the_script_say_goodbye(place: Workplace) -> None:
    name = place.submit(
        "trap 'echo goodbye; exit 9' TERM; echo ready; while :; do sleep 0.1; done\n", interpreter=["bash"]
    )
    place.until(name, {"Running"})
    time.sleep(1)
    place.cluster.kubectl(
        "annotate", "operations.gitops-worker.io", name, "-n", place.namespace, "gitops-worker.io/cancel=by the test"
    )
    status = place.until(name)
    assert (status["phase"], status["exitCode"]) == ("Cancelled", 9)
    said = [frame.text for frame in place.frames(name) if frame.stream == ord("o")]
    assert said == [b"ready", b"goodbye"]


def test_deleting_an_operation_ends_it_and_keeps_its_log(place: Workplace) -> None:
    name = place.submit(
        "trap 'echo goodbye; exit 9' TERM; echo ready; while :; do sleep 0.1; done\n", interpreter=["bash"]
    )
    uid = place.operation(name)["metadata"]["uid"]
    place.until(name, {"Running"})
    time.sleep(1)
    place.cluster.kubectl("delete", "operations.gitops-worker.io", name, "-n", place.namespace)
    stored, deadline = place.folder / "logs" / f"{uid}.log", time.monotonic() + 20
    while b"goodbye" not in stored.read_bytes():
        assert time.monotonic() < deadline, stored.read_bytes()
        time.sleep(0.2)
    pods = place.operations_namespace("linux")
    while place.cluster.kubectl("get", "pods", "-n", pods, "-l", f"gitops-worker.io/operation={uid}", "-o", "name"):
        assert time.monotonic() < deadline
        time.sleep(0.2)


def test_a_pod_deleted_by_someone_is_told(place: Workplace) -> None:
    name = place.submit("echo ready; sleep 60\n")
    status = place.until(name, {"Running"})
    pods = place.operations_namespace("linux")
    place.cluster.kubectl("delete", "pod", status["claim"]["pod"], "-n", pods, "--wait=false")
    status = place.until(name)
    assert (status["phase"], status["reason"]) == ("Failed", "PodDeleted")


def test_an_operation_takes_six_requests(place: Workplace) -> None:
    begun = dt.datetime.now(dt.UTC)
    names = [place.submit("echo hi\n") for _ in range(10)]
    for name in names:
        place.until(name)
    time.sleep(2)
    events = [
        event
        for event in place.cluster.audit(user=place.user, since=begun)
        if event.verb != "watch" and event.resource in {"operations", "pods"}
    ]
    counted = Counter(f"{event.verb} {event.resource}/{event.subresource}" for event in events)
    assert len(events) <= 62, (len(events), counted)


def test_the_pool_and_the_worker_say_that_they_are_ready(place: Workplace) -> None:
    for kind, name in (("workerpools", "linux"), ("workers", "main")):
        found = place.cluster.get(f"{kind}.gitops-worker.io", name, "-n", place.namespace)
        ready = found["status"]["conditions"][0]
        assert (ready["type"], ready["status"]) == ("Ready", "True"), json.dumps(ready)


def test_a_killed_worker_is_replaced_and_the_log_is_whole(
    cluster: Cluster, tmp_path_factory: pytest.TempPathFactory
) -> None:
    place = Workplace(cluster=cluster, folder=tmp_path_factory.mktemp("killed"), pools={"linux": POOLS["linux"]})
    place.install()
    try:
        first = place.start()
        script = "i=0; while [ $i -lt 600 ]; do i=$((i+1)); echo tick $i; sleep 0.01; done\n"
        names = [place.submit(script) for _ in range(3)]
        for name in names:
            place.until(name, {"Running"})
        time.sleep(1)
        place.end(first, signal.SIGKILL)
        time.sleep(1)
        place.start()
        for name in names:
            status = place.until(name)
            assert (status["phase"], status["log"]["complete"]) == ("Succeeded", True)
            assert place.output(name) == "".join(f"tick {number}\n" for number in range(1, 601))
            assert sum(frame.stream == frames.END for frame in place.frames(name)) == 1
    finally:
        place.remove()
