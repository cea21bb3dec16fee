"""One engine behind a port: a front door that keeps what it is told itself costs the cluster three requests."""

from __future__ import annotations

from collections import Counter

from gitops.testing.frontdoor import FakeFrontDoor
from gitops.testing.server import FakeServer
from tests.unit.worker.kubelet import HOME, OPS, Cluster, Pod, rest, stop

HOW_MANY = 20


async def echo(pod: Pod) -> None:
    await pod.cluster.clock.sleep(1)
    await pod.run()
    pod.say("hello")
    await pod.cluster.clock.sleep(2)
    await pod.end()


async def test_a_door_that_acknowledges_itself_costs_three_requests_an_operation() -> None:
    cluster = Cluster()
    cluster.behaviour = echo
    await cluster.furnish(maxOperations=HOW_MANY)
    door = cluster.door = FakeFrontDoor(FakeServer(cluster.clock, (HOME,)), HOME)
    task = cluster.start()
    await cluster.pass_time(1)
    cluster.objects.calls.clear()
    made = [door.submit(f"build-{number}", {"pool": "linux", "script": "echo hi\n"}) for number in range(HOW_MANY)]
    for _ in range(8):
        await cluster.pass_time(1)
    # The pods' own status writes are the node's; what looks after the pool is not an operation's.
    ours = [call for call in cluster.objects.calls if call.kind == "Pod" and call.verb != "patch_status"]
    assert Counter(call.verb for call in ours) == {"create": HOW_MANY, "delete": HOW_MANY}
    assert not [call for call in cluster.objects.calls if call.kind == "Operation"]
    assert len(cluster.logs.reads) == HOW_MANY
    assert (len(ours) + len(cluster.logs.reads)) / HOW_MANY <= 3
    for one in made:
        kept = door.kept(one["metadata"]["name"])
        assert (kept["status"]["phase"], kept["status"]["log"]["complete"]) == ("Succeeded", True)
    await stop(task)


async def test_a_worker_killed_behind_such_a_door_is_replaced() -> None:
    cluster = Cluster()
    cluster.behaviour = echo
    await cluster.furnish()
    door = cluster.door = FakeFrontDoor(FakeServer(cluster.clock, (HOME,)), HOME)
    first = cluster.start("one")
    await cluster.pass_time(1)
    made = door.submit("build", {"pool": "linux", "script": "echo hi\n"})
    await cluster.pass_time(2)
    await stop(first)
    cluster.store.lose()
    second = cluster.start("two")
    for _ in range(8):
        await cluster.pass_time(1)
    kept = door.kept("build")
    assert (kept["status"]["phase"], kept["status"]["reason"]) == ("Succeeded", "Succeeded")
    assert cluster.starts == [f"op-{made['metadata']['uid']}-1"]
    assert cluster.objects.store.get(("", "Pod", OPS, cluster.starts[0])) is None
    await rest()
    await stop(second)
