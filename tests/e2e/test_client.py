"""Streams out of real pods: logs, and ports that only the pod itself can reach."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from gitops import cluster as client
from gitops import errors
from gitops.cluster.podlogs import PODS
from gitops.objects import Manifest
from tests.cluster.cluster import Cluster

pytestmark = pytest.mark.e2e
PATIENCE = 60
LINES = 5000
PROGRAM = f"""
import http.server, threading, time
for number in range({LINES}):
    print(number, "x" * 60)
print("end", flush=True)

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        for number in range(3):
            self.wfile.write(b"%d %s\\n" % (number, self.path.encode()))
            self.wfile.flush()
            time.sleep(0.2)
        self.wfile.write(b"y" * 1_000_000)

    def log_message(self, *_): pass

server = http.server.ThreadingHTTPServer(("127.0.0.1", 8081), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
time.sleep(60)
"""


@pytest.fixture
async def connected(cluster: Cluster) -> AsyncIterator[client.Cluster]:
    config = client.load(kubeconfig=str(cluster.kubeconfig))
    async with client.connect(config, component="e2e") as made:
        yield made


def pod(namespace: str) -> Manifest:
    container = {
        "name": "c",
        "image": "worker-tools:1",
        "imagePullPolicy": "IfNotPresent",
        "command": ["python3", "-c", PROGRAM],
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "talker", "namespace": namespace},
        "spec": {"restartPolicy": "Never", "terminationGracePeriodSeconds": 0, "containers": [container]},
    }


async def running(connected: client.Cluster, namespace: str) -> None:
    await connected.objects.create(PODS, pod(namespace))
    async with asyncio.timeout(PATIENCE):
        while True:
            found = await connected.objects.get(PODS, namespace, "talker")
            assert found
            if found["status"]["phase"] == "Running":
                return
            await asyncio.sleep(0.2)


async def log_until(connected: client.Cluster, namespace: str, end: bytes) -> bytes:
    log = b""
    async with asyncio.timeout(PATIENCE):
        async for chunk in connected.logs.read(namespace, "talker", "c"):
            log += chunk
            if log.endswith(end):
                break
    return log


async def test_streams_out_of_a_pod(connected: client.Cluster, namespace: str, cluster: Cluster) -> None:
    await running(connected, namespace)
    log = await log_until(connected, namespace, b"end\n")
    assert [int(line.split()[0]) for line in log.splitlines()[:-1]] == list(range(LINES))
    # The program listens soon after its last line: asked too early, nobody does.
    async with asyncio.timeout(PATIENCE):
        while True:
            try:
                await fetched(connected, namespace)
                break
            except errors.ClusterUnavailable as refused:
                assert "connection refused" in refused.cause  # noqa: PT017 - any other reason must fail the test
                await asyncio.sleep(0.2)
    async with connected.ports.open(namespace, "talker", 9) as stream:
        with pytest.raises(errors.ClusterUnavailable, match=r"cannot talk to port 9 .*connection refused"):
            await stream.read()
    config = client.load(kubeconfig=str(cluster.viewer))
    async with client.connect(config, component="e2e") as viewer:
        with pytest.raises(errors.ClusterDenied, match="pods/portforward"):
            async with viewer.ports.open(namespace, "talker", 8081):
                pass


async def fetched(connected: client.Cluster, namespace: str) -> None:
    async with connected.ports.fetch(namespace, "talker", 8081, "/logs?follow=1") as answer:
        assert answer.status == 200
        first = await anext(answer.body)
        rest = b"".join([chunk async for chunk in answer.body])
    assert first == b"0 /logs?follow=1\n"
    assert rest == b"1 /logs?follow=1\n2 /logs?follow=1\n" + b"y" * 1_000_000


@pytest.mark.parametrize(("pod_name", "kind"), [("none", errors.ObjectMissing), ("unplaced", errors.ObjectInvalid)])
async def test_streams_that_cannot_be(
    connected: client.Cluster, namespace: str, pod_name: str, kind: type[errors.ClusterError]
) -> None:
    waiting = pod(namespace)
    waiting["metadata"]["name"] = "unplaced"
    waiting["spec"]["nodeSelector"] = {"no": "such-node"}
    await connected.objects.create(PODS, waiting)
    with pytest.raises(kind):
        async with connected.ports.open(namespace, pod_name, 8081):
            pass
