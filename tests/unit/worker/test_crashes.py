"""A worker that dies between any two requests, and anything else that can happen in any order."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from gitops import errors
from gitops.pods import marks
from gitops.ports.objects import Resource
from gitops.ports.watch import Synced, WatchEvent, nobody
from gitops.testing.logstore import FakeLogStore
from gitops.testing.objects import Call
from gitops.testing.store import Stored
from tests.unit.worker.kubelet import Cluster, Pod, end_all, rest, stop

EXAMPLES = int(os.environ.get("GITOPS_FUZZ_EXAMPLES", "12"))
FINAL = {"Succeeded", "Failed", "Cancelled", "Unknown"}


class Watchman:
    """Notes every end that was ever written: there may be one of each operation."""

    def __init__(self, cluster: Cluster) -> None:
        self.ends: dict[str, list[str]] = {}
        cluster.objects.store.listen(self._see)

    def _see(self, change: Stored) -> None:
        if change.address[1] != "Operation" or change.gone:
            return
        phase = (change.object.get("status") or {}).get("phase")
        ends = self.ends.setdefault(change.address[3], [])
        if phase in FINAL and (not ends or ends[-1] != phase):
            ends.append(phase)
        assert not ends or phase == ends[-1], f"after its end the operation became {phase}"


async def slow_echo(pod: Pod) -> None:
    await asyncio.sleep(0)
    await pod.run()
    pod.say("one", "two")
    await pod.cluster.clock.sleep(12)
    pod.say("three")
    await pod.end()


async def clean(cluster: Cluster) -> None:
    await end_all()
    del cluster


def whole(cluster: Cluster, uid: str, count: int) -> None:
    numbers = [int(line.split(b"|")[0]) for line in cluster.log(uid)]
    assert numbers == list(range(1, count + 1))


@pytest.mark.parametrize("carried_out", [True, False])
@pytest.mark.parametrize("nth", range(1, 7))
async def test_a_worker_dies_at_any_request(nth: int, carried_out: bool) -> None:  # noqa: FBT001
    cluster = Cluster()
    watchman = Watchman(cluster)
    cluster.behaviour = slow_echo
    await cluster.furnish()
    first = cluster.start("one")
    await rest()
    made = await cluster.submit()
    seen = [0]

    def die(call: Call) -> None:
        if call.kind not in {"Operation", "Pod"} or call.verb == "get" or first.cancelled() or first.done():
            return
        if call.kind == "Pod" and call.verb == "patch_status":
            return
        seen[0] += 1
        if seen[0] == nth:
            first.cancel()
            error = errors.ClusterUnavailable("the process died")
            error.ambiguous = True
            raise error

    (cluster.objects.after if carried_out else cluster.objects.before).append(die)
    for _ in range(4):
        await cluster.pass_time(4)
    if seen[0] >= nth:
        assert first.done()
        cluster.store.lose()
        cluster.start("two")
    # A create that may still be under way has no second one beside it for a minute.
    for _ in range(24):
        await cluster.pass_time(5)
    status = await cluster.status()
    assert status["phase"] == "Succeeded"
    assert (status["log"]["complete"], status["log"]["lines"]) == (True, 3)
    assert watchman.ends == {"build": ["Succeeded"]}
    assert len(cluster.starts) == 1
    whole(cluster, made["metadata"]["uid"], 4)
    assert cluster.objects.store.get(("", "Pod", "ci-linux-ops", cluster.starts[0])) is None
    await clean(cluster)


@pytest.mark.parametrize("remembered", [True, False])
async def test_a_pod_made_and_deleted_while_no_worker_lived_is_not_made_again(*, remembered: bool) -> None:
    cluster = Cluster()
    cluster.behaviour = slow_echo
    await cluster.furnish()
    first = cluster.start("one")
    await rest()

    def die(call: Call) -> None:
        if call.kind == "Pod" and call.verb == "create":
            first.cancel()

    cluster.objects.after.append(die)
    await cluster.submit()
    await cluster.pass_time(1)
    assert first.done()
    await cluster.delete("Pod", cluster.starts[0], "ci-linux-ops")
    cluster.history.oldest = 0 if remembered else 10**9
    cluster.start("two")
    for _ in range(10):
        await cluster.pass_time(5)
    status = await cluster.status()
    assert (status["phase"], status["reason"]) == ("Unknown", "PodLost")
    assert len(cluster.starts) == 1
    await clean(cluster)


class PodsComeLate:
    """A watch of pods that hangs after its list; the others are as they are."""

    def __init__(self, cluster: Cluster) -> None:
        self._watch = cluster.watch
        self.released = asyncio.Event()

    async def watch(
        self, resource: Resource, namespace: str = "", *, labels: str = "", heard: Callable[[], None] = nobody
    ) -> AsyncGenerator[WatchEvent, None]:
        async with aclosing(self._watch.watch(resource, namespace, labels=labels, heard=heard)) as events:
            async for event in events:
                if resource.kind == "Pod" and not isinstance(event, Synced):
                    await self.released.wait()
                yield event


async def test_a_pod_that_is_heard_of_late_is_not_taken_for_lost() -> None:
    cluster = Cluster()
    watchman = Watchman(cluster)
    cluster.behaviour = slow_echo
    await cluster.furnish()
    late = PodsComeLate(cluster)
    cluster.start("one")
    cluster.start("two", watch=late, store=FakeLogStore(cluster.clock))
    await rest()
    await cluster.submit()
    for _ in range(4):
        await cluster.pass_time(2)
    assert (await cluster.status())["phase"] == "Running"
    late.released.set()
    for _ in range(4):
        await cluster.pass_time(5)
    assert watchman.ends == {"build": ["Succeeded"]}
    await clean(cluster)


async def test_a_clock_that_runs_out_for_one_that_was_taken_over_is_told_by_whose_it_is() -> None:
    cluster = Cluster()
    watchman = Watchman(cluster)

    async def hang(pod: Pod) -> None:
        await asyncio.sleep(0)
        await pod.bind()
        await pod.run()

    cluster.behaviour = hang
    await cluster.furnish(timeouts={"run": "1m"})
    cluster.start("one")
    await rest()
    await cluster.submit()
    await cluster.pass_time(5)
    claim = (await cluster.status())["claim"]
    operations = await cluster.kind("Operation")
    content = {"status": {"claim": {**claim, "worker": "two"}}}
    cluster.objects.server.patch_status(operations, "ci", "build", content)
    for _ in range(60):
        await cluster.pass_time(5)
    await cluster.pods[cluster.starts[0]].end(143, terminated=True)
    await cluster.pass_time(5)
    assert (await cluster.status())["reason"] == "RunTimeout"
    assert watchman.ends == {"build": ["Failed"]}
    await clean(cluster)


STEPS = st.sampled_from(
    [
        "kill",
        "start",
        "say",
        "run",
        "end",
        "oom",
        "reject",
        "evict",
        "interrupt",
        "break",
        "outage",
        "back",
        "cancel",
        "delete-pod",
        "second",
        "wait",
    ]
)


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@example(steps=[("run", 0), ("cancel", 0), ("kill", 0), ("say", 0)], idempotent=False)
@given(steps=st.lists(st.tuples(STEPS, st.integers(0, 12)), min_size=3, max_size=18), idempotent=st.booleans())
def test_property_no_order_of_events_makes_two_starts_or_two_ends(
    steps: list[tuple[str, int]], *, idempotent: bool
) -> None:
    asyncio.run(_story(steps, idempotent=idempotent))


async def _story(steps: list[tuple[str, int]], *, idempotent: bool) -> None:
    cluster = Cluster()
    watchman = Watchman(cluster)
    await cluster.furnish(timeouts={"unschedulable": "1m", "imagePull": "1m", "starting": "1m", "run": "5m"})
    away = [False]

    def outage(call: Call) -> None:
        if away[0] and not (call.kind == "Pod" and call.verb == "patch_status"):
            error = errors.ClusterUnavailable("connection refused")
            error.ambiguous = call.verb != "get"
            raise error

    workers: list[asyncio.Task[None]] = [cluster.start("process-0")]
    made = await cluster.submit(idempotent=idempotent)
    cluster.objects.before.append(outage)
    world = World(cluster, workers, away)
    for step, seconds in steps:
        await world.do(step)
        await cluster.pass_time(seconds)
    away[0] = False
    if all(task.done() for task in workers):
        workers.append(cluster.start("process-last"))
    for _ in range(40):
        await world.do("end")
        await cluster.pass_time(20)
    uid = made["metadata"]["uid"]
    status = await cluster.status()
    assert len(watchman.ends["build"]) == 1, watchman.ends
    assert status["conditions"][0]["reason"] == status["reason"]
    # At most one start an attempt, and another attempt only after one that provably never ran, or if that does no harm.
    assert cluster.starts == [f"op-{uid}-{number}" for number in range(1, len(cluster.starts) + 1)]
    assert len(cluster.starts) <= 3
    if not idempotent:
        assert world.ran <= {f"op-{uid}-{len(cluster.starts)}"}
    for store in world.stores:
        for number in range(1, 4):
            numbers = [frame.seq for frame in store.frames(marks.log_name(uid, number))]
            assert numbers == sorted(set(numbers))
    if status["phase"] == "Succeeded" and not status["log"]["complete"]:
        # Only a pod that is deleted can go before its log was read: while no process was there to read it.
        assert {"cancel", "delete-pod"} & {step for step, _ in steps}
        assert status["log"]["missing"] > 0
    left = [address for address, _ in cluster.objects.store.all() if address[1] == "Pod"]
    assert left == []
    await clean(cluster)


class World:
    """The things that happen."""

    def __init__(self, cluster: Cluster, workers: list[asyncio.Task[None]], away: list[bool]) -> None:
        self.cluster = cluster
        self.workers = workers
        self.away = away
        self.states: dict[str, str] = {}
        self.ran: set[str] = set()
        self.stores = [cluster.store]

    async def do(self, step: str) -> None:
        cluster = self.cluster
        if step == "kill":
            for task in self.workers:
                await stop(task)
            for store in self.stores:
                store.lose()
        elif step == "start" and all(task.done() for task in self.workers):
            self.workers.append(cluster.start(f"process-{len(self.workers)}"))
        elif step == "second":
            # Each process has a volume of its own.
            self.stores.append(FakeLogStore(cluster.clock))
            self.workers.append(cluster.start(f"process-{len(self.workers)}", store=self.stores[-1]))
        elif step == "interrupt":
            cluster.watch.interrupt()
        elif step in {"outage", "back"}:
            self.away[0] = step == "outage"
        elif step == "cancel":
            await self._cancel()
        else:
            await self._pod(step)

    async def _cancel(self) -> None:
        operation = self.cluster.objects.store.get(("gitops-worker.io", "Operation", "ci", "build"))
        if operation is not None and not self.away[0]:
            operation["metadata"]["annotations"] = {"gitops-worker.io/cancel": "by the test"}
            await self.cluster.objects.replace(await self.cluster.kind("Operation"), operation)

    async def _pod(self, step: str) -> None:
        """Something happens to the newest pod."""
        cluster, pod = self.cluster, next(reversed(self.cluster.pods.values()), None)
        if pod is None or cluster.objects.store.get(("", "Pod", "ci-linux-ops", pod.name)) is None:
            return
        state = self.states.get(pod.name, "waiting")
        if step in {"run", "end"} and state == "waiting":
            state = self.states[pod.name] = "running"
            self.ran.add(pod.name)
            await pod.bind()
            await pod.run()
        if step == "say" and state == "running":
            pod.say("a line")
        elif step == "break" and pod.name in self.ran:
            cluster.logs.break_off("ci-linux-ops", pod.name, "operation")
        elif step == "delete-pod" and not self.away[0]:
            await cluster.delete("Pod", pod.name, "ci-linux-ops")
        elif step == "reject" and state == "waiting":
            self.states[pod.name] = "ended"
            await pod.bind()
            await pod.status(phase="Failed", reason="OutOfcpu", message="Node didn't have enough resource: cpu")
        elif state == "running" and step in {"end", "oom", "evict"}:
            self.states[pod.name] = "ended"
            await self._end(pod, step)

    async def _end(self, pod: Pod, step: str) -> None:
        if step == "end":
            await pod.end()
            return
        self.cluster.logs.end("ci-linux-ops", pod.name, "operation")
        killed: dict[str, Any] = {"exitCode": 137, "reason": "OOMKilled", "startedAt": "2026-01-01T00:00:05Z"}
        if step == "oom":
            await pod.container(terminated=killed)
            return
        containers = [{"name": "operation", "state": {"terminated": {**killed, "reason": "Error"}}}]
        await pod.status(phase="Failed", reason="Evicted", message="low on memory", containerStatuses=containers)
