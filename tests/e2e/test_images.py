"""What registries really answer, in the kubelet's words: a definite no fails in 25 s, what may pass is waited for."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cluster import addresses, images
from tests.cluster.cluster import Cluster
from tests.e2e.workplace import Workplace

pytestmark = pytest.mark.e2e

PORT = 5913
CLOSED = 5914
NODE = addresses.FIRST
SHORT = "40s"
PATIENCE = {"timeouts": {"imagePull": SHORT}}
REGISTRY = "registry"


@pytest.fixture(scope="module")
def place(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workplace]:
    pin = {"spec": {"nodeSelector": {"kubernetes.io/hostname": NODE.name}}}
    pool = {
        "image": images.BUSYBOX,
        "allow": {"images": [f"127.0.0.1:{port}/*/*" for port in (PORT, CLOSED)]},
        "podTemplate": pin,
        "maxOperations": 20,
        **PATIENCE,
    }
    made = Workplace(cluster=cluster, folder=tmp_path_factory.mktemp("images"), pools={"linux": pool})
    made.install()
    made.start()
    yield made
    made.remove()


@pytest.fixture(scope="module", autouse=True)
def registry(cluster: Cluster, place: Workplace) -> None:
    program = Path(__file__).with_name("registry.py").read_text()
    answers = {"httpGet": {"host": addresses.LOOPBACK, "port": PORT, "path": "/v2/"}, "periodSeconds": 1}
    container: dict[str, Any] = {
        "name": REGISTRY,
        "image": images.WORKER_TOOLS,
        "command": ["python3", "-c", program, str(PORT)],
        "readinessProbe": answers,
    }
    pod: dict[str, Any] = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": REGISTRY, "namespace": place.namespace},
        "spec": {"hostNetwork": True, "nodeName": NODE.name, "containers": [container]},
    }
    cluster.kubectl("create", "-f", "-", stdin=json.dumps(pod))
    cluster.kubectl("wait", "-n", place.namespace, f"pod/{REGISTRY}", "--for=condition=Ready", "--timeout=60s")


# How the registry answers, and what must stand in the message: its own words, or the client's for them.
REFUSED = {
    "missing": "not found",
    "nobody": "not found",
    "private": "401 Unauthorized",
    "denied": "403 Forbidden",
    "foreign": "no match for platform",
}
PASSING = {"busy": "429 Too Many Requests", "broken": "500 Internal Server Error", "away": "503 Service Unavailable"}


def test_a_definite_no_fails_within_25_seconds_and_what_may_pass_is_waited_for(place: Workplace) -> None:
    def image(how: str) -> str:
        return f"127.0.0.1:{CLOSED if how == 'closed' else PORT}/{how}/tool:1"

    refused = {how: place.submit("true", image=image(how)) for how in REFUSED}
    passing = {how: place.submit("true", image=image(how)) for how in (*PASSING, "closed")}
    statuses = {how: place.until(name) for how, name in refused.items()}
    assert {how: status["reason"] for how, status in statuses.items()} == dict.fromkeys(REFUSED, "ImageRefused")
    for how, words in REFUSED.items():
        assert words in statuses[how]["message"], statuses[how]
        assert image(how) in statuses[how]["message"]
        assert "exitCode" not in statuses[how]
    for how, name in passing.items():
        status = place.status(name)
        assert (status["phase"], status["reason"]) == ("Starting", "ImageUnavailable"), (how, status)
    # Nine pods are made one after the other on this machine; a single one has 25 s from its pod's creation.
    for name in refused.values():
        operation = place.operation(name)
        assert seconds(operation["status"]["claim"]["at"], operation["status"]["finishedAt"]) <= 25, operation
    for how, name in passing.items():
        status = place.until(name, seconds=90)
        assert (status["phase"], status["reason"]) == ("Failed", "ImagePullTimeout"), (how, status)
        assert (PASSING | {"closed": "connection refused"})[how] in status["message"], status


def seconds(begin: str, end: str) -> float:
    layout = "%Y-%m-%dT%H:%M:%SZ"
    return time.mktime(time.strptime(end, layout)) - time.mktime(time.strptime(begin, layout))
