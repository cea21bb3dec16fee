"""The metrics are those of the reference page, with the values of what they are read from."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from prometheus_client import CollectorRegistry

from gitops import api
from gitops.api.operation import Attempt, OperationStatus, Phase
from gitops.cluster.request import Request
from gitops.pods.outcome import Outcome
from gitops.pods.stage import Progress, Stage
from gitops.web.metrics import Requests, WorkerCollector
from gitops.worker.figures import Figures

PAGE = Path(__file__).resolve().parents[3] / "docs" / "reference" / "metrics.md"


RETRIED = OperationStatus(attempts=[Attempt(number=1, finished_at="2026-01-01T01:00:00Z")])


class State:
    """A worker with two pools, one of them busy."""

    def running(self) -> Mapping[str, int]:
        return {"linux": 2}

    def waiting(self) -> Mapping[str, int]:
        return {}

    def ready_pools(self) -> Mapping[str, bool]:
        return {"linux": True, "gpu": False}

    def canaries(self) -> Mapping[str, bool]:
        return {"linux": True, "gpu": False}

    def log_lag(self) -> Mapping[str, float]:
        return {"linux": 31.0}


def full() -> CollectorRegistry:
    registry, figures = CollectorRegistry(), Figures()
    spec = api.operation.OperationSpec(pool="linux", script="true")
    metadata = api.Metadata(name="build", creation_timestamp="2026-01-01T00:00:00Z")
    figures.start(api.Operation(metadata=metadata, spec=spec), datetime(2026, 1, 1, 0, 0, 4, tzinfo=UTC))
    # Its second attempt, a second after the first one ended.
    again = api.Operation(metadata=metadata, spec=spec, status=RETRIED)
    figures.start(again, datetime(2026, 1, 1, 1, 0, 1, tzinfo=UTC))
    figures.pend("linux", Progress(stage=Stage.UNSCHEDULABLE, reason="Unschedulable"), 2.5)
    figures.pend("linux", Progress(stage=Stage.PULLING), 1.0)
    figures.end("linux", Outcome(phase=Phase.FAILED, reason="OutOfMemory", message=""))
    registry.register(WorkerCollector(State(), figures))
    observe = Requests(registry).observer("worker")
    observe(Request(method="GET", path="/api/v1/pods", what="list"), 200, 0.01)
    return registry


def test_the_page_lists_every_metric_and_no_other() -> None:
    kinds = {"counter": "_total"}
    found = {f"{family.name}{kinds.get(family.type, '')}" for family in full().collect()}
    assert found == set(re.findall(r"^\| `(gitops_[a-z_]+)` \|", PAGE.read_text(), re.MULTILINE))


def test_the_values() -> None:
    value = full().get_sample_value
    assert value("gitops_operations_running", {"pool": "linux"}) == 2
    assert value("gitops_operations_running", {"pool": "gpu"}) == 0
    assert value("gitops_pool_ready", {"pool": "gpu"}) == 0
    assert value("gitops_operation_queue_seconds_bucket", {"pool": "linux", "le": "2.5"}) == 1
    assert value("gitops_operation_queue_seconds_bucket", {"pool": "linux", "le": "5"}) == 2
    assert value("gitops_operation_queue_seconds_sum", {"pool": "linux"}) == 5
    waited = {"pool": "linux", "reason": "Unschedulable"}
    assert value("gitops_operation_pending_seconds_total", waited) == 2.5
    assert value("gitops_operation_pending_seconds_total", {"pool": "linux", "reason": "Pulling"}) == 1.0
    ended = {"pool": "linux", "phase": "Failed", "reason": "OutOfMemory"}
    assert value("gitops_operations_ended_total", ended) == 1
    asked = {"component": "worker", "verb": "list", "resource": "pods", "code": "200"}
    assert value("gitops_api_requests_total", asked) == 1
