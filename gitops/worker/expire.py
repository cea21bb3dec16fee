"""Deleting Operations a while after their end, if they or their pool say so. Logs have a retention of their own."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import datetime

from gitops import api, errors
from gitops.api import duration
from gitops.worker.roster import Roster, is_final
from gitops.worker.station import Station

log = logging.getLogger(__name__)

LOOK = 10.0
"""Seconds between looks; an Operation lives up to that much longer than it says."""


class Expiry:
    """Looks at operations that ended."""

    def __init__(self, station: Station, roster: Roster) -> None:
        self._station = station
        self._roster = roster
        self._complained = False

    async def run(self) -> None:
        """For ever."""
        while True:
            await self._station.ports.clock.sleep(LOOK)
            try:
                await self.look()
            except (errors.ClusterError, OSError) as error:
                self._complain(error)

    async def look(self) -> None:
        """Once over all operations.

        Raises:
            ClusterError: one cannot be deleted.
        """
        for operation in list(self._due(self._station.ports.clock.now())):
            await self._station.ports.door.forget(operation)
            log.info("deleted, its time was over", extra={"operation": operation.metadata.name})

    def _due(self, now: datetime) -> Iterator[api.Operation]:
        """What ended long enough ago, and has no pod left: a pod without its operation would be a cancelled one."""
        busy = {uid for uid, _ in self._roster.pods}
        for operation in self._roster.operations.values():
            limit = self._limit(operation)
            if limit is None or not is_final(operation) or operation.metadata.uid in busy:
                continue
            ended = operation.status.finished_at
            if ended and (now - datetime.fromisoformat(ended)).total_seconds() >= limit:
                yield operation

    def _limit(self, operation: api.Operation) -> int | None:
        """Seconds after its end, of an operation of a pool of ours."""
        pool = self._roster.pools.get(operation.spec.pool)
        if pool is not None and pool not in self._roster.served():
            return None
        text = operation.spec.ttl_after_finished or (pool.spec.ttl_after_finished if pool is not None else "")
        return duration.seconds(text) if text else None

    def _complain(self, error: Exception) -> None:
        if not self._complained:
            log.warning("operations whose time is over cannot be deleted: %s", error)
        self._complained = True
