"""Pods leave the disruption budget when their node has waited long enough: a drain is delayed, never stopped for good.

The budget of an operations namespace (`expand.pool`) selects pods by a label the worker gave them. What is done with a
pod after that is up to whoever drains the node; the operation then ends as `Evicted`.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator

from gitops import errors
from gitops.api import duration, names
from gitops.api.workerpool import Drain
from gitops.objects import Manifest
from gitops.pods import leaving, marks
from gitops.worker.roster import Roster
from gitops.worker.station import Station

log = logging.getLogger(__name__)

LOOK = 30.0
"""Seconds between looks at the nodes on which operations run."""


class Drainage:
    """Looks at the nodes of running operations."""

    def __init__(self, station: Station, roster: Roster) -> None:
        self._station = station
        self._roster = roster
        self._since: dict[str, float] = {}
        """When each node was first seen with a mark, on the wall clock: nodes and processes may be compared."""
        self._complained = False

    async def run(self) -> None:
        """For ever."""
        while True:
            try:
                await self.look()
            except (errors.ClusterError, OSError) as error:
                self._complain(error)
            await self._station.ports.clock.sleep(LOOK)

    async def look(self) -> None:
        """Once over all nodes that matter.

        Raises:
            ClusterError: a node cannot be read, or a pod not be written.
        """
        pods = list(self._guarded())
        nodes = {str(pod["spec"]["nodeName"]) for pod in pods}
        self._since = {name: since for name, since in self._since.items() if name in nodes}
        for name in sorted(nodes):
            waited = await self._waited(name)
            if waited is None:
                continue
            for pod in pods:
                if pod["spec"]["nodeName"] == name and waited >= self._limit(pod):
                    await self._give_up(pod, name, waited)

    def _guarded(self) -> Iterator[Manifest]:
        for pod in self._roster.pods.values():
            labels = pod["metadata"].get("labels") or {}
            if labels.get(names.PROTECTED) and (pod.get("spec") or {}).get("nodeName"):
                yield pod

    async def _waited(self, name: str) -> float | None:
        """Seconds for which a node is to be emptied already; None if it is not, or is gone."""
        node = await self._station.ports.objects.get(self._station.kinds.nodes, "", name)
        mark = leaving.read(node) if node is not None else None
        if mark is None:
            self._since.pop(name, None)
            return None
        now = self._station.ports.clock.now().timestamp()
        seen = self._since.setdefault(name, now)
        return now - min(seen, mark.since if mark.since is not None else seen)

    def _limit(self, pod: Manifest) -> float:
        pool = self._roster.pools.get(pod["metadata"]["labels"].get(marks.POOL, ""))
        return float(duration.seconds((pool.spec.drain if pool else Drain()).max_wait))

    async def _give_up(self, pod: Manifest, node: str, waited: float) -> None:
        """Take a pod out of the budget; one that moved meanwhile is looked at again the next time."""
        objects, kind, metadata = self._station.ports.objects, self._station.kinds.pods, pod["metadata"]
        fresh = await objects.get(kind, metadata["namespace"], metadata["name"])
        if fresh is None or fresh["metadata"]["uid"] != metadata["uid"]:
            return
        labels = {key: value for key, value in fresh["metadata"]["labels"].items() if key != names.PROTECTED}
        try:
            await objects.replace(kind, {**fresh, "metadata": {**fresh["metadata"], "labels": labels}})
        except (errors.VersionConflict, errors.ObjectMissing):
            return
        log.warning("%s may be evicted: node %s is to be emptied for %d s", metadata["name"], node, waited)

    def _complain(self, error: Exception) -> None:
        if not self._complained:
            log.warning("nodes cannot be looked at, so operations stay protected from a drain: %s", error)
        self._complained = True
