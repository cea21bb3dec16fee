"""The worker's figures, read from what it knows at the moment they are asked for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Protocol

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector


class Figures(Protocol):
    """What is counted. The worker's service has these; nothing here is fed by events."""

    def running(self) -> Mapping[str, int]:
        """Operations in progress by pool."""
        ...

    def waiting(self) -> Mapping[str, int]:
        """Operations in the queue by pool."""
        ...

    def ready_pools(self) -> Mapping[str, bool]:
        """Whether each pool served can start operations."""
        ...

    @property
    def ended(self) -> Mapping[tuple[str, str, str], int]:
        """Operations this process saw end: pool, phase, reason."""
        ...

    @property
    def waited(self) -> Mapping[str, float]:
        """Seconds between creation and claim, summed, by pool."""
        ...

    @property
    def started(self) -> Mapping[str, int]:
        """Operations this process claimed, by pool."""
        ...


class WorkerCollector(Collector):
    """Turns figures into metrics."""

    def __init__(self, figures: Figures) -> None:
        self._figures = figures

    def collect(self) -> Iterable[Metric]:
        """See `prometheus_client.registry.Collector`."""
        figures = self._figures
        yield _gauge("gitops_operations_running", "Operations in progress", figures.running())
        yield _gauge("gitops_operations_queued", "Operations waiting for a place", figures.waiting())
        ready = {pool: int(value) for pool, value in figures.ready_pools().items()}
        yield _gauge("gitops_pool_ready", "1 if the pool can start operations", ready)
        yield _counter("gitops_operations_started", "Operations claimed by this process", figures.started)
        yield _counter("gitops_operations_queue_seconds", "Seconds from creation to claim, summed", figures.waited)
        ended = CounterMetricFamily(
            "gitops_operations_ended", "Operations that ended", labels=["pool", "phase", "reason"]
        )
        for (pool, phase, reason), count in Counter(figures.ended).items():
            ended.add_metric([pool, phase, reason], count)
        yield ended


def register(registry: CollectorRegistry, figures: Figures) -> None:
    """Add the worker's metrics to a registry."""
    registry.register(WorkerCollector(figures))


def _gauge(name: str, text: str, by_pool: Mapping[str, float]) -> Metric:
    family = GaugeMetricFamily(name, text, labels=["pool"])
    for pool, value in by_pool.items():
        family.add_metric([pool], value)
    return family


def _counter(name: str, text: str, by_pool: Mapping[str, float]) -> Metric:
    family = CounterMetricFamily(name, text, labels=["pool"])
    for pool, value in by_pool.items():
        family.add_metric([pool], value)
    return family
