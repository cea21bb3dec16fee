"""What the cluster does to operations and what it refuses, told in words: real nodes, kubectl as people use it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.cluster.cluster import Cluster
from tests.e2e.workplace import Workplace

pytestmark = pytest.mark.e2e

LOCAL: dict[str, Any] = {"image": "busybox:1", "imagePullPolicy": "IfNotPresent"}
ABSENT = {"volumes": [{"name": "absent", "secret": {"secretName": "absent"}}]}
MOUNT = {"containers": [{"name": "operation", "volumeMounts": [{"name": "absent", "mountPath": "/absent"}]}]}
POOLS: dict[str, dict[str, Any]] = {
    "linux": {**LOCAL, "retry": {"delay": "1s"}, "allow": {"resources": {"cpu": "500", "memory": "1Gi"}}},
    # Its pods are placed and never get further: their container is never made.
    "stuck": {**LOCAL, "retry": {"delay": "1s"}, "podTemplate": {"spec": {**ABSENT, **MOUNT}}},
    "other": {**LOCAL, "serviceAccount": {"create": False, "name": "absent"}},
    "limited": LOCAL,
}


TAINT = "example.com/leave"


@pytest.fixture(scope="module")
def place(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workplace]:
    made = Workplace(cluster=cluster, folder=tmp_path_factory.mktemp("recover"), pools=POOLS)
    made.install()
    made.start()
    yield made
    made.remove()


def eventually(found: Callable[[], bool], what: str, place: Workplace, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not found():
        assert time.monotonic() < deadline, f"{what}\n{place.told()}"
        time.sleep(0.3)


def reasons(place: Workplace, name: str) -> set[str]:
    """The Events of an operation, as `kubectl events` shows them."""
    listed = json.loads(
        place.cluster.kubectl(
            "get", "events", "-n", place.namespace, "-o", "json", "--field-selector", f"involvedObject.name={name}"
        )
    )
    return {item["reason"] for item in listed["items"]}


def test_a_person_creates_waits_and_reads_with_kubectl(place: Workplace) -> None:
    kubectl = place.cluster.kubectl
    spec = {"pool": "linux", "script": "echo hello\n", "ttlAfterFinished": "5s"}
    body = {
        "apiVersion": "gitops-worker.io/v1alpha1",
        "kind": "Operation",
        "metadata": {"generateName": "hello-", "namespace": place.namespace},
        "spec": spec,
    }
    name = kubectl("create", "-f", "-", "-o", "name", stdin=json.dumps(body)).strip()
    kubectl("wait", "-n", place.namespace, name, "--for=condition=Finished", "--timeout=60s")
    assert kubectl("get", "-n", place.namespace, name, "-o", "jsonpath={.status.phase}") == "Succeeded"
    kubectl("wait", "-n", place.namespace, name, "--for=delete", "--timeout=60s")
    assert reasons(place, name.rpartition("/")[2]) == set()


@contextmanager
def driven_out(place: Workplace, *nodes: str) -> Iterator[None]:
    """Nodes that drive every pod out."""
    for node in nodes:
        place.cluster.kubectl("taint", "node", node, f"{TAINT}=now:NoExecute", "--overwrite")
    try:
        yield
    finally:
        for node in nodes:
            place.cluster.kubectl("taint", "node", node, f"{TAINT}-")


def test_what_never_started_is_started_again_when_its_node_drives_it_out(place: Workplace) -> None:
    kubectl = place.cluster.kubectl
    name = place.submit("echo hello\n", pool="stuck")
    namespace = place.operations_namespace("stuck")
    uid = place.operation(name)["metadata"]["uid"]
    first, second = f"op-{uid}-1", f"op-{uid}-2"

    def node_of(pod: str) -> str:
        said = kubectl("get", "pod", pod, "-n", namespace, "--ignore-not-found", "-o", "jsonpath={.spec.nodeName}")
        return str(said).strip()

    eventually(lambda: bool(node_of(first)), "no node for the first attempt", place)
    time.sleep(1)
    with driven_out(place, node_of(first)):
        eventually(lambda: bool(node_of(second)), "no second attempt", place, 90)
    found = place.status(name)
    (before,) = found["attempts"]
    assert (before["number"], before["pod"], before["reason"]) == (1, first, "NodeTainted")
    assert "started" not in before
    assert found["claim"]["attempt"] == 2
    eventually(lambda: "Retrying" in reasons(place, name), "no Event", place)
    kubectl("annotate", "operations.gitops-worker.io", name, "-n", place.namespace, "gitops-worker.io/cancel=enough")
    assert place.until(name)["phase"] == "Cancelled"


def test_an_idempotent_one_is_begun_again_and_another_is_not(place: Workplace) -> None:
    script = "case $(hostname) in *-1) echo first; sleep 300;; *) echo again;; esac\n"
    names = {idempotent: place.submit(script, idempotent=idempotent) for idempotent in (True, False)}
    for name in names.values():
        place.until(name, {"Running"})
    with driven_out(place, "node1", "node2"):
        ended = place.until(names[False], seconds=90)
        eventually(lambda: "attempts" in place.status(names[True]), "no end of the first attempt", place)
    assert (ended["phase"], ended["reason"]) == ("Failed", "NodeTainted")
    again = place.until(names[True], seconds=120)
    assert (again["phase"], again["claim"]["attempt"]) == ("Succeeded", 2)
    assert again["attempts"][0]["started"] is True


def test_what_no_node_can_hold_says_what_it_needs_and_what_they_have(place: Workplace) -> None:
    name = place.submit("true\n", resources={"requests": {"cpu": "400"}})
    eventually(lambda: place.status(name).get("reason") == "Unschedulable", "not explained", place)
    message = place.status(name)["message"]
    assert message.startswith("no node fits (the pod needs cpu 400"), message
    assert "of 2 nodes, 2 have too little cpu left" in message
    assert "no node is large enough for cpu 400: the largest has" in message
    eventually(lambda: "Unschedulable" in reasons(place, name), "no Event", place)
    place.cluster.kubectl("delete", "operation", name, "-n", place.namespace)


def test_a_limit_range_that_forbids_it_is_named(place: Workplace) -> None:
    namespace = place.operations_namespace("limited")
    least = {"limits": [{"type": "Container", "min": {"memory": "1Gi"}}]}
    metadata = {"name": "least", "namespace": namespace}
    place.apply([{"apiVersion": "v1", "kind": "LimitRange", "metadata": metadata, "spec": least}])
    status = place.until(place.submit("true\n", pool="limited"))
    place.cluster.kubectl("delete", "limitrange", "least", "-n", namespace)
    assert (status["phase"], status["reason"]) == ("Failed", "LimitRangeRefused"), status
    assert "minimum memory usage per Container is 1Gi" in status["message"]


def test_a_quota_is_waited_for(place: Workplace) -> None:
    namespace = place.operations_namespace("limited")
    metadata = {"name": "none", "namespace": namespace}
    quota = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": metadata, "spec": {"hard": {"pods": "0"}}}
    place.apply([quota])
    counted = ("get", "quota", "none", "-n", namespace, "-o", "jsonpath={.status.hard.pods}")
    eventually(lambda: place.cluster.kubectl(*counted) == "0", "the quota is not counted", place)
    name = place.submit("echo at last\n", pool="limited")
    place.until(name, {"Starting"})
    eventually(lambda: place.status(name)["reason"] == "QuotaExceeded", "the quota is not named", place)
    assert place.status(name)["phase"] == "Starting"
    assert "exceeded quota: none" in place.status(name)["message"]
    place.cluster.kubectl("delete", "quota", "none", "-n", namespace)
    assert place.until(name)["phase"] == "Succeeded"


def test_an_account_that_comes_later_is_waited_for_and_named(place: Workplace) -> None:
    name = place.submit("echo hello\n", pool="other")

    path = "jsonpath={.status.conditions[?(@.type=='Ready')].message}"

    def why() -> str:
        return str(place.cluster.kubectl("get", "workerpool", "other", "-n", place.namespace, "-o", path))

    eventually(lambda: "absent does not exist" in why(), "the pool does not say so", place)
    namespace = place.operations_namespace("other")
    metadata = {"name": "absent", "namespace": namespace}
    place.apply([{"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata}])
    assert place.until(name)["phase"] == "Succeeded"
