"""What a pool should ask for."""

from __future__ import annotations

from typing import Any

import pytest

from gitops import api
from gitops.api.meta import Resources
from gitops.api.workerpool import Bucket, StepUsage, WorkerPool, WorkerPoolSpec, WorkerPoolStatus
from gitops.sizing import packing, proposal

MEBI = 1 << 20


def used(runs: int = 40, cpu: int = 200, memory: int = 300, **more: Any) -> StepUsage:
    return StepUsage(
        since="2026-01-01T00:00:00Z",
        last="2026-01-09T00:00:00Z",
        runs=runs,
        cpu_millicores=[Bucket(up_to=cpu, runs=runs)],
        memory_mebibytes=[Bucket(up_to=memory, runs=runs)],
        memory_peak_bytes=memory * MEBI,
        **more,
    )


def pool(*usage: StepUsage, requests: dict[str, Any], limits: dict[str, Any] | None = None, **spec: Any) -> WorkerPool:
    return WorkerPool(
        metadata=api.Metadata(name="linux", namespace="ci"),
        spec=WorkerPoolSpec(image="x", resources=Resources(requests=requests, limits=limits or {}), **spec),
        status=WorkerPoolStatus(usage=list(usage)),
    )


def changes(made: proposal.Proposal) -> dict[str, str]:
    return {".".join(path): value for path, value in made.changes.items()}


def test_requests_cover_nine_runs_of_ten_and_the_highest_peak_with_headroom() -> None:
    rare = used(runs=3, cpu=4000, memory=900)
    made = proposal.propose(pool(used(), rare, requests={"cpu": "2", "memory": "4Gi"}))
    assert changes(made) == {"resources.requests.cpu": "230m", "resources.requests.memory": "1088Mi"}


def test_too_few_runs_propose_nothing_and_say_so() -> None:
    made = proposal.propose(pool(used(runs=5), requests={"cpu": "2"}))
    assert not made.changes
    assert made.notes == ["5 runs are too few to say anything; 20 would do"]


def test_runs_with_resources_of_their_own_do_not_count() -> None:
    made = proposal.propose(pool(used(own_resources=True), requests={"cpu": "2"}))
    assert made.evidence is None
    assert not made.changes


def test_what_nearly_fits_is_left_alone() -> None:
    made = proposal.propose(pool(used(), requests={"cpu": "240m", "memory": "352Mi"}))
    assert not made.changes


def test_a_memory_limit_below_the_request_is_raised_with_it() -> None:
    made = proposal.propose(pool(used(), requests={"cpu": "230m", "memory": "64Mi"}, limits={"memory": "320Mi"}))
    assert changes(made) == {"resources.requests.memory": "352Mi", "resources.limits.memory": "352Mi"}


def test_killed_for_memory_means_more_than_the_limit() -> None:
    usage = used(memory=510, out_of_memory_runs=2)
    made = proposal.propose(pool(usage, requests={"cpu": "230m", "memory": "512Mi"}, limits={"memory": "512Mi"}))
    assert changes(made) == {"resources.requests.memory": "768Mi", "resources.limits.memory": "768Mi"}
    assert "2 of 40 runs lost a process for lack of memory" in made.notes


def test_throttled_runs_hide_what_they_need() -> None:
    usage = used(cpu=500, throttled_runs=30)
    made = proposal.propose(pool(usage, requests={"cpu": "100m", "memory": "352Mi"}, limits={"cpu": "500m"}))
    assert changes(made) == {"resources.requests.cpu": "500m"}
    assert any("30 of 40 runs were held back by the CPU limit (500m)" in note for note in made.notes)


def test_one_greedy_step_is_named() -> None:
    made = proposal.propose(
        pool(used(step="deploy", memory=100), used(step="build", memory=2000), requests={"cpu": "230m"})
    )
    assert any("step build alone needs that much memory" in note for note in made.notes)


def node(name: str, cpu: str = "4", memory: str = "16Gi", **more: Any) -> dict[str, Any]:
    allocatable = {"cpu": cpu, "memory": memory, "pods": "110"}
    return {"metadata": {"name": name, **more}, "spec": {}, "status": {"allocatable": allocatable}}


def test_packing_counts_what_fits_on_the_nodes_where_the_pool_may_run() -> None:
    template = {
        "spec": {
            "nodeSelector": {"disk": "ssd"},
            "containers": [{"name": "operation"}, {"name": "proxy", "resources": {"requests": {"cpu": "500m"}}}],
        }
    }
    chosen = pool(requests={"cpu": "500m"}, pod_template=template, max_operations=20)
    nodes = [node("a"), node("b", labels={"disk": "ssd"}), node("c", labels={"disk": "ssd"})]
    nodes.append({**node("d", labels={"disk": "ssd"}), "spec": {"unschedulable": True}})
    shapes = packing.shapes(nodes, chosen)
    assert [(shape.nodes, int(shape.cpu)) for shape in shapes] == [(2, 4)]
    effect = packing.effect(chosen, shapes, {"cpu": "1500m"}, {"cpu": "500m", "memory": "1Gi"})
    assert effect is not None
    assert (effect.per_node_before, effect.per_node_after) == (2, 4)
    assert (effect.at_once_before, effect.at_once_after) == (4, 8)
    assert (effect.nodes_before, effect.nodes_after) == (10, 5)


@pytest.mark.parametrize("nodes", [[], [node("a", cpu="100m")]])
def test_no_node_or_none_large_enough(nodes: list[dict[str, Any]]) -> None:
    chosen = pool(requests={"cpu": "1"})
    effect = packing.effect(chosen, packing.shapes(nodes, chosen), {"cpu": "1"}, {"cpu": "2"})
    assert effect is None if not nodes else effect is not None and effect.nodes_after is None
