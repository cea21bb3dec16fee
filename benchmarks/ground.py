"""What the benchmarks on the two-node cluster share: a pool on it, its pods as bare pods and Jobs, a watch on both."""

from __future__ import annotations

import asyncio
import json
import secrets
import uuid
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from contextlib import aclosing, asynccontextmanager, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec

from gitops import api, cluster, runner
from gitops.api.operation import OperationSpec
from gitops.objects import Manifest
from gitops.pods import render
from gitops.ports.objects import Resource
from gitops.ports.watch import Put, Synced
from tests.cluster import cluster as two_nodes
from tests.cluster.cluster import Cluster
from tests.e2e.workplace import WORKER, Workplace

POOL = "linux"
SPEC: dict[str, Any] = {
    "image": "busybox:1",
    "imagePullPolicy": "IfNotPresent",
    "maxOperations": 500,
    "resources": {"requests": {"cpu": "5m", "memory": "10Mi"}},
}
JOBS = Resource(group="batch", version="v1", kind="Job", plural="jobs", namespaced=True)
PODS = Resource(group="", version="v1", kind="Pod", plural="pods", namespaced=True)
OPERATIONS = Resource(group=api.GROUP, version="v1alpha1", kind="Operation", plural="operations", namespaced=True)


@contextmanager
def place() -> Iterator[Workplace]:
    """A pool on the cluster, without a worker yet, and a namespace of the same name with `-bare` for its rivals."""
    with TemporaryDirectory() as folder:
        made = Workplace(cluster=two_nodes.up(), folder=Path(folder), pools={POOL: SPEC})
        made.install()
        rivals(made)
        try:
            yield made
        finally:
            made.cluster.kubectl("delete", "namespace", bare(made), "--wait=false")
            made.remove()


def bare(made: Workplace) -> str:
    """The rivals' namespace: not the installation's, whose admission policies would refuse their pods."""
    return f"{made.namespace}-bare"


def rivals(made: Workplace) -> None:
    """Give it what the pods of the pool mount and run under."""
    where = bare(made)
    made.cluster.kubectl("create", "namespace", where)
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": POOL, "namespace": where}}
    name = runner.config_map_name(runner.files())
    found = made.cluster.get("configmap", name, "-n", made.operations_namespace(POOL))
    found["metadata"] = {"name": name, "namespace": where}
    made.apply([account, found])


def rival(made: Workplace, script: str) -> Manifest:
    """A pod with exactly the spec and volumes that an operation with this script gets."""
    pool = msgspec.convert({"metadata": {"name": POOL, "namespace": made.namespace}, "spec": SPEC}, api.WorkerPool)
    operation = api.Operation(
        metadata=api.Metadata(name="rival", namespace=made.namespace, uid=str(uuid.uuid4())),
        spec=OperationSpec(pool=POOL, script=script),
    )
    launch = render.Launch(operation=operation, pool=pool, worker=WORKER, runner=runner.config_map_name(runner.files()))
    pod = render.pod(launch)
    metadata = {**pod["metadata"], "namespace": bare(made), "name": f"rival-{secrets.token_hex(4)}"}
    return {**pod, "metadata": metadata}


def job(pod: Manifest) -> Manifest:
    """A Job of one such pod."""
    metadata = pod["metadata"]
    template = {"metadata": {key: metadata[key] for key in ("labels", "annotations")}, "spec": pod["spec"]}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": metadata["name"], "namespace": metadata["namespace"]},
        "spec": {"backoffLimit": 0, "template": template},
    }


def operation(made: Workplace, script: str) -> Manifest:
    """An Operation with this script."""
    metadata = {"name": f"bench-{secrets.token_hex(4)}", "namespace": made.namespace}
    return {
        "apiVersion": api.API_VERSION,
        "kind": "Operation",
        "metadata": metadata,
        "spec": {"pool": POOL, "script": script},
    }


@asynccontextmanager
async def admin(made: Cluster) -> AsyncIterator[cluster.Cluster]:
    """A connection that is not the worker's, so that its requests are not counted."""
    config = cluster.load(kubeconfig=str(made.kubeconfig))
    limits = cluster.Limits(connections=32)
    async with cluster.connect(config, component="benchmark", limits=limits) as connection:
        yield connection


async def seen(connection: cluster.Cluster, kind: Resource, namespace: str) -> AsyncGenerator[Manifest, None]:
    """Every object of a kind, and each of its changes."""
    async with aclosing(connection.watch.watch(kind, namespace)) as events:
        async for event in events:
            match event:
                case Synced(items=items):
                    for item in items:
                        yield item
                case Put(object=item):
                    yield item


def dumped(value: Any) -> str:
    """For messages."""
    return json.dumps(value, default=str)[:600]


async def until(so: Callable[[], bool], *, every: float = 0.1) -> None:
    """Look every so many seconds whether it is so: for files and for what tells nobody."""
    while not so():  # noqa: ASYNC110 - as said
        await asyncio.sleep(every)
