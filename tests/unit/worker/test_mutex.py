"""Mutexes across worker processes, against a cluster in memory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

import pytest

from tests.unit.worker.kubelet import HOME, OPS, Cluster, Pod, end_all, rest, stop


@pytest.fixture
async def cluster() -> AsyncGenerator[Cluster, None]:
    made = Cluster()
    yield made
    await end_all()


async def hold(pod: Pod) -> None:
    await asyncio.sleep(0)
    await pod.run()


DB = {"mutex": {"name": "db"}}


async def test_the_second_starts_when_the_firsts_pod_is_gone(cluster: Cluster) -> None:
    cluster.behaviour = hold
    await cluster.furnish()
    cluster.start()
    for name in ("a", "b"):
        await cluster.submit(name, **DB)
        await cluster.pass_time(2)
    assert len(cluster.starts) == 1
    await cluster.pods[cluster.starts[0]].end()
    await cluster.pass_time(6)
    assert len(cluster.starts) == 2
    assert (
        cluster.pods[cluster.starts[1]].manifest["metadata"]["annotations"]["gitops-worker.io/mutex"] == "exclusive db"
    )


async def test_a_deleted_operation_keeps_its_mutex_while_its_pod_lives(cluster: Cluster) -> None:
    cluster.behaviour = hold
    await cluster.furnish()
    task = cluster.start()
    await cluster.submit("a", **DB)
    await cluster.pass_time(2)
    await stop(task)
    await cluster.delete("Operation", "a")
    pods = await cluster.kind("Pod")
    # A finalizer stands for a node that does not answer: the pod is asked to end, and does not.
    pod = await cluster.objects.get(pods, OPS, cluster.starts[0])
    assert pod is not None
    pod["metadata"]["finalizers"] = ["test/slow"]
    await cluster.objects.replace(pods, pod)
    cluster.start("two")
    await cluster.submit("b", **DB)
    await cluster.pass_time(10)
    assert len(cluster.starts) == 1
    await cluster.pods[cluster.starts[0]].end()
    await cluster.pass_time(10)
    assert len(cluster.starts) == 2


@pytest.mark.parametrize("order", [("a", "b"), ("b", "a")])
async def test_two_processes_that_claim_at_the_same_time_agree(cluster: Cluster, order: tuple[str, str]) -> None:
    """One process is kept from hearing the other's claim until both have claimed."""
    cluster.behaviour = hold
    await cluster.furnish(maxOperations=10)
    cluster.start("one")
    cluster.start("two")
    await rest()
    await asyncio.gather(*(cluster.submit(name, **DB) for name in order))
    for _ in range(30):
        running = [pod for pod in cluster.pods.values() if await _exists(cluster, pod.name)]
        assert len(running) <= 1
        for pod in running:
            await pod.end()
        await cluster.pass_time(3)
    phases = [(await cluster.status(name))["phase"] for name in order]
    assert phases == ["Succeeded", "Succeeded"]
    assert len(cluster.starts) == len(set(cluster.starts)) == 2


async def test_a_claim_by_another_process_that_came_first_is_given_way_to(cluster: Cluster) -> None:
    cluster.behaviour = hold
    await cluster.furnish()
    cluster.start("one")
    await rest()
    await cluster.submit("b", **DB)
    kind = await cluster.kind("Operation")
    made = await cluster.submit("a", **DB)
    foreign = {
        "phase": "Starting",
        "claim": {"worker": "other", "attempt": 1, "pod": "x", "namespace": OPS, "version": "1", "at": ""},
    }
    await cluster.objects.patch_status(kind, HOME, "a", {"status": foreign})
    await cluster.pass_time(5)
    waiting = await cluster.status("b")
    assert "claim" not in waiting or not waiting["claim"]
    assert cluster.starts == []
    await cluster.objects.patch_status(kind, HOME, "a", {"status": {"phase": "Succeeded"}})
    await cluster.pass_time(6)
    assert [name for name in cluster.starts if made["metadata"]["uid"] not in name] == cluster.starts
    assert len(cluster.starts) == 1


async def _exists(cluster: Cluster, name: str) -> bool:
    return await cluster.objects.get(await cluster.kind("Pod"), OPS, name) is not None
