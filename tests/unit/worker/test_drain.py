"""A node that is to be emptied waits for its operations as long as the pool says, and no longer."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Any

import pytest

from gitops import errors
from gitops.api import names
from gitops.objects import Manifest
from gitops.pods import leaving
from gitops.ports.objects import Resource
from tests.unit.worker.kubelet import OPS, Cluster, Pod, end_all, rest
from tests.unit.worker.test_service import hold

NODES = Resource(group="", version="v1", kind="Node", plural="nodes", namespaced=False)
PODS = Resource(group="", version="v1", kind="Pod", plural="pods", namespaced=True)
CORDON = {"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"}


@pytest.fixture
async def cluster() -> AsyncGenerator[Cluster, None]:
    made = Cluster()
    made.behaviour = placed
    yield made
    await end_all()


async def placed(pod: Pod) -> None:
    await hold(pod)
    found = await pod.cluster.objects.get(PODS, OPS, pod.name)
    assert found is not None
    await pod.cluster.objects.replace(PODS, {**found, "spec": {**found["spec"], "nodeName": "node1"}})


async def node(cluster: Cluster, **spec: Any) -> None:
    manifest = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "node1"}, "spec": spec}
    found = await cluster.objects.get(NODES, "", "node1")
    if found is None:
        await cluster.objects.create(NODES, manifest)
    else:
        await cluster.objects.replace(NODES, {**found, "spec": spec})


async def running(cluster: Cluster, **pool: Any) -> None:
    await node(cluster)
    await cluster.furnish(**pool)
    cluster.start()
    await rest()
    await cluster.submit()
    await cluster.pass_time(1)


async def protected(cluster: Cluster) -> bool:
    [name] = cluster.starts
    found = await cluster.objects.get(PODS, OPS, name)
    assert found is not None
    return names.PROTECTED in found["metadata"]["labels"]


async def test_a_pod_stays_in_the_budget_while_its_node_stays(cluster: Cluster) -> None:
    await running(cluster, drain={"maxWait": "1m"})
    await cluster.pass_time(3600)
    assert await protected(cluster)


async def test_a_pod_leaves_the_budget_when_the_wait_is_over_and_not_before(cluster: Cluster) -> None:
    await running(cluster, drain={"maxWait": "10m"})
    await node(cluster, unschedulable=True, taints=[CORDON])
    await cluster.pass_time(540)
    assert await protected(cluster)
    await cluster.pass_time(120)
    assert not await protected(cluster)
    assert (await cluster.status())["phase"] == "Running"


async def test_the_wait_begins_anew_after_an_uncordon(cluster: Cluster) -> None:
    await running(cluster, drain={"maxWait": "10m"})
    await node(cluster, unschedulable=True)
    await cluster.pass_time(540)
    await node(cluster)
    await cluster.pass_time(60)
    await node(cluster, unschedulable=True)
    await cluster.pass_time(300)
    assert await protected(cluster)


async def test_a_taint_that_knows_its_time_counts_from_there(cluster: Cluster) -> None:
    await running(cluster, drain={"maxWait": "10m"})
    await node(cluster, unschedulable=True, taints=[{**CORDON, "timeAdded": "2025-12-31T23:45:00Z"}])
    await cluster.pass_time(35)
    assert not await protected(cluster)


async def test_the_default_is_as_long_as_a_script_may_run(cluster: Cluster) -> None:
    await running(cluster, timeouts={"run": "24h"})
    await node(cluster, unschedulable=True)
    await cluster.pass_time(5 * 3600)
    assert await protected(cluster)
    await cluster.pass_time(3600 + 60)
    assert not await protected(cluster)


async def test_without_the_right_to_see_nodes_everything_else_goes_on(
    cluster: Cluster, caplog: pytest.LogCaptureFixture
) -> None:
    async def refuse(resource: Resource, namespace: str, name: str) -> Manifest | None:
        if resource.kind == "Node":
            raise errors.ClusterDenied("nodes is forbidden")
        return await get(resource, namespace, name)

    await node(cluster, unschedulable=True)
    get = cluster.objects.get
    cluster.objects.get = refuse  # type: ignore[method-assign]
    await cluster.furnish(drain={"maxWait": "1m"})
    cluster.start()
    await rest()
    await cluster.submit()
    await cluster.pass_time(300)
    assert await protected(cluster)
    assert sum("nodes cannot be looked at" in one.message for one in caplog.records) == 1
    await cluster.pods[cluster.starts[0]].end()
    await cluster.pass_time(5)
    assert (await cluster.status())["phase"] == "Succeeded"


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({}, None),
        ({"taints": [{"key": "node.kubernetes.io/disk-pressure"}]}, None),
        ({"unschedulable": True}, leaving.Leaving(why="it is cordoned")),
        (
            {"taints": [{"key": "ToBeDeletedByClusterAutoscaler", "value": "1767225600"}]},
            leaving.Leaving(why="the cluster autoscaler removes it", since=1767225600.0),
        ),
        ({"taints": [{"key": "karpenter.sh/disrupted"}]}, leaving.Leaving(why="Karpenter replaces it")),
    ],
)
def test_marks_of_a_node_that_is_to_be_emptied(spec: dict[str, Any], expected: leaving.Leaving | None) -> None:
    assert leaving.read({"spec": spec}) == expected
