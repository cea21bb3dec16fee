"""What `gitops doctor` looks at, in order: from what everything needs to what one operation needs."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import msgspec

from gitops import api, cluster, errors
from gitops.api import duration, names
from gitops.cluster.leases import LEASES
from gitops.objects import Manifest
from gitops.pods import marks
from gitops.ports.access import Ask
from gitops.ports.objects import DeleteOptions, Resource
from gitops.report import doctor
from gitops.report.doctor import Finding, Level
from gitops_cli import _operations, _pools, _program
from gitops_cli._shell import Shell

QUOTAS = Resource(group="", version="v1", kind="ResourceQuota", plural="resourcequotas", namespaced=True)
LIMITS = Resource(group="", version="v1", kind="LimitRange", plural="limitranges", namespaced=True)
SECRETS = Resource(group="", version="v1", kind="Secret", plural="secrets", namespaced=True)


@dataclass(slots=True)
class Visit:
    """One examination of a namespace."""

    shell: Shell
    connection: cluster.Cluster
    pools: tuple[str, ...]
    run: bool
    timeout: str

    @property
    def _where(self) -> str:
        return _operations.namespace(self.shell, self.connection)

    async def findings(self) -> AsyncIterator[Finding]:
        """Everything there is to say, as it is found.

        Raises:
            ConfigError: the cluster has none of our kinds, or there is no pool of a given name.
            ClusterError: the cluster cannot be asked at all.
        """
        pools = await _pools.find(self.shell, self.connection, self.pools)
        async for finding in self._rights(pools):
            yield finding
        async for finding in self._workers(pools):
            yield finding
        if not pools:
            says = f"there is no WorkerPool in namespace {self._where}"
            yield Finding(level=Level.FAILED, about="pools", says=says, todo="choose the namespace with -n")
        for pool in pools:
            async for finding in self._pool(pool):
                yield finding
        if self.run:
            for coming in asyncio.as_completed([self._try(pool) for pool in pools]):
                for finding in await coming:
                    yield finding

    async def _rights(self, pools: Sequence[api.WorkerPool]) -> AsyncIterator[Finding]:
        asks = [("run operations", Ask(verb="create", plural="operations", group=api.GROUP, namespace=self._where))]
        asks += [
            (
                f"use pool {pool.metadata.name}",
                Ask(verb="use", plural="workerpools", group=api.GROUP, namespace=self._where, name=pool.metadata.name),
            )
            for pool in pools
        ]
        # A tunnel is opened with a GET; newer servers ask for `create` besides.
        asks += [
            (doctor.LOGS, Ask(verb=verb, plural="pods/portforward", namespace=self._where))
            for verb in ("get", "create")
        ]
        verdicts = [(what, await self.connection.access.may(ask)) for what, ask in asks]
        for what in dict(verdicts):
            refused = next((one for name, one in verdicts if name == what and not one.allowed), None)
            yield doctor.right(what, refused is None, refused.reason if refused is not None else "")

    async def _workers(self, pools: Sequence[api.WorkerPool]) -> AsyncIterator[Finding]:
        kind = await self.connection.objects.resource(api.API_VERSION, "Worker")
        listing = await self.connection.objects.list(kind, self._where)
        workers = [msgspec.convert(item, api.Worker) for item in listing.items]
        served = {name for worker in workers for name in worker.spec.pools}
        for pool in pools:
            if pool.metadata.name not in served:
                says = f"no Worker in {self._where} serves it"
                todo = "add it to spec.pools of a Worker (gitops pool add does)"
                yield Finding(level=Level.FAILED, about=f"pool {pool.metadata.name}", says=says, todo=todo)
        for worker in workers:
            about, status = f"worker {worker.metadata.name}", worker.status
            for finding in doctor.conditions(
                about, status.conditions, generation=worker.metadata.generation, observed=status.observed_generation
            ):
                yield finding
            look = partial(self._heartbeat, worker.metadata.name)
            for finding in await self._unless_denied(about, "its Lease", look):
                yield finding

    async def _heartbeat(self, worker: str) -> list[Finding]:
        found = await self.connection.objects.get(LEASES, self._where, _program.lease_name(worker, "worker"))
        return [doctor.heartbeat(worker, found, self.connection.clock.now())]

    async def _pool(self, pool: api.WorkerPool) -> AsyncIterator[Finding]:
        about, status, where = f"pool {pool.metadata.name}", pool.status, names.operations_namespace(pool)
        for finding in doctor.conditions(
            about, status.conditions, generation=pool.metadata.generation, observed=status.observed_generation
        ):
            yield finding
        for finding in await self._unless_denied(
            about, f"quotas of {where}", lambda: self._listed(QUOTAS, where, lambda found: doctor.quotas(pool, found))
        ):
            yield finding
        for finding in await self._unless_denied(
            about, f"limits of {where}", lambda: self._listed(LIMITS, where, lambda found: doctor.limits(pool, found))
        ):
            yield finding
        if pool.spec.image_pull_secrets:
            for finding in await self._unless_denied(
                about, f"Secrets of {where}", lambda: self._pull_secrets(pool, where)
            ):
                yield finding

    async def _listed(
        self, kind: Resource, where: str, judge: Callable[[Sequence[Manifest]], Iterable[Finding]]
    ) -> list[Finding]:
        return list(judge((await self.connection.objects.list(kind, where)).items))

    async def _pull_secrets(self, pool: api.WorkerPool, where: str) -> list[Finding]:
        known = {}
        for name in pool.spec.image_pull_secrets:
            known[name] = await self.connection.objects.get(SECRETS, where, name) is not None
        return list(doctor.pull_secrets(pool, known, where))

    @staticmethod
    async def _unless_denied(about: str, what: str, look: Callable[[], Awaitable[list[Finding]]]) -> list[Finding]:
        """What was found; that it may not be looked at is a finding, not an end."""
        try:
            return await look()
        except errors.ClusterDenied as error:
            return [Finding(level=Level.UNKNOWN, about=about, says=f"you may not look at {what}: {error.cause}")]

    async def _try(self, pool: api.WorkerPool) -> list[Finding]:
        """Run an operation; it is deleted again, and if it does not end in time it is said where it stands."""
        name, about = pool.metadata.name, f"pool {pool.metadata.name}"
        if pool.spec.suspended:
            return []
        kind = await _operations.kind(self.connection)
        try:
            made = await self.connection.objects.create(kind, self._operation(name))
        except errors.ClusterDenied as error:
            return [Finding(level=Level.FAILED, about=about, says=f"no operation can be created: {error.cause}")]
        operation = msgspec.convert(made, api.Operation)
        latest: api.Operation | None = operation
        self.shell.console.note(f"operation {operation.metadata.name} tries pool {name}")
        try:
            async with asyncio.timeout(duration.seconds(self.timeout)):
                async for latest in _operations.states(self.connection, operation):
                    if latest is not None:
                        self.shell.console.detail(f"{name}: {_operations.stands(latest)}")
        except TimeoutError:
            stands = _operations.stands(latest) if latest is not None else "deleted"
            return [doctor.unfinished(name, latest, self.timeout, stands)]
        finally:
            options = DeleteOptions(uid=operation.metadata.uid)
            await self.connection.objects.delete(kind, self._where, operation.metadata.name, options=options)
        if latest is None:
            return [Finding(level=Level.UNKNOWN, about=about, says="somebody deleted the operation that tried it")]
        return list(doctor.tried(name, latest))

    def _operation(self, pool: str) -> dict[str, Any]:
        metadata = {
            "name": f"{pool[:40]}-doctor-{secrets.token_hex(3)}",
            "namespace": self._where,
            "labels": {marks.CANARY: pool},
        }
        spec = {"pool": pool, "script": doctor.SCRIPT, "priority": 1000, "timeout": "1m"}
        return {"apiVersion": api.API_VERSION, "kind": "Operation", "metadata": metadata, "spec": spec}
