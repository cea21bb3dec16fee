"""What others do to operations' pods on a real cluster: a side-car, a stricter namespace, a default limit, a more
important pod."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from gitops.objects import quantity
from tests.cluster import addresses
from tests.cluster.cluster import Cluster
from tests.e2e.workplace import Workplace

pytestmark = pytest.mark.e2e

LOCAL: dict[str, Any] = {"image": "worker-tools:1", "imagePullPolicy": "IfNotPresent"}
NODE = addresses.SECOND.name
PROXY = {"name": "proxy", "image": "worker-tools:1", "imagePullPolicy": "IfNotPresent", "command": ["sleep", "600"]}
POOLS: dict[str, dict[str, Any]] = {
    "meshed": {**LOCAL, "podTemplate": {"spec": {"containers": [PROXY]}}},
    "strict": LOCAL,
    "limited": LOCAL,
    "crowded": {
        **LOCAL,
        "retry": {"attempts": 1},
        "allow": {"resources": {"cpu": "500"}},
        "podTemplate": {"spec": {"nodeSelector": {"kubernetes.io/hostname": NODE}}},
    },
}


@pytest.fixture(scope="module")
def place(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workplace]:
    made = Workplace(cluster=cluster, folder=tmp_path_factory.mktemp("others"), pools=POOLS)
    made.install()
    made.start()
    yield made
    made.remove()


def test_a_side_car_that_never_ends_holds_up_nothing(place: Workplace) -> None:
    name = place.submit("echo with a proxy\n", pool="meshed")
    status = place.until(name)
    assert (status["phase"], status["exitCode"], status["log"]["complete"]) == ("Succeeded", 0, True)
    assert place.output(name) == "with a proxy\n"


def test_a_namespace_made_stricter_names_pod_security(place: Workplace) -> None:
    label = "pod-security.kubernetes.io/enforce=restricted"
    place.cluster.kubectl("label", "namespace", place.operations_namespace("strict"), label, "--overwrite")
    status = place.until(place.submit("true\n", pool="strict"))
    assert (status["phase"], status["reason"]) == ("Failed", "PodSecurityRefused"), status
    assert 'violates PodSecurity "restricted' in status["message"]


def test_a_default_limit_below_the_request_names_the_limit_range(place: Workplace) -> None:
    namespace = place.operations_namespace("limited")
    limits = {"limits": [{"type": "Container", "default": {"cpu": "50m"}, "defaultRequest": {"cpu": "10m"}}]}
    metadata = {"name": "small", "namespace": namespace}
    place.apply([{"apiVersion": "v1", "kind": "LimitRange", "metadata": metadata, "spec": limits}])
    status = place.until(place.submit("true\n", pool="limited"))
    assert (status["phase"], status["reason"]) == ("Failed", "LimitRangeRefused"), status
    assert f"a LimitRange of {namespace} set the limit" in status["message"]


def test_a_more_important_pod_takes_the_place_and_is_named(place: Workplace) -> None:
    kubectl, namespace = place.cluster.kubectl, place.operations_namespace("crowded")
    node = place.cluster.get("node", NODE)
    cores = quantity.parse(node["status"]["allocatable"]["cpu"])
    assert cores is not None
    most = f"{int(cores * 600)}m"
    name = place.submit("sleep 300\n", pool="crowded", resources={"requests": {"cpu": most}})
    place.until(name, {"Running"})
    important = {
        "apiVersion": "scheduling.k8s.io/v1",
        "kind": "PriorityClass",
        "metadata": {"name": place.namespace},
        "value": 1000,
    }
    container = {**PROXY, "resources": {"requests": {"cpu": most}}}
    spec = {
        "priorityClassName": place.namespace,
        "nodeSelector": {"kubernetes.io/hostname": NODE},
        "containers": [container],
        "terminationGracePeriodSeconds": 0,
    }
    rival = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "rival", "namespace": namespace}, "spec": spec}
    place.apply([important])
    try:
        kubectl("create", "-f", "-", stdin=json.dumps(rival))
        status = place.until(name, seconds=90)
    finally:
        kubectl("delete", "priorityclass", place.namespace, "--wait=false")
        kubectl("delete", "pod", "rival", "-n", namespace, "--ignore-not-found", "--wait=false")
    assert (status["phase"], status["reason"]) == ("Failed", "Preempted"), status
    assert "a pod of higher priority took its place" in status["message"]
