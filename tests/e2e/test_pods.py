"""Commands in real containers, and the past of real pods."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
from collections.abc import AsyncIterator

import pytest

from gitops import errors
from gitops.cluster import connect, load
from gitops.ports.objects import DeleteOptions
from gitops.ports.podexec import exit_code
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


async def test_a_command_gets_a_long_input_and_may_end_before_it(cluster: Cluster, namespace: str) -> None:
    make(cluster, namespace, "one")
    block, taken = os.urandom(65536), 0

    async def blocks(count: int) -> AsyncIterator[bytes]:
        nonlocal taken
        for _ in range(count):
            taken += 1
            yield block

    async def broken() -> AsyncIterator[bytes]:
        yield block
        raise errors.DownloadUnavailable("the source broke")

    async with connect(load(kubeconfig=str(cluster.kubeconfig)), component="test") as connection:
        send, where = connection.exec.send, (namespace, "one", "main")
        digest = hashlib.sha256(block * 320).hexdigest()
        check = f'test "$(head -c {65536 * 320} | sha256sum | cut -c1-64)" = {digest}'
        await send(*where, ["sh", "-c", check], blocks(320))
        with pytest.raises(errors.ClusterUnavailable, match=r"exit code 3: no$") as caught:
            await send(*where, ["sh", "-c", "head -c 6553600 >/dev/null; echo no >&2; exit 3"], blocks(100))
        assert exit_code(caught.value) == 3
        taken = 0
        with pytest.raises(errors.ClusterUnavailable, match=r"exit code 3|the connection broke"):
            await send(*where, ["sh", "-c", "head -c 100000 >/dev/null; sleep 1; exit 3"], blocks(20_000))
        # Who does not read is not sent more than what lies on the way.
        assert taken < 2_000
        with pytest.raises(errors.DownloadUnavailable, match="the source broke"):
            await send(*where, ["sh", "-c", "cat > /tmp/x"], broken())
        with pytest.raises(errors.ObjectMissing):
            await send(namespace, "two", "main", ["true"], blocks(1))


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
