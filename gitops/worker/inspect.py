"""Whether pools can start anything, and saying so in the conditions of pools and Worker."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from gitops import api, errors
from gitops.api import names
from gitops.ports.events import Happening, Severity
from gitops.ports.objects import Resource
from gitops.worker import condition
from gitops.worker.persist import persist
from gitops.worker.roster import Roster
from gitops.worker.station import Station

log = logging.getLogger(__name__)

LOOK = 1.0
AGAIN_UNREADY = 5.0
AGAIN_READY = 600.0

EXPAND = "run `gitops sync` for its GitSync, or apply what `gitops build` prints: a pool needs its expansion"


class Inspector:
    """Looks at each pool served when it changed, often while it is not ready, and rarely when it is."""

    def __init__(self, station: Station, roster: Roster) -> None:
        self._station = station
        self._roster = roster
        self._due: dict[str, tuple[int, float]] = {}
        self._worker_said: tuple[str, ...] = ()
        self.trouble: dict[str, str] = {}
        """Pool name to what keeps it from starting operations; absent: not looked at yet, empty: nothing."""

    async def run(self) -> None:
        """For ever."""
        clock = self._station.ports.clock
        while True:
            for pool in self._roster.served():
                await self._visit(pool, clock.monotonic())
            await self._say_worker()
            await clock.sleep(LOOK)

    async def _visit(self, pool: api.WorkerPool, now: float) -> None:
        name, generation = pool.metadata.name, pool.metadata.generation
        seen, due = self._due.get(name, (-1, 0.0))
        if seen == generation and now < due:
            return
        reason, message = await self._look(pool)
        if self.trouble.get(name) != message:
            self.trouble[name] = message
            self._roster.wake.set()
        await self._say_pool(pool, reason, message)
        self._due[name] = (generation, now + (AGAIN_UNREADY if message else AGAIN_READY))

    async def _look(self, pool: api.WorkerPool) -> tuple[str, str]:
        """Reason and message of what is missing; no message: ready."""
        kinds, namespace = self._station.kinds, names.operations_namespace(pool)
        wanted = (
            ("NamespaceMissing", kinds.namespaces, "", namespace),
            ("AccountMissing", kinds.accounts, namespace, names.pod_account(pool)),
            ("RunnerMissing", kinds.config_maps, namespace, self._station.runner),
        )
        for reason, resource, where, name in wanted:
            try:
                if await self._get(resource, where, name) is None:
                    return reason, f"{resource.kind} {f'{where}/' if where else ''}{name} does not exist: {EXPAND}"
            except errors.ClusterDenied as error:
                return "RightsMissing", f"the worker may not look into {namespace}: {error.cause}; {EXPAND}"
        denied = self._roster.denied.get(f"pods/{namespace}")
        if denied:
            return "RightsMissing", f"the worker may not watch pods in {namespace}: {denied}; {EXPAND}"
        return "Ready", ""

    async def _get(self, resource: Resource, namespace: str, name: str) -> Mapping[str, Any] | None:
        return await persist(
            self._station.ports.clock, lambda: self._station.ports.objects.get(resource, namespace, name)
        )

    async def _say_pool(self, pool: api.WorkerPool, reason: str, message: str) -> None:
        said = pool.spec.suspended and not message
        ready = {
            "type": "Ready",
            "status": "False" if message else "True",
            "reason": "Suspended" if said else reason,
            "message": message or ("admits nothing while suspended" if said else "operations can start"),
            "observedGeneration": pool.metadata.generation,
        }
        await self._say(self._station.kinds.pools, pool.metadata, ready)

    async def _say_worker(self) -> None:
        worker = self._roster.worker
        if worker is None or "pools" not in self._roster.synced:
            return
        problems = tuple(f"pool {name}: {self._problem(name)}" for name in worker.spec.pools if self._problem(name))
        news = (str(worker.metadata.generation), *problems)
        if news == self._worker_said:
            return
        ready = {
            "type": "Ready",
            "status": "False" if problems else "True",
            "reason": "PoolsNotReady" if problems else "Serving",
            "message": "; ".join(problems) or f"serves {', '.join(worker.spec.pools)}",
            "observedGeneration": worker.metadata.generation,
        }
        await self._say(self._station.kinds.workers, worker.metadata, ready)
        self._worker_said = news

    def _problem(self, name: str) -> str:
        if name not in self._roster.pools:
            return "there is no such WorkerPool in this namespace"
        return self.trouble.get(name, "not looked at yet")

    async def _say(self, resource: Resource, metadata: api.Metadata, new: dict[str, Any]) -> None:
        try:
            more = {"observedGeneration": metadata.generation}
            old = await condition.say(self._station, resource, metadata, new, more=more)
        except errors.ClusterError as error:
            log.warning("the condition of %s %s cannot be written: %s", resource.kind, metadata.name, error)
            return
        if old is None or old["status"] != new["status"]:
            await self._tell(resource, metadata, new)

    async def _tell(self, resource: Resource, metadata: api.Metadata, ready: Mapping[str, str]) -> None:
        """An Event when something became ready, or no longer is."""
        regarding = {
            "apiVersion": resource.api_version,
            "kind": resource.kind,
            "metadata": {"name": metadata.name, "namespace": metadata.namespace, "uid": metadata.uid},
        }
        severity: Severity = "Normal" if ready["status"] == "True" else "Warning"
        happening = Happening(reason=ready["reason"], action="Inspect", note=ready["message"], severity=severity)
        await self._station.ports.events.tell(regarding, happening)
