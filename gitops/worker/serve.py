"""The way in: from ports and a name to a running worker."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from gitops import errors
from gitops.api.meta import API_VERSION
from gitops.ports.objects import Resource
from gitops.worker.persist import Backoff
from gitops.worker.service import Service
from gitops.worker.station import Kinds, Ports, Station


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Which Worker object this process serves, and which of its processes it is.

    `process` must differ between any two processes, one after the other included: pod name and a random part.
    `runner` is the name of the runner's ConfigMap.
    """

    namespace: str
    worker: str
    process: str
    runner: str


async def serve(ports: Ports, identity: Identity, *, started: Callable[[Service], None] = lambda _: None) -> None:
    """Run until cancelled; `started` gets the service, for probes and metrics, before the first watch."""
    station = Station(
        namespace=identity.namespace,
        worker=identity.worker,
        identity=identity.process,
        runner=identity.runner,
        ports=ports,
        kinds=await _kinds(ports),
    )
    service = Service(station)
    started(service)
    await service.run()


async def _kinds(ports: Ports) -> Kinds:
    return Kinds(
        pools=await _resource(ports, API_VERSION, "WorkerPool"),
        workers=await _resource(ports, API_VERSION, "Worker"),
        syncs=await _resource(ports, API_VERSION, "GitSync"),
        pods=await _resource(ports, "v1", "Pod"),
        namespaces=await _resource(ports, "v1", "Namespace"),
        accounts=await _resource(ports, "v1", "ServiceAccount"),
        nodes=await _resource(ports, "v1", "Node"),
        events=await _resource(ports, "v1", "Event"),
        config_maps=await _resource(ports, "v1", "ConfigMap"),
    )


async def _resource(ports: Ports, api_version: str, kind: str) -> Resource:
    """How a kind is served; a worker may start before its CRDs are established."""
    backoff = Backoff(ports.clock)
    while True:
        try:
            return await ports.objects.resource(api_version, kind)
        except (errors.KindUnknown, errors.ClusterUnavailable):
            await backoff.pause()
