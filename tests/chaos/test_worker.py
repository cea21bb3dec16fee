"""Faults under a running operation: its log stays whole and its outcome single."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from tests.chaos.proxy import Proxy
from tests.cluster.cluster import Cluster
from tests.e2e.workplace import Workplace

pytestmark = pytest.mark.chaos

POOL = {"image": "worker-tools:1", "imagePullPolicy": "IfNotPresent"}
TICKS = 900
SCRIPT = f"i=0; while [ $i -lt {TICKS} ]; do i=$((i+1)); echo tick $i; sleep 0.01; done\n"


@pytest.fixture
def place(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workplace]:
    made = Workplace(cluster=cluster, folder=tmp_path_factory.mktemp("worker"), pools={"linux": POOL})
    made.install()
    yield made
    made.remove()


def whole(place: Workplace, name: str) -> None:
    status = place.until(name, seconds=90)
    assert (status["phase"], status["log"]["complete"], status["log"]["missing"]) == ("Succeeded", True, 0)
    assert place.output(name) == "".join(f"tick {number}\n" for number in range(1, TICKS + 1))


def test_the_api_server_goes_and_comes_back(place: Workplace) -> None:
    address = urlsplit(place.cluster.server)
    assert address.hostname is not None
    assert address.port is not None
    proxy = Proxy(address.hostname, address.port)
    try:
        place.start(server=f"https://127.0.0.1:{proxy.port}")
        name = place.submit(SCRIPT)
        place.until(name, {"Running"})
        for _ in range(3):
            time.sleep(1)
            proxy.cut()
            time.sleep(1.5)
            proxy.restore()
        whole(place, name)
    finally:
        proxy.close()


def test_the_kubelet_restarts(place: Workplace) -> None:
    place.start()
    name = place.submit(SCRIPT)
    node = place.until(name, {"Running"})["node"]
    with place.cluster.held(node, "kubelet"):
        time.sleep(3)
    whole(place, name)
    place.cluster.await_nodes()


def test_workers_are_killed_one_after_the_other(place: Workplace) -> None:
    process = place.start()
    names = [place.submit(SCRIPT) for _ in range(4)]
    for pause in (0.1, 0.4, 0.9, 1.7, 2.5):
        time.sleep(pause)
        place.end(process, signal.SIGKILL)
        process = place.start()
    for name in names:
        whole(place, name)


def test_two_workers_at_once(place: Workplace) -> None:
    place.start(logs=place.folder / "one")
    place.start(logs=place.folder / "two")
    names = [place.submit("echo begun; sleep 1; echo done\n") for _ in range(8)]
    for name in names:
        assert place.until(name)["phase"] == "Succeeded"
    pods = place.operations_namespace("linux")
    created = [
        event.name
        for event in place.cluster.audit(user=place.user)
        if (event.verb, event.resource, event.subresource, event.code) == ("create", "pods", "", 201)
        and event.namespace == pods
    ]
    assert len(created) == len(names)
