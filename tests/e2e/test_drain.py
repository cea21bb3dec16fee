"""A node is emptied while an operation runs on it: the budget holds for `drain.maxWait`, then the operation is evicted.

The node is not cordoned, for others use it too: it gets the mark an autoscaler would set, without its effect.
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Iterator
from typing import Any

import pytest

from gitops.api import names
from tests.cluster.cluster import Cluster
from tests.cluster.errors import GroundError
from tests.e2e.workplace import Workplace

pytestmark = pytest.mark.e2e

POOLS: dict[str, dict[str, Any]] = {
    "patient": {"image": "busybox:1", "imagePullPolicy": "IfNotPresent"},
    "hasty": {"image": "busybox:1", "imagePullPolicy": "IfNotPresent", "drain": {"maxWait": "5s"}},
}
TAINT = "karpenter.sh/disrupted"
LOOKS = 75
"""Seconds in which the worker has looked at the node twice."""


@pytest.fixture(scope="module")
def place(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workplace]:
    made = Workplace(cluster=cluster, folder=tmp_path_factory.mktemp("worker"), pools=POOLS)
    made.install()
    made.start()
    yield made
    made.remove()


def evict(place: Workplace, namespace: str, pod: str) -> str:
    """What the API server says to an eviction; empty if it is done."""
    body = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": pod, "namespace": namespace}}
    path = f"/api/v1/namespaces/{namespace}/pods/{pod}/eviction"
    try:
        place.cluster.kubectl("create", "--raw", path, "-f", "-", stdin=json.dumps(body))
    except GroundError as error:
        return str(error)
    return ""


def running(place: Workplace, pool: str) -> tuple[str, str, str]:
    """An operation that runs: its name, its pod and the node."""
    name = place.submit("trap 'echo told; exit 7' TERM\nwhile :; do sleep 1; done\n", pool=pool)
    status = place.until(name, {"Running"})
    pod = status["claim"]["pod"]
    namespace = place.operations_namespace(pool)
    node = place.cluster.kubectl("get", "pod", pod, "-n", namespace, "-o", "jsonpath={.spec.nodeName}")
    return name, pod, node.strip()


def protected(place: Workplace, namespace: str, pod: str) -> bool:
    found = json.loads(place.cluster.kubectl("get", "pod", pod, "-n", namespace, "-o", "json"))
    return names.PROTECTED in found["metadata"]["labels"]


def await_budget(place: Workplace, namespace: str) -> None:
    """The disruption controller has seen the pod."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        budget = json.loads(place.cluster.kubectl("get", "pdb", "operations", "-n", namespace, "-o", "json"))
        status = budget.get("status") or {}
        if status.get("currentHealthy") == 1 and status.get("disruptionsAllowed") == 0:
            return
        time.sleep(0.2)
    pytest.fail(f"the budget of {namespace} has not seen the pod: {budget}")


def test_work_is_not_evicted_until_the_wait_is_over(place: Workplace) -> None:
    patient, hasty = (place.operations_namespace(pool) for pool in ("patient", "hasty"))
    staying, kept, _ = running(place, "patient")
    leaving, lost, node = running(place, "hasty")
    await_budget(place, patient)
    await_budget(place, hasty)
    assert "disruption budget" in evict(place, hasty, lost)
    taint = f"{TAINT}={secrets.token_hex(3)}:PreferNoSchedule"
    place.cluster.kubectl("taint", "node", node, taint)
    try:
        deadline = time.monotonic() + LOOKS
        while protected(place, hasty, lost):
            assert time.monotonic() < deadline, place.told()
            time.sleep(1)
    finally:
        place.cluster.kubectl("taint", "node", node, f"{taint}-")
    assert evict(place, hasty, lost) == ""
    status = place.until(leaving)
    assert (status["phase"], status["reason"]) == ("Failed", "Evicted")
    assert "told" in place.output(leaving).split("\n")
    assert protected(place, patient, kept)
    assert "disruption budget" in evict(place, patient, kept)
    assert place.status(staying)["phase"] == "Running"
    place.cluster.kubectl("delete", "operation", staying, "-n", place.namespace, "--wait=false")
