"""Canaries: one operation after a change, told in a condition, never in a loop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

import pytest

from gitops import api, errors
from gitops.api.workerpool import Canary, WorkerPool, WorkerPoolSpec
from gitops.pods import canary, marks
from gitops.testing.objects import failing
from tests.unit.worker.kubelet import HOME, Cluster, Pod, end_all, rest, stop

ON = {"enabled": True}


@pytest.fixture
async def cluster() -> AsyncGenerator[Cluster, None]:
    made = Cluster()
    yield made
    await end_all()


async def succeed(pod: Pod) -> None:
    await asyncio.sleep(0)
    await pod.play("hello")


async def pool(cluster: Cluster) -> dict[str, Any]:
    found = await cluster.objects.get(await cluster.kind("WorkerPool"), HOME, "linux")
    assert found is not None
    return found


async def passed(cluster: Cluster) -> tuple[str, str]:
    conditions = (await pool(cluster)).get("status", {}).get("conditions", ())
    found = next((one for one in conditions if one["type"] == canary.CONDITION), {"status": "", "reason": ""})
    return found["status"], found["reason"]


async def canaries(cluster: Cluster) -> list[str]:
    listing = await cluster.objects.list(await cluster.kind("Operation"), HOME, labels=marks.CANARY)
    return [item["metadata"]["name"] for item in listing.items]


async def change(cluster: Cluster, **spec: Any) -> None:
    found = await pool(cluster)
    await cluster.objects.replace(await cluster.kind("WorkerPool"), {**found, "spec": {**found["spec"], **spec}})


async def test_one_runs_after_a_change_and_its_end_is_a_condition(cluster: Cluster) -> None:
    cluster.behaviour = succeed
    await cluster.furnish(canary=ON)
    cluster.start()
    await cluster.pass_time(10)
    assert await passed(cluster) == ("True", "Succeeded")
    assert len(await canaries(cluster)) == 1
    kinds = [one["type"] for one in (await pool(cluster))["status"]["conditions"]]
    assert sorted(kinds) == [canary.CONDITION, "Ready"]
    assert cluster.services[0].canaries() == {"linux": True}

    await change(cluster, maxOperations=3)
    await cluster.pass_time(30)
    assert len(cluster.starts) == 1

    await change(cluster, image="busybox:2")
    await cluster.pass_time(10)
    assert len(cluster.starts) == len(await canaries(cluster)) == 2
    assert await passed(cluster) == ("True", "Succeeded")


async def test_one_that_fails_is_not_tried_again_and_changes_no_readiness(cluster: Cluster) -> None:
    async def fail(pod: Pod) -> None:
        await asyncio.sleep(0)
        await pod.play("oops", code=3)

    cluster.behaviour = fail
    await cluster.furnish(canary=ON)
    task = cluster.start()
    await cluster.pass_time(60)
    assert await passed(cluster) == ("False", "ScriptFailed")
    assert cluster.services[0].waiting_for() == []
    assert cluster.services[0].ready_pools() == {"linux": True}
    for name in await canaries(cluster):
        await cluster.delete("Operation", name)
    await stop(task)
    cluster.start("two")
    await cluster.pass_time(60)
    assert len(cluster.starts) == 1
    assert await passed(cluster) == ("False", "ScriptFailed")


async def test_two_replicas_run_one(cluster: Cluster) -> None:
    cluster.behaviour = succeed
    await cluster.furnish(canary=ON)
    cluster.start("one")
    cluster.start("two")
    await cluster.pass_time(30)
    assert len(cluster.starts) == len(await canaries(cluster)) == 1
    assert await passed(cluster) == ("True", "Succeeded")


@pytest.mark.parametrize("kind", ["Operation", "WorkerPool"])
async def test_a_lost_answer_makes_no_second_one(cluster: Cluster, kind: str) -> None:
    lost = errors.ClusterUnavailable("the answer was lost")
    cluster.behaviour = succeed
    verb = "create" if kind == "Operation" else "patch_status"
    await cluster.furnish(canary=ON)
    cluster.objects.after.append(failing(lost, verb=verb, kind=kind, times=3))
    cluster.start()
    await cluster.pass_time(150)
    assert len(cluster.starts) == len(await canaries(cluster)) == 1
    assert await passed(cluster) == ("True", "Succeeded")


async def test_one_that_is_deleted_before_its_end_is_not_made_again(cluster: Cluster) -> None:
    await cluster.furnish(canary=ON)
    cluster.start()
    await cluster.pass_time(10)
    assert await passed(cluster) == ("Unknown", canary.RUNS)
    for name in await canaries(cluster):
        await cluster.delete("Operation", name)
    await cluster.pass_time(60)
    assert await passed(cluster) == ("Unknown", canary.DELETED)
    assert await canaries(cluster) == []


async def test_none_runs_while_the_pool_is_suspended_incomplete_or_did_not_ask(cluster: Cluster) -> None:
    await cluster.furnish(canary=ON, suspended=True)
    cluster.start()
    await cluster.pass_time(20)
    assert await canaries(cluster) == []
    await change(cluster, suspended=False, canary={})
    await cluster.pass_time(20)
    assert await canaries(cluster) == []
    await cluster.delete("ConfigMap", "gitops-runner-0123456789ab", "ci-linux-ops")
    await change(cluster, canary=ON)
    await cluster.pass_time(20)
    assert await canaries(cluster) == []
    await rest()


def made(**spec: Any) -> WorkerPool:
    metadata = api.Metadata(name="linux", namespace=HOME, uid="abcdef", generation=7)
    return WorkerPool(metadata=metadata, spec=WorkerPoolSpec(**{"image": "x", "canary": Canary(enabled=True), **spec}))


@pytest.mark.parametrize(
    ("spec", "same"),
    [
        ({"max_operations": 3}, True),
        ({"suspended": True}, True),
        ({"canary": Canary(enabled=True, timeout="5m")}, True),
        ({"canary": Canary(enabled=True, script="helm version")}, False),
        ({"image": "y"}, False),
        ({"pod_template": {"spec": {"nodeSelector": {"a": "b"}}}}, False),
        ({"pod_security": "restricted"}, False),
    ],
)
def test_what_wants_another_one(spec: dict[str, Any], *, same: bool) -> None:
    assert (canary.digest(made(), "r") == canary.digest(made(**spec), "r")) is same
    assert canary.digest(made(), "r") != canary.digest(made(), "another runner")
