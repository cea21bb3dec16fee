"""Commands in real containers, and the past of real pods."""

from __future__ import annotations

import asyncio
import json

import pytest

from gitops import errors
from gitops.cluster import connect, load
from gitops.ports.objects import DeleteOptions
from tests.cluster.cluster import Cluster

pytestmark = pytest.mark.e2e


def make(cluster: Cluster, namespace: str, name: str) -> None:
    container = {"name": "main", "image": "busybox:1", "imagePullPolicy": "IfNotPresent", "command": ["sleep", "60"]}
    spec = {"containers": [container], "restartPolicy": "Never", "terminationGracePeriodSeconds": 0}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec}
    cluster.kubectl("create", "-n", namespace, "-f", "-", stdin=json.dumps(pod))
    cluster.kubectl("wait", "-n", namespace, f"pod/{name}", "--for=condition=Ready", "--timeout=60s")


async def test_a_command_in_a_container(cluster: Cluster, namespace: str) -> None:
    make(cluster, namespace, "one")
    async with connect(load(kubeconfig=str(cluster.kubeconfig)), component="test") as connection:
        run = connection.exec.run
        output = b"".join([part async for part in run(namespace, "one", "main", ["seq", "50000"])])
        assert output == b"".join(b"%d\n" % number for number in range(1, 50001))
        with pytest.raises(errors.ClusterUnavailable, match=r"exit code 3: no$"):
            _ = [part async for part in run(namespace, "one", "main", ["sh", "-c", "echo no >&2; exit 3"])]
        with pytest.raises(errors.ObjectMissing):
            _ = [part async for part in run(namespace, "two", "main", ["true"])]


async def test_a_deleted_pod_is_remembered(cluster: Cluster, namespace: str) -> None:
    async with connect(load(kubeconfig=str(cluster.kubeconfig)), component="test") as connection:
        pods = await connection.objects.resource("v1", "Pod")
        accounts = await connection.objects.resource("v1", "ServiceAccount")
        # Any object's version will do as a point in time.
        account = await connection.objects.get(accounts, namespace, "default")
        assert account is not None
        begun = account["metadata"]["resourceVersion"]
        make(cluster, namespace, "one")
        assert (await connection.history.deleted(pods, namespace, "one", since=begun)).last is None
        await connection.objects.delete(pods, namespace, "one", options=DeleteOptions(grace_seconds=0))
        while await connection.objects.get(pods, namespace, "one") is not None:  # noqa: ASYNC110 - no event to wait for
            await asyncio.sleep(0.1)
        past = await connection.history.deleted(pods, namespace, "one", since=begun)
        assert past.known
        assert past.last is not None
        assert past.last["metadata"]["name"] == "one"
        assert await connection.history.deleted(pods, namespace, "two", since=begun) == type(past)(known=True)
        assert not (await connection.history.deleted(pods, namespace, "one", since="1")).known
        after = past.last["metadata"]["resourceVersion"]
        assert (await connection.history.deleted(pods, namespace, "one", since=after)).last is None
