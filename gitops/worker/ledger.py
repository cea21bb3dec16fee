"""What operations used, added up in their pools' status: bounded, and there when the operations are gone.

Written rarely and all at once, by compare-and-swap, so that it costs no request an operation. What a process that dies
has not written yet is lost: half a minute of evidence among weeks.
"""

from __future__ import annotations

import logging

import msgspec

from gitops import api, errors
from gitops.api.workerpool import StepUsage
from gitops.sizing import observed
from gitops.sizing.observed import Run
from gitops.worker.roster import Roster, read
from gitops.worker.station import Station

log = logging.getLogger(__name__)

EVERY = 30.0
"""Seconds."""


class Ledger:
    """Writes what the roster has collected."""

    def __init__(self, station: Station, roster: Roster) -> None:
        self._station = station
        self._roster = roster
        self._unclear: dict[str, tuple[list[StepUsage], int]] = {}
        """What was written without an answer, and how many runs it added: found again, they are not added twice."""

    async def run(self) -> None:
        """For ever."""
        while True:
            await self._station.ports.clock.sleep(EVERY)
            for name, pending in list(self._roster.runs.items()):
                if pending:
                    await self._write(name, pending)

    async def _write(self, name: str, pending: list[Run]) -> None:
        """Add a pool's runs; whatever goes wrong, they stay for the next time."""
        written, kind = 0, self._station.kinds.pools
        pool = self._roster.pools.get(name)
        if pool is None:
            pending.clear()
            return
        try:
            # Read again: this process' own conditions may have been written since the watch told of the pool.
            found = await self._station.ports.objects.get(kind, pool.metadata.namespace, name)
            if found is not None:
                written = await self._swap(read(api.WorkerPool, found), list(pending))
        except (errors.ClusterError, msgspec.ValidationError) as error:
            log.warning("the usage of pool %s cannot be written now: %s", name, error)
            return
        del pending[:written]

    async def _swap(self, pool: api.WorkerPool, runs: list[Run]) -> int:
        """Add runs if the pool is still as it was read; how many of them are in it now."""
        metadata = pool.metadata
        unclear, count = self._unclear.pop(metadata.name, ([], 0))
        if count and unclear == pool.status.usage:
            return count
        usage = observed.fold(pool.status.usage, runs)
        patch = {
            "metadata": {"resourceVersion": metadata.resource_version, "uid": metadata.uid},
            "status": {"usage": msgspec.to_builtins(usage)},
        }
        kind = self._station.kinds.pools
        try:
            await self._station.ports.objects.patch_status(kind, metadata.namespace, metadata.name, patch)
        except errors.ClusterUnavailable:
            self._unclear[metadata.name] = (usage, len(runs))
            raise
        return len(runs)
