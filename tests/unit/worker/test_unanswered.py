"""A create of a pod that is not answered: another one only when the first can no longer be carried out."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing

import pytest

from gitops import errors
from gitops.objects import Manifest
from gitops.ports.objects import DeleteOptions, Resource
from gitops.ports.watch import Synced, WatchEvent, nobody
from gitops.testing.objects import Call
from gitops.worker.unanswered import UNANSWERED
from tests.unit.worker.kubelet import OPS, Cluster, Pod, end_all


@pytest.fixture
async def cluster() -> AsyncGenerator[Cluster, None]:
    made = Cluster()
    made.behaviour = play
    await made.furnish()
    yield made
    await end_all()


async def play(pod: Pod) -> None:
    await asyncio.sleep(0)
    if pod.cluster.objects.store.get(("", "Pod", OPS, pod.name)) is not None:
        await pod.play("hello")


class Lost:
    """The first create of a pod is not answered; `carry_out` does it late."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self.sent: list[float] = []
        self._pod: Manifest = {}
        cluster.objects.before.append(self._lose)

    def _lose(self, call: Call) -> None:
        if (call.verb, call.kind) != ("create", "Pod"):
            return
        self.sent.append(self._cluster.clock.monotonic())
        if len(self.sent) == 1:
            assert isinstance(call.body, dict)
            self._pod = call.body
            error = errors.ClusterUnavailable("the API server answered 504")
            error.ambiguous = True
            raise error

    async def carry_out(self) -> str:
        made = self._cluster.objects.server.create(await self._cluster.kind("Pod"), self._pod)
        return str(made["metadata"]["name"])


class Blind:
    """A watch that tells nothing of pods after its first list."""

    def __init__(self, cluster: Cluster) -> None:
        self._watch = cluster.watch

    async def watch(
        self, resource: Resource, namespace: str = "", *, labels: str = "", heard: Callable[[], None] = nobody
    ) -> AsyncGenerator[WatchEvent, None]:
        async with aclosing(self._watch.watch(resource, namespace, labels=labels, heard=heard)) as events:
            async for event in events:
                if resource.kind != "Pod" or isinstance(event, Synced):
                    yield event


async def come_and_go(cluster: Cluster, lost: Lost) -> None:
    """The pod is made late, and somebody forces it away between two looks."""
    name = await lost.carry_out()
    cluster.objects.server.delete(await cluster.kind("Pod"), OPS, name, DeleteOptions(grace_seconds=0))


async def until_over(cluster: Cluster) -> tuple[str, str]:
    for _ in range(30):
        await cluster.pass_time(3)
    status = await cluster.status()
    return status["phase"], status["reason"]


async def test_one_that_is_carried_out_late_is_the_attempts_pod(cluster: Cluster) -> None:
    lost = Lost(cluster)
    cluster.start()
    await cluster.submit()
    await cluster.pass_time(UNANSWERED - 10)
    assert (await cluster.status())["reason"] == "CreateUnanswered"
    await lost.carry_out()
    assert await until_over(cluster) == ("Succeeded", "Succeeded")
    assert len(lost.sent) == 1


@pytest.mark.parametrize("remembered", ["deletion", "event", "nothing"])
async def test_one_that_came_and_went_unseen_is_not_sent_again(cluster: Cluster, remembered: str) -> None:
    """As long as the API server knows of its deletion, or anybody said anything of it."""
    lost = Lost(cluster)
    cluster.start(watch=cluster.watch if remembered == "nothing" else Blind(cluster))
    await cluster.submit()
    await cluster.pass_time(UNANSWERED - 10)
    if remembered != "nothing":
        await come_and_go(cluster, lost)
    if remembered != "deletion":
        cluster.history.oldest = 10**9
    if remembered == "event":
        about = {"kind": "Pod", "namespace": OPS, "name": cluster.starts[0]}
        metadata = {"name": "one", "namespace": OPS}
        kind = await cluster.objects.resource("v1", "Event")
        event = {"apiVersion": "v1", "kind": "Event", "metadata": metadata, "involvedObject": about}
        await cluster.objects.create(kind, event)
    phase, reason = await until_over(cluster)
    if remembered == "nothing":
        assert (phase, reason) == ("Succeeded", "Succeeded")
        assert lost.sent[1] - lost.sent[0] >= UNANSWERED
    else:
        assert reason in {"PodDeleted", "PodLost"}
        assert len(lost.sent) == 1
    assert len(cluster.starts) == 1


async def test_after_an_outage_longer_than_events_are_kept_nothing_is_proof(cluster: Cluster) -> None:
    lost, away = Lost(cluster), True

    def outage(call: Call) -> None:
        if away and call.kind == "Pod":
            raise errors.ClusterUnavailable("connection refused")

    cluster.start()
    await cluster.submit()
    await cluster.pass_time(1)
    cluster.objects.before.append(outage)
    for _ in range(60):
        await cluster.pass_time(60)
    away = False
    cluster.history.oldest = 10**9
    assert await until_over(cluster) == ("Unknown", "PodLost")
    assert len(lost.sent) == 1


async def test_a_cancel_waits_for_what_may_still_come(cluster: Cluster) -> None:
    lost = Lost(cluster)
    cluster.start()
    await cluster.submit()
    await cluster.pass_time(5)
    found = await cluster.operation()
    assert found is not None
    found["metadata"]["annotations"] = {"gitops-worker.io/cancel": "by the test"}
    await cluster.objects.replace(await cluster.kind("Operation"), found)
    await cluster.pass_time(UNANSWERED - 20)
    assert (await cluster.status())["phase"] == "Starting"
    assert await until_over(cluster) == ("Cancelled", "Cancelled")
    assert len(lost.sent) == 1


async def test_a_claim_is_asked_for_again_before_a_create_that_is_late(cluster: Cluster) -> None:
    """Rights that are missing for a while: meanwhile somebody else has claimed the operation."""
    sent: list[float] = []

    def deny(call: Call) -> None:
        if (call.verb, call.kind) == ("create", "Pod"):
            sent.append(cluster.clock.monotonic())
            raise errors.ClusterDenied("cannot create pods", cause="User cannot create resource pods")

    cluster.objects.before.append(deny)
    cluster.start()
    await cluster.submit()
    await cluster.pass_time(3)
    claim = (await cluster.status())["claim"]
    content = {"status": {"claim": {**claim, "worker": "another"}}}
    cluster.objects.server.patch_status(await cluster.kind("Operation"), "ci", "build", content)
    before = cluster.clock.monotonic()
    for _ in range(8):
        await cluster.pass_time(2)
    assert sent
    assert max(sent) <= before + 10
