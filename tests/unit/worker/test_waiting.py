"""A pod that waits: explained in words within 25 seconds, told as an Event, and given up on with all that is known."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from gitops import errors
from gitops.objects import Manifest
from gitops.testing.objects import failing
from tests.unit.worker.kubelet import OPS, Cluster, Pod, rest, stop

TOO_SMALL = "0/2 nodes are available: 2 Insufficient cpu. preemption: 0/2 nodes are available: 2 No preemption victims."
SCALES = "pod triggered scale-up: [{ibm://acc///cluster1/nodegroup1 1->2 (max: 8)}]"
FULL = "pod didn't trigger scale-up: 3 max node group size reached"


async def unschedulable(pod: Pod) -> None:
    await asyncio.sleep(0)
    waiting = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": TOO_SMALL}
    await pod.status(phase="Pending", conditions=[waiting])


async def furnish(cluster: Cluster, **pool: Any) -> None:
    await cluster.furnish(resources={"requests": {"cpu": "3", "memory": "1Gi"}}, **pool)
    node = await cluster.objects.resource("v1", "Node")
    for name, cpu in (("one", "2"), ("two", "4")):
        made = await cluster.objects.create(node, {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name}})
        allocatable = {"cpu": cpu, "memory": "7Gi", "pods": "100"}
        await cluster.objects.patch_status(node, "", made["metadata"]["name"], {"status": {"allocatable": allocatable}})


async def event(cluster: Cluster, reason: str, message: str, when: str) -> None:
    resource = await cluster.objects.resource("v1", "Event")
    (pod,) = (found for address, found in cluster.objects.store.all() if address[1] == "Pod")
    about = {"kind": "Pod", "namespace": OPS, "name": pod["metadata"]["name"], "uid": pod["metadata"]["uid"]}
    metadata = {"name": f"e{cluster.objects.store.revision}", "namespace": OPS}
    body: Manifest = {"apiVersion": "v1", "kind": "Event", "metadata": metadata, "involvedObject": about}
    source = {"component": "cluster-autoscaler"}
    await cluster.objects.create(
        resource, {**body, "reason": reason, "message": message, "lastTimestamp": when, "source": source}
    )


async def begin(cluster: Cluster, **pool: Any) -> asyncio.Task[None]:
    cluster.behaviour = unschedulable
    await furnish(cluster, **pool)
    task = cluster.start()
    await rest()
    await cluster.submit()
    await cluster.pass_time(1)
    return task


async def test_what_it_needs_what_the_nodes_have_and_what_the_autoscaler_says() -> None:
    cluster = Cluster()
    task = await begin(cluster)
    await event(cluster, "NotTriggerScaleUp", FULL, "2026-01-01T00:00:05Z")
    await cluster.pass_time(12)
    status = await cluster.status()
    assert (status["phase"], status["reason"]) == ("Starting", "Unschedulable")
    assert status["message"] == (
        "no node fits (the pod needs cpu 3, memory 1Gi): of 2 nodes, 2 have too little cpu left; "
        "the largest node has cpu 4, memory 7Gi for all its pods together; "
        "the cluster autoscaler adds no node: of its node groups, 3 are at their largest size"
    )
    told = [happening for ref, happening in cluster.events.told if ref.kind == "Operation"]
    assert [(one.reason, one.note, one.severity) for one in told] == [("Unschedulable", status["message"], "Warning")]
    await stop(task)


async def test_a_node_that_comes_gets_the_clock_anew() -> None:
    cluster = Cluster()
    task = await begin(cluster, timeouts={"unschedulable": "1m"})
    await cluster.pass_time(12)
    await event(cluster, "TriggeredScaleUp", SCALES, "2026-01-01T00:00:12Z")
    for _ in range(4):
        await cluster.pass_time(5)
    status = await cluster.status()
    assert status["reason"] == "ScalingUp"
    assert status["message"].endswith("the cluster autoscaler adds nodes: nodegroup1 from 1 to 2 (at most 8)")
    for _ in range(8):
        await cluster.pass_time(5)
    # 73 s after the pod was made: without the promise of a node it would have been given up on.
    assert (await cluster.status())["phase"] == "Starting"
    for _ in range(6):
        await cluster.pass_time(5)
    status = await cluster.status()
    assert (status["phase"], status["reason"]) == ("Failed", "Unschedulable")
    assert "still without the node an autoscaler promised after 60 s" in status["message"]
    assert "nodegroup1 from 1 to 2" in status["message"]
    severities = [happening.severity for ref, happening in cluster.events.told if ref.kind == "Operation"]
    assert severities == ["Warning", "Normal", "Warning"]
    await stop(task)


async def prepared(pod: Pod) -> None:
    await asyncio.sleep(0)
    await pod.bind()
    await pod.container(waiting={"reason": "ContainerCreating"})


async def prepare(cluster: Cluster) -> asyncio.Task[None]:
    """A worker, and an operation whose pod its node prepares."""
    cluster.behaviour = prepared
    await cluster.furnish()
    task = cluster.start()
    await rest()
    await cluster.submit()
    await cluster.pass_time(1)
    return task


async def test_a_volume_that_cannot_be_mounted_is_named_and_given_up_on() -> None:
    cluster = Cluster()
    task = await prepare(cluster)
    words = 'MountVolume.SetUp failed for volume "gitops-files-0" : secret "deploy" not found'
    await event(cluster, "FailedMount", words, "2026-01-01T00:00:05Z")
    for _ in range(12):
        await cluster.pass_time(5)
    status = await cluster.status()
    assert (status["phase"], status["reason"]) == ("Starting", "VolumeNotMounted")
    assert status["message"] == f"{words} in namespace {OPS}"
    told = [happening for ref, happening in cluster.events.told if ref.kind == "Operation"]
    assert [(one.reason, one.severity) for one in told] == [("VolumeNotMounted", "Warning")]
    for _ in range(14):
        await cluster.pass_time(5)
    status = await cluster.status()
    assert (status["phase"], status["reason"]) == ("Finishing", "VolumeNotMounted")
    await stop(task)


async def test_a_volume_that_comes_after_all_is_no_trouble_any_more() -> None:
    cluster = Cluster()
    task = await prepare(cluster)
    await event(cluster, "FailedMount", 'configmap "site" not found', "2026-01-01T00:00:05Z")
    for _ in range(14):
        await cluster.pass_time(5)
    assert (await cluster.status())["reason"] == "VolumeNotMounted"
    await event(cluster, "Pulling", 'Pulling image "x"', "2026-01-01T00:01:12Z")
    for _ in range(14):
        await cluster.pass_time(5)
    status = await cluster.status()
    assert (status["phase"], status["reason"]) == ("Starting", "ContainerCreating")
    await stop(task)


async def test_a_hundred_that_wait_ask_for_the_nodes_once_and_give_way_over_time() -> None:
    cluster = Cluster()
    cluster.behaviour = unschedulable
    await furnish(cluster, maxOperations=100, timeouts={"unschedulable": "10m"})
    task = cluster.start()
    await rest()
    for number in range(100):
        await cluster.submit(f"build-{number}")
    cluster.objects.calls.clear()
    await cluster.pass_time(1)
    await cluster.pass_time(11)
    lists = [call.kind for call in cluster.objects.calls if call.verb == "list"]
    assert (lists.count("Node"), lists.count("Event")) == (1, 100)
    cluster.objects.calls.clear()
    for _ in range(60):
        await cluster.pass_time(5)
    lists = [call.kind for call in cluster.objects.calls if call.verb == "list"]
    # After 15, 55, 175 and 295 seconds more: an explanation is looked for ever less often.
    assert lists.count("Event") == 400
    assert not [call for call in cluster.objects.calls if call.verb == "patch_status" and call.kind == "Operation"]
    await stop(task)


async def test_without_the_right_to_look_there_are_still_the_schedulers_words() -> None:
    cluster = Cluster()
    denied = errors.ClusterDenied("may not list")
    cluster.objects.before += [failing(denied, verb="list", kind=kind, times=100) for kind in ("Node", "Event")]
    task = await begin(cluster)
    await cluster.pass_time(12)
    assert (await cluster.status())["message"] == (
        "no node fits (the pod needs cpu 3, memory 1Gi): of 2 nodes, 2 have too little cpu left"
    )
    await stop(task)


@pytest.mark.parametrize(
    ("code", "cancel", "told"),
    [(0, False, []), (3, False, [("ScriptFailed", "Warning")]), (0, True, [("Cancelled", "Normal")])],
)
async def test_an_end_is_an_event_unless_all_is_well(*, code: int, cancel: bool, told: list[tuple[str, str]]) -> None:
    cluster = Cluster()

    async def echo(pod: Pod) -> None:
        await asyncio.sleep(0)
        await pod.play("hello", code=code)

    if not cancel:
        cluster.behaviour = echo
    await cluster.furnish()
    task = cluster.start()
    await rest()
    await cluster.submit()
    await cluster.pass_time(1)
    if cancel:
        await cluster.delete("Pod", next(iter(cluster.pods)), OPS) if code else None
        operation = await cluster.operation()
        assert operation is not None
        operation["metadata"]["annotations"] = {"gitops-worker.io/cancel": "by the test"}
        await cluster.objects.replace(await cluster.kind("Operation"), operation)
    await cluster.pass_time(1)
    found = [
        (happening.reason, happening.severity) for ref, happening in cluster.events.told if ref.kind == "Operation"
    ]
    assert found == told
    await stop(task)


async def test_a_pool_that_becomes_ready_or_not_is_an_event() -> None:
    cluster = Cluster()
    await cluster.furnish()
    task = cluster.start()
    await cluster.pass_time(2)
    await cluster.delete("ServiceAccount", "linux", OPS)
    for _ in range(3):
        await cluster.pass_time(300)
    told = [(ref.kind, happening.reason, happening.severity) for ref, happening in cluster.events.told]
    assert told == [
        ("WorkerPool", "Ready", "Normal"),
        ("Worker", "Serving", "Normal"),
        ("WorkerPool", "AccountMissing", "Warning"),
        ("Worker", "PoolsNotReady", "Warning"),
    ]
    await stop(task)
