"""An attempt that the infrastructure failed is followed by another one, through kills and beside others."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from gitops import errors
from gitops.testing.objects import Call
from tests.unit.worker.kubelet import OPS, Cluster, Pod, rest, stop

REJECTED = {"phase": "Failed", "reason": "OutOfcpu", "message": "Node didn't have enough resource: cpu"}


async def unlucky(pod: Pod) -> None:
    """The first node takes the pod not; the second one runs it."""
    await asyncio.sleep(0)
    await pod.bind()
    if pod.name.endswith("-1"):
        await pod.status(**REJECTED)
    else:
        await pod.play("hello")


async def begin(cluster: Cluster, **spec: Any) -> str:
    await cluster.furnish(retry={"attempts": 3, "delay": "10s"})
    cluster.start()
    await rest()
    made = await cluster.submit(**spec)
    await cluster.pass_time(2)
    return str(made["metadata"]["uid"])


async def test_what_provably_never_started_is_started_again_after_a_pause() -> None:
    cluster = Cluster()
    cluster.behaviour = unlucky
    uid = await begin(cluster)
    status = await cluster.status()
    assert (status["phase"], status["reason"]) == ("Queued", "Retrying")
    assert not {"claim", "podUid", "node", "startedAt"} & status.keys()
    assert status["message"] == (
        "attempt 1 ended: the cluster ended the pod: Node didn't have enough resource: cpu; "
        "the next one follows after 10 s"
    )
    assert cluster.starts == [f"op-{uid}-1"]
    for _ in range(3):
        await cluster.pass_time(5)
    status = await cluster.status()
    assert (status["phase"], status["claim"]["attempt"], status["log"]["complete"]) == ("Succeeded", 2, True)
    (before,) = status["attempts"]
    assert (before["number"], before["pod"], before["reason"]) == (1, f"op-{uid}-1", "OutOfcpu")
    assert "started" not in before
    assert cluster.starts == [f"op-{uid}-1", f"op-{uid}-2"]
    assert [line[:9] for line in cluster.log(f"{uid}-2")] == [b"1|o|0|hel", b'2|x|0|{"v']
    told = [happening.reason for ref, happening in cluster.events.told if ref.kind == "Operation"]
    assert told == ["Retrying"]
    assert not [address for address, _ in cluster.objects.store.all() if address[1] == "Pod"]


async def evicted(pod: Pod) -> None:
    """The first attempt is evicted while its script runs."""
    await asyncio.sleep(0)
    await pod.bind()
    await pod.run()
    pod.say("begun")
    if pod.name.endswith("-1"):
        state = {"terminated": {"exitCode": 137, "startedAt": "2026-01-01T00:00:05Z", "reason": "Error"}}
        pod.cluster.logs.end(OPS, pod.name, "operation")
        await pod.status(
            phase="Failed",
            reason="Evicted",
            message="The node was low on resource: memory.",
            containerStatuses=[{"name": "operation", "state": state}],
        )
    else:
        await pod.end()


@pytest.mark.parametrize("idempotent", [True, False])
async def test_what_began_is_begun_again_only_if_it_says_so(*, idempotent: bool) -> None:
    cluster = Cluster()
    cluster.behaviour = evicted
    uid = await begin(cluster, idempotent=idempotent)
    for _ in range(12):
        await cluster.pass_time(5)
    status = await cluster.status()
    if idempotent:
        assert (status["phase"], len(cluster.starts)) == ("Succeeded", 2)
        assert status["attempts"][0]["started"] is True
        # Each attempt has a log of its own: nothing of the first one is lost or mixed up.
        assert [line[:9] for line in cluster.log(uid)] == [b"1|o|0|beg"]
        assert [line[:9] for line in cluster.log(f"{uid}-2")] == [b"1|o|0|beg", b'2|x|0|{"v']
    else:
        assert (status["phase"], status["reason"], len(cluster.starts)) == ("Failed", "Evicted", 1)


async def test_a_retried_one_has_not_waited_in_the_queue_since_its_birth() -> None:
    cluster = Cluster()

    async def late(pod: Pod) -> None:
        await asyncio.sleep(0)
        await pod.bind()
        await pod.cluster.clock.sleep(100)
        await (pod.status(**REJECTED) if pod.name.endswith("-1") else pod.play("hello"))

    cluster.behaviour = late
    await cluster.furnish(timeouts={"queued": "1m"})
    cluster.start()
    await rest()
    await cluster.submit()
    for _ in range(60):
        await cluster.pass_time(5)
    assert (await cluster.status())["phase"] == "Succeeded"


@pytest.mark.parametrize("carried_out", [True, False])
@pytest.mark.parametrize("nth", range(1, 9))
async def test_a_worker_dies_at_any_request_of_a_retried_operation(nth: int, *, carried_out: bool) -> None:
    cluster = Cluster()
    cluster.behaviour = unlucky
    await cluster.furnish()
    first = cluster.start("one")
    await rest()
    made = await cluster.submit()
    uid, seen = made["metadata"]["uid"], [0]

    def die(call: Call) -> None:
        relevant = call.kind in {"Operation", "Pod"} and call.verb in {"patch_status", "create", "delete"}
        if not relevant or (call.kind, call.verb) == ("Pod", "patch_status") or first.done() or first.cancelling():
            return
        seen[0] += 1
        if seen[0] == nth:
            first.cancel()
            error = errors.ClusterUnavailable("the process died")
            error.ambiguous = True
            raise error

    (cluster.objects.after if carried_out else cluster.objects.before).append(die)
    for _ in range(6):
        await cluster.pass_time(5)
    if first.done():
        cluster.store.lose()
        cluster.start("two")
    # A create that may still be under way keeps the name of its pod for a minute.
    for _ in range(28):
        await cluster.pass_time(5)
    status = await cluster.status()
    assert status["phase"] == "Succeeded"
    assert cluster.starts == [f"op-{uid}-1", f"op-{uid}-2"]
    assert len(status["attempts"]) == 1
    assert not [address for address, _ in cluster.objects.store.all() if address[1] == "Pod"]


async def test_two_processes_that_see_the_same_end_make_one_further_attempt() -> None:
    cluster = Cluster()
    cluster.behaviour = unlucky
    await cluster.furnish()
    tasks = [cluster.start("one"), cluster.start("two")]
    await rest()
    made = await cluster.submit()
    uid = made["metadata"]["uid"]
    for _ in range(8):
        await cluster.pass_time(5)
    status = await cluster.status()
    assert (status["phase"], len(status["attempts"])) == ("Succeeded", 1)
    assert cluster.starts == [f"op-{uid}-1", f"op-{uid}-2"]
    for task in tasks:
        await stop(task)
