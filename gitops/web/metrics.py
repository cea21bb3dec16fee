"""Metrics: the worker's, read from what it knows at the moment they are asked for; and the requests of all halves.

`docs/reference/metrics.md` lists them; a test holds the two against each other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import accumulate
from typing import Protocol

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector


class Spread(Protocol):
    """How often each length of time came."""

    @property
    def counts(self) -> Sequence[int]:
        """By upper bound; the last one has none."""
        ...

    @property
    def total(self) -> float:
        """Their sum, in seconds."""
        ...


class Sums(Protocol):
    """What was seen since the process started."""

    @property
    def bounds(self) -> Sequence[float]:
        """Upper bounds of a `Spread`, in seconds."""
        ...

    @property
    def queued(self) -> Mapping[str, Spread]:
        """From creation to claim, by pool."""
        ...

    @property
    def pending(self) -> Mapping[tuple[str, str], int]:
        """Milliseconds before the script ran, by pool and reason."""
        ...

    @property
    def ended(self) -> Mapping[tuple[str, str, str], int]:
        """Operations by pool, phase and reason."""
        ...


class State(Protocol):
    """What is so now. The worker's service has it; nothing here is fed by events."""

    def running(self) -> Mapping[str, int]:
        """Operations in progress by pool."""
        ...

    def waiting(self) -> Mapping[str, int]:
        """Operations in the queue by pool."""
        ...

    def ready_pools(self) -> Mapping[str, bool]:
        """Whether each pool served can start operations."""
        ...

    def canaries(self) -> Mapping[str, bool]:
        """Whether the last canary of each pool that ran one passed."""
        ...

    def log_lag(self) -> Mapping[str, float]:
        """Seconds since anything was heard of a log that is followed, the longest of each pool."""
        ...


class WorkerCollector(Collector):
    """Turns state and sums into metrics."""

    def __init__(self, state: State, sums: Sums) -> None:
        self._state = state
        self._sums = sums

    def collect(self) -> Iterable[Metric]:
        """See `prometheus_client.registry.Collector`."""
        state = self._state
        ready = {pool: int(value) for pool, value in state.ready_pools().items()}
        yield _gauge("gitops_pool_ready", "1 if the pool can start operations", ready)
        passed = {pool: int(value) for pool, value in state.canaries().items()}
        yield _gauge("gitops_pool_canary_passed", "1 if the last canary of the pool passed", passed)
        yield _gauge("gitops_operations_running", "Operations in progress", _whole(ready, state.running()))
        yield _gauge("gitops_operations_queued", "Operations waiting for a place", _whole(ready, state.waiting()))
        text = "Seconds since anything was heard of a followed log, the longest; a live one speaks every 30"
        yield _gauge("gitops_log_lag_seconds", text, state.log_lag())
        yield from self._counted()

    def _counted(self) -> Iterable[Metric]:
        sums = self._sums
        queued = HistogramMetricFamily(
            "gitops_operation_queue_seconds",
            "From an operation's creation, or the end of its last attempt, to its claim",
            labels=["pool"],
        )
        bounds = [*(f"{bound:g}" for bound in sums.bounds), "+Inf"]
        for pool, spread in sums.queued.items():
            queued.add_metric([pool], list(zip(bounds, accumulate(spread.counts), strict=True)), spread.total)
        yield queued
        text = "Seconds that pods waited before their script ran, by what held them"
        pending = CounterMetricFamily("gitops_operation_pending_seconds", text, labels=["pool", "reason"])
        for (pool, reason), milliseconds in list(sums.pending.items()):
            pending.add_metric([pool, reason], milliseconds / 1000)
        yield pending
        ended = CounterMetricFamily(
            "gitops_operations_ended", "Operations that ended", labels=["pool", "phase", "reason"]
        )
        for labels, count in list(sums.ended.items()):
            ended.add_metric(labels, count)
        yield ended


class Asked(Protocol):
    """A request as the cluster's adapter tells it."""

    @property
    def verb(self) -> str:
        """As RBAC calls it."""
        ...

    @property
    def resource(self) -> str:
        """Plural and subresource."""
        ...


class Requests:
    """Requests to the API server. Labels name kinds and verbs, never objects, so their number stays small."""

    def __init__(self, registry: CollectorRegistry) -> None:
        labels = ["component", "verb", "resource", "code"]
        self._count = Counter(
            "gitops_api_requests", "Requests to the API server; code 0: no answer", labels, registry=registry
        )
        self._seconds = Histogram(
            "gitops_api_request_seconds",
            "Until the answer of the API server began",
            ["component", "verb"],
            registry=registry,
            buckets=(0.005, 0.025, 0.1, 0.5, 2.5, 10.0, 60.0),
        )

    def observer(self, component: str) -> Callable[[Asked, int, float], None]:
        """What a connection of this half calls after each request."""

        def observe(request: Asked, code: int, seconds: float) -> None:
            self._count.labels(component, request.verb, request.resource, str(code)).inc()
            self._seconds.labels(component, request.verb).observe(seconds)

        return observe


def _whole(pools: Mapping[str, object], counts: Mapping[str, int]) -> Mapping[str, int]:
    """Zero, not absent, for a pool of which there is none: an alert on absence would never end."""
    return {**dict.fromkeys(pools, 0), **counts}


def _gauge(name: str, text: str, by_pool: Mapping[str, float]) -> Metric:
    family = GaugeMetricFamily(name, text, labels=["pool"])
    for pool, value in by_pool.items():
        family.add_metric([pool], value)
    return family
