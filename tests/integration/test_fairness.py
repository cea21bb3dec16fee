"""Both halves of the program under one account (`topology: embedded`), and the API server's queues between them.

Priority and Fairness tells flows apart by user, so one account is one flow: the worker's requests stand in the same
queues as those of a sync. What keeps the queues short is that a sync has sixteen requests under way and no more.
"""

from __future__ import annotations

import asyncio
import re
import statistics
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from gitops import cluster
from gitops.cluster import Limits
from gitops.cluster.request import Request
from gitops.objects import Manifest
from gitops.ports.objects import Objects
from gitops.sync.means import Means
from tests.cluster.bare import BareApiServer
from tests.integration import syncing

pytestmark = pytest.mark.integration

LEVEL = 'flow_schema="service-accounts",priority_level="workload-low"'


def config_map(namespace: str, name: str, value: str = "1") -> Manifest:
    metadata = {"name": name, "namespace": namespace}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"a": value}}


def account(bare: BareApiServer, name: str) -> Path:
    """A service account's kubeconfig: its groups are what the server's own flow schemas look at."""
    user = f"system:serviceaccount:{name}:worker"
    bare.kubectl("create", "clusterrolebinding", name, "--clusterrole=cluster-admin", f"--user={user}")
    return bare.user(user, groups=("system:serviceaccounts", f"system:serviceaccounts:{name}"))


class Asking:
    """The worker's half: reads and writes one object, one request after the other, and remembers how long each took."""

    def __init__(self) -> None:
        self.seconds: list[float] = []
        self.codes: list[int] = []

    def observe(self, _request: Request, code: int, _seconds: float) -> None:
        self.codes.append(code)

    async def ask(self, objects: Objects, namespace: str) -> None:
        resource = await objects.resource("v1", "ConfigMap")
        while True:
            begun = time.monotonic()
            await objects.get(resource, namespace, "probe")
            await objects.apply(resource, config_map(namespace, "probe", str(len(self.seconds))))
            self.seconds.append((time.monotonic() - begun) / 2)
            await asyncio.sleep(0.01)

    @property
    def percentile_95(self) -> float:
        return statistics.quantiles(self.seconds, n=20)[-1]


@asynccontextmanager
async def halves(
    kubeconfig: Path, name: str, *, limits: Limits | None = None
) -> AsyncIterator[tuple[syncing.Sync, Asking]]:
    """A sync, and beside it a worker that asks as long as the block lasts; both as one account."""
    config, worker = cluster.load(kubeconfig=str(kubeconfig)), Asking()
    async with (
        cluster.connect(config, component="reconciler", limits=limits, observe=worker.observe) as r,
        cluster.connect(config, component="worker", observe=worker.observe) as w,
    ):
        await r.objects.create(await r.objects.resource("v1", "Namespace"), syncing.namespace_of(name))
        asking = asyncio.create_task(worker.ask(w.objects, name))
        try:
            yield syncing.Sync(means=Means(objects=r.objects, clock=r.clock), namespace=name), worker
        finally:
            asking.cancel()
            await asyncio.wait({asking})
        assert asking.cancelled(), asking.exception()


def metric(bare: BareApiServer, name: str) -> float:
    """A figure of the flow of service accounts."""
    found = re.search(
        rf"^apiserver_flowcontrol_{name}\{{[^}}]*{LEVEL}[^}}]*\}} (\S+)$",
        bare.kubectl("get", "--raw", "/metrics"),
        re.MULTILINE,
    )
    return float(found.group(1)) if found else 0.0


async def test_a_sync_of_a_thousand_objects_leaves_the_worker_quick_answers(bare: BareApiServer) -> None:
    name = syncing.fresh("fair")
    kubeconfig = account(bare, name)
    before = {key: metric(bare, key) for key in ("dispatched_requests_total", "rejected_requests_total")}
    waits = [metric(bare, f"request_wait_duration_seconds_{part}") for part in ("sum", "count")]
    wanted = [config_map(name, f"c{i}") for i in range(1000)]
    async with halves(kubeconfig, name) as (sync, worker):
        _, outcome = await sync.apply(wanted)
    assert outcome.moved == len(wanted)
    assert 429 not in worker.codes
    # One flow: everything both halves asked went through the queues of this one level.
    assert metric(bare, "dispatched_requests_total") - before["dispatched_requests_total"] >= len(worker.codes)
    assert metric(bare, "rejected_requests_total") == before["rejected_requests_total"]
    total, count = (metric(bare, f"request_wait_duration_seconds_{part}") for part in ("sum", "count"))
    assert (total - waits[0]) / (count - waits[1]) < 0.05
    assert len(worker.seconds) > 20
    assert worker.percentile_95 < 0.5


def narrow(name: str, user: str) -> list[Manifest]:
    """A level of a few seats for one account: what a small or busy server has left."""
    level = {"type": "Queue", "queuing": {"queues": 8, "handSize": 2, "queueLengthLimit": 50}}
    flow: dict[str, Any] = {"apiVersion": "flowcontrol.apiserver.k8s.io/v1", "metadata": {"name": name}}
    everything = {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"], "namespaces": ["*"], "clusterScope": True}
    limited = {"nominalConcurrencyShares": 1, "lendablePercent": 0, "borrowingLimitPercent": 0, "limitResponse": level}
    rules = [{"subjects": [{"kind": "User", "user": {"name": user}}], "resourceRules": [everything]}]
    return [
        {**flow, "kind": "PriorityLevelConfiguration", "spec": {"type": "Limited", "limited": limited}},
        {
            **flow,
            "kind": "FlowSchema",
            "spec": {
                "priorityLevelConfiguration": {"name": name},
                "matchingPrecedence": 100,
                "distinguisherMethod": {"type": "ByUser"},
                "rules": rules,
            },
        },
    ]


async def test_on_a_server_with_three_seats_the_worker_waits_for_sixteen_requests_at_most(bare: BareApiServer) -> None:
    """And with many more under way it waits longer: it is the sixteen that keep it short."""
    name = syncing.fresh("narrow")
    kubeconfig = account(bare, name)
    bare.apply(narrow(name, f"system:serviceaccount:{name}:worker"))
    medians: dict[int, float] = {}
    try:
        await asyncio.sleep(1)  # the server learns of a level by a watch
        for many in (Limits().connections, 90):
            where = f"{name}-{many}"
            wanted = [config_map(where, f"c{i}") for i in range(300)]
            async with halves(kubeconfig, where, limits=Limits(connections=many)) as (sync, worker):
                await sync.apply(wanted)
            medians[many] = statistics.median(worker.seconds)
            if many == Limits().connections:
                assert 429 not in worker.codes
                assert worker.percentile_95 < 1.0
    finally:
        bare.kubectl("delete", "flowschema,prioritylevelconfiguration", name)
    assert medians[90] > 2 * medians[Limits().connections]
