"""Operations are deleted a while after their end, and never a moment before their pod is gone."""

from __future__ import annotations

import asyncio
import logging

import pytest

from gitops import errors
from gitops.testing.objects import failing
from tests.unit.worker.kubelet import Cluster, Pod, rest


async def echo(pod: Pod) -> None:
    await asyncio.sleep(0)
    await pod.play("hello")


async def begin(cluster: Cluster, ttl: str) -> None:
    cluster.behaviour = echo
    await cluster.furnish(ttlAfterFinished=ttl)
    cluster.start()
    await rest()


@pytest.mark.parametrize(
    ("pool", "own", "after"),
    [("", "1m", 60), ("10m", "", 600), ("10m", "1m", 60), ("1m", "10m", 600), ("", "", None), ("", "0s", 0)],
)
async def test_the_operations_own_time_then_its_pools(pool: str, own: str, after: int | None) -> None:
    cluster = Cluster()
    await begin(cluster, pool)
    made = await cluster.submit(**({"ttlAfterFinished": own} if own else {}))
    passed = 0
    while await cluster.operation() is not None and passed < 1000:
        await cluster.pass_time(10)
        passed += 10
    assert passed == 1000 if after is None else after <= passed <= after + 20
    # The log outlives the object.
    assert len(cluster.log(made["metadata"]["uid"])) == 2


async def test_only_the_worker_of_the_pool_deletes_and_only_what_ended() -> None:
    cluster = Cluster()
    await begin(cluster, "10s")
    await cluster.make("WorkerPool", "other", spec={"image": "busybox:1", "ttlAfterFinished": "10s"})
    await cluster.submit("theirs", pool="other")
    await cluster.objects.patch_status(
        await cluster.kind("Operation"),
        "ci",
        "theirs",
        {"status": {"phase": "Succeeded", "finishedAt": "2020-01-01T00:00:00Z"}},
    )
    cluster.behaviour = None
    await cluster.submit("waits", ttlAfterFinished="1s")
    for _ in range(6):
        await cluster.pass_time(10)
    assert await cluster.operation("theirs") is not None
    assert await cluster.operation("waits") is not None


async def test_without_the_right_it_is_said_once_and_work_goes_on(caplog: pytest.LogCaptureFixture) -> None:
    cluster = Cluster()
    denied = errors.ClusterDenied("may not delete")
    cluster.objects.before.append(failing(denied, verb="delete", kind="Operation", times=1000))
    with caplog.at_level(logging.WARNING):
        await begin(cluster, "10s")
        await cluster.submit()
        for _ in range(6):
            await cluster.pass_time(10)
    assert [record.message for record in caplog.records if "time is over" in record.message] == [
        "operations whose time is over cannot be deleted: may not delete"
    ]
    await cluster.submit("next")
    await cluster.pass_time(2)
    assert (await cluster.status("next"))["phase"] == "Succeeded"
