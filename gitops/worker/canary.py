"""Runs pools' canaries: one operation after a change, its end told in a condition. No probe looks at it."""

from __future__ import annotations

import contextlib
import logging

from gitops import api, errors
from gitops.pods import canary
from gitops.ports.objects import Resource
from gitops.worker import condition
from gitops.worker.persist import persist
from gitops.worker.roster import Roster, read
from gitops.worker.station import Station

log = logging.getLogger(__name__)

LOOK = 2.0
AGAIN = 30.0
"""Seconds after a request that failed."""
OPERATIONS = Resource(group=api.GROUP, version=api.meta.VERSION, kind="Operation", plural="operations", namespaced=True)


class Canaries:
    """Looks at each pool that wants one; `trouble` says what keeps a pool from starting anything."""

    def __init__(self, station: Station, roster: Roster, trouble: dict[str, str]) -> None:
        self._station = station
        self._roster = roster
        self._trouble = trouble
        self._rest: dict[str, float] = {}

    async def run(self) -> None:
        """For ever."""
        clock = self._station.ports.clock
        while True:
            for pool in self._roster.served():
                name = pool.metadata.name
                if not pool.spec.canary.enabled or self._rest.get(name, 0.0) > clock.monotonic():
                    continue
                try:
                    await self._look(pool)
                except errors.ClusterError as error:
                    log.warning("the canary of pool %s: %s", name, error)
                    self._rest[name] = clock.monotonic() + AGAIN
            await clock.sleep(LOOK)

    async def _look(self, pool: api.WorkerPool) -> None:
        wanted = canary.digest(pool, self._station.runner)
        if canary.decided(pool, wanted):
            return
        if not canary.begun(pool, wanted):
            if self._trouble.get(pool.metadata.name) == "" and not pool.spec.suspended:
                await self._begin(pool, wanted)
            return
        name = pool.status.canary.operation
        found = self._known(name) or await self._fresh(pool, name)
        await self._say(pool, canary.verdict(pool, found), wanted, name)

    async def _begin(self, pool: api.WorkerPool, wanted: str) -> None:
        """Create it. That it is there already is the answer to an earlier attempt of ours, or of another replica."""
        with contextlib.suppress(errors.ObjectExists):
            await self._station.ports.objects.create(OPERATIONS, canary.operation(pool))
        name = canary.name(pool)
        await self._say(pool, canary.verdict(pool, await self._fresh(pool, name)), wanted, name)

    async def _say(self, pool: api.WorkerPool, news: dict[str, object], wanted: str, name: str) -> None:
        more = {"canary": {"digest": wanted, "operation": name}}
        await condition.say(self._station, self._station.kinds.pools, pool.metadata, news, more=more)

    def _known(self, name: str) -> api.Operation | None:
        return next((one for one in self._roster.operations.values() if one.metadata.name == name), None)

    async def _fresh(self, pool: api.WorkerPool, name: str) -> api.Operation | None:
        found = await persist(
            self._station.ports.clock,
            lambda: self._station.ports.objects.get(OPERATIONS, pool.metadata.namespace, name),
        )
        return read(api.Operation, found) if found is not None else None
