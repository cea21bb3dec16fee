"""One attempt from its pod's first sight to its end: clocks, log, cancel. Decides nothing twice."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

from gitops import api, errors
from gitops.api import duration
from gitops.objects import Manifest
from gitops.pods import clocks, command, outcome
from gitops.pods.stage import Progress, Stage
from gitops.ports.logstore import LogWriter
from gitops.ports.objects import DeleteOptions
from gitops.worker import deliver, follow, record, status, voice
from gitops.worker.live import Live
from gitops.worker.persist import persist
from gitops.worker.roster import Roster
from gitops.worker.station import Station

_BEGUN = frozenset({Stage.FETCHING, Stage.RUNNING, Stage.ENDED})
"""Stages in which the container runs, or ran: there is a log."""
UNCONFIRMED = 120.0
"""Seconds beyond the grace after which a deletion that the node does not confirm is given up on."""


@dataclass(slots=True, kw_only=True)
class _Watched:
    """What changes while an attempt is attended."""

    follower: asyncio.Task[str] | None = None
    delivery: asyncio.Task[outcome.GaveUp | None] | None = None
    gave_up: outcome.GaveUp | None = None
    deleted_at: float | None = None
    taken: bool = False
    """Another process has claimed the attempt: it is not this one's to give up."""
    pending: tuple[Progress, float] | None = None
    """What holds the pod before its script runs, and up to when that is accounted for."""


class Attendance:
    """Looks after one attempt whose pod was created or found."""

    def __init__(self, station: Station, roster: Roster, live: Live, writer: LogWriter) -> None:
        self._station = station
        self._roster = roster
        self._live = live
        self._writer = writer
        self._clock = station.ports.clock
        timeouts = live.pool.spec.timeouts
        operation = live.operation
        run = command.run_limit(operation, live.pool) if operation else duration.seconds(timeouts.run)
        self._clocks = clocks.Clocks(timeouts, run=run)
        self._limit = duration.seconds(timeouts.grace) + command.AFTER_GRACE + UNCONFIRMED
        self._voice = voice.Voice(station, roster, live)
        self._now = _Watched()

    async def attend(self) -> outcome.Evidence:
        """Until nothing more will come; everything known is in the evidence."""
        try:
            while True:
                # Cleared before looking: what comes while we look is looked at in the next round.
                self._live.changed.clear()
                evidence = await self._look()
                if evidence is not None:
                    return evidence
                await self._wait()
        finally:
            tasks = [task for task in (self._now.follower, self._now.delivery) if task is not None]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _look(self) -> outcome.Evidence | None:
        live, seen = self._live, self._now
        assert live.pod is not None  # noqa: S101 - attended only once it was seen
        progress = self._voice.progress()
        self._account(progress)
        seen.gave_up = seen.gave_up or status.gave_up(live.operation, live.key[1])
        if progress.stage is Stage.FETCHING:
            self._deliver()
        if seen.follower is None and progress.stage in _BEGUN and outcome.started(live.pod):
            seen.follower = asyncio.create_task(follow.follow(self._station, live, self._writer))
            seen.follower.add_done_callback(self._awake)
        if self._over(progress):
            return self._evidence()
        if live.cancel or seen.gave_up is not None:
            await self._delete()
            if seen.taken:
                return self._evidence()
        elif progress.stage is not Stage.ENDED and not live.gone:
            await self._voice.say()
        return None

    def _deliver(self) -> None:
        """Have the files brought for which the runner waits, as long as the attempt is to go on."""
        live, seen = self._live, self._now
        if seen.delivery is None:
            seen.delivery = asyncio.create_task(deliver.deliver(self._station, live, live.awaits))
            seen.delivery.add_done_callback(self._awake)
        if live.cancel or seen.gave_up is not None:
            seen.delivery.cancel()
        elif seen.delivery.done():
            seen.gave_up = seen.delivery.result()
            live.awaits = live.awaits if seen.gave_up is not None else []

    def _awake(self, _: asyncio.Future[Any]) -> None:
        self._live.changed.set()

    def _account(self, progress: Progress) -> None:
        """Add up how long the pod waits, and for what."""
        seen, now = self._now, self._clock.monotonic()
        if seen.pending is not None:
            held, since = seen.pending
            self._roster.figures.pend(self._live.pool.metadata.name, held, now - since)
        waits = progress.stage not in {Stage.RUNNING, Stage.ENDED} and not self._live.gone
        seen.pending = (progress, now) if waits else None

    def _over(self, progress: Progress) -> bool:
        seen = self._now
        if seen.follower is not None:
            return seen.follower.done() or self._unconfirmed()
        return self._live.gone or progress.stage is Stage.ENDED or self._unconfirmed()

    def _unconfirmed(self) -> bool:
        asked = self._now.deleted_at
        return asked is not None and self._clock.monotonic() - asked > self._limit

    def _evidence(self) -> outcome.Evidence:
        live, seen = self._live, self._now
        foreign = seen.follower.result() if seen.follower is not None and seen.follower.done() else ""
        return outcome.Evidence(
            pod=live.pod,
            gone=live.gone,
            record=self._writer.tally.record,
            cancel=live.cancel,
            gave_up=seen.gave_up,
            foreign=foreign,
            unconfirmed=self._unconfirmed(),
        )

    async def _wait(self) -> None:
        """Until something changed, the log ended, or a clock is due."""
        live, seen = self._live, self._now
        assert live.pod is not None  # noqa: S101 - attended only once it was seen
        now = self._clock.monotonic()
        gave_up, due = self._clocks.read(self._voice.progress(), now)
        if gave_up is not None and seen.gave_up is None and not live.cancel and not live.gone:
            await self._look_closer()
            if not live.gone:
                seen.gave_up, due = self._clocks.read(self._voice.progress(), now)
            return
        times = [time for time in (due, self._voice.due(), self._stop_at()) if time is not None and time > now]
        waits: set[asyncio.Task[object]] = {asyncio.create_task(live.changed.wait())}
        if times:
            waits.add(asyncio.create_task(self._clock.sleep(min(times) - now)))
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in waits:
                task.cancel()

    async def _look_closer(self) -> None:
        """Read the pod once more: what the watch told last may be old, and nobody is to be stopped for that."""
        live, objects, kind = self._live, self._station.ports.objects, self._station.kinds.pods
        assert live.pod is not None  # noqa: S101 - attended only once it was seen
        metadata = live.pod["metadata"]
        found = await persist(self._clock, lambda: objects.get(kind, metadata["namespace"], metadata["name"]))
        live.see_pod(found or live.pod, gone=found is None)

    def _stop_at(self) -> float | None:
        return None if self._now.deleted_at is None else self._now.deleted_at + self._limit + 1

    async def _delete(self) -> None:
        """Ask for the pod's end, once; its own grace period holds."""
        live, seen = self._live, self._now
        if live.gone or seen.deleted_at is not None or live.pod is None:
            return
        if seen.gave_up is not None and live.operation is not None and not live.cancel:
            seen.taken = await self._say_why(live.operation, seen.gave_up, live.pod) is record.Written.TAKEN
            if seen.taken:
                return
        await delete(self._station, live)
        seen.deleted_at = self._clock.monotonic()

    async def _say_why(self, operation: api.Operation, gave_up: outcome.GaveUp, pod: Manifest) -> record.Written:
        """So that whoever sees the pod go knows why: another replica, or this one's successor."""
        if status.gave_up(operation, self._live.key[1]) is not None:
            return record.Written.DONE
        content = status.finishing(gave_up, pod)
        return await record.write(self._station, self._roster, operation, lambda _: content, claim=self._live.claim)


async def delete(station: Station, live: Live) -> None:
    """Delete the attempt's pod, and no other of that name."""
    pod = live.pod
    if pod is None:
        return
    metadata, options = pod["metadata"], DeleteOptions(uid=live.pod_uid)
    try:
        there = await persist(
            station.ports.clock,
            lambda: station.ports.objects.delete(
                station.kinds.pods, metadata["namespace"], metadata["name"], options=options
            ),
        )
    except errors.VersionConflict:
        there = False
    if not there:
        live.gone = True
