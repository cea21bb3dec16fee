"""Saying where an attempt stands: once when its script runs, and while its pod waits only if that takes long."""

from __future__ import annotations

from typing import Any

from gitops.objects import Manifest
from gitops.pods import outcome, stage
from gitops.pods.stage import Progress, Stage
from gitops.worker import pending, record, status, tell
from gitops.worker.live import Live
from gitops.worker.roster import Roster
from gitops.worker.station import Station

SAY_AFTER = 10.0
"""Seconds of waiting after which the status says for what; a pod that starts sooner costs one request less."""
SAY_AGAIN = 15.0
SAY_ON_ITS_WAY = 60.0
"""The same for a pod that a node prepares: in a burst most wait half a minute, and a write each would say nothing."""
FETCHES = "FetchingFiles"
_PREPARED = frozenset({"ContainerCreating", "PodInitializing", "Preparing"})
_ON_ITS_WAY = _PREPARED | {"NotScheduled", FETCHES}
"""What every pod goes through: worth a line in the status, but no Event."""


class Voice:
    """What was said of one attempt, and when there is something to say next."""

    def __init__(self, station: Station, roster: Roster, live: Live) -> None:
        self._station = station
        self._roster = roster
        self._live = live
        self._clock = station.ports.clock
        self._begun = self._clock.monotonic()
        self._said: tuple[str, ...] | None = None
        self._said_at: float | None = None
        self._runs = False
        self._explained: Progress | None = None
        self._explained_at: float | None = None
        self._explanations = 0
        self._held: Progress | None = None
        """What the kubelet says holds a pod that it prepares."""
        self._asked = 0
        self._asked_at = self._begun

    def progress(self) -> Progress:
        """Where the pod stands, with what was found out while it waits for a node."""
        assert self._live.pod is not None  # noqa: S101 - asked only about a pod that was seen
        found = self._seen(self._live.pod)
        if found.stage is Stage.UNSCHEDULABLE:
            return self._explained or found
        return (self._held or found) if found.reason in _PREPARED else found

    def _seen(self, pod: Manifest) -> Progress:
        """Where the pod stands, and whether its runner waits for files: no pod says that."""
        found, live = stage.of(pod), self._live
        if found.stage is not Stage.RUNNING or not live.awaits:
            return found
        if live.trouble:
            return Progress(stage=Stage.FETCHING, reason=outcome.FILES_UNAVAILABLE, message=live.trouble)
        names = ", ".join(one.path for one in live.awaits)
        return Progress(stage=Stage.FETCHING, reason=FETCHES, message=f"the worker fetches {names}")

    def due(self) -> float | None:
        """When (on the monotonic clock) to speak again if there is news; None: all is said."""
        if self._runs:
            return None
        if self._explained_at is not None and self.progress().stage in {Stage.UNSCHEDULABLE, Stage.SCALING}:
            return self._explained_at + pending.AGAIN[min(self._explanations, len(pending.AGAIN)) - 1]
        if self._held is not None and self.progress() is self._held:
            return self._asked_at + SAY_AGAIN
        if self.progress().reason in _PREPARED:
            # Less and less often: an image that takes long is no news, and each look lists the pod's events.
            return max(self._asked_at, self._said_at or 0.0) + SAY_ON_ITS_WAY * (1 << self._asked)
        return self._begun + SAY_AFTER if self._said_at is None else self._said_at + SAY_AGAIN

    async def say(self) -> None:
        """Write where the pod stands if that is news and the time for it has come."""
        live, due = self._live, self.due()
        assert live.pod is not None  # noqa: S101 - asked only about a pod that was seen
        progress, now = self._seen(live.pod), self._clock.monotonic()
        if live.operation is None or status.gave_up(live.operation, live.key[1]) is not None:
            return
        if due is None or (progress.stage is not Stage.RUNNING and now < due):
            return
        if progress.stage is Stage.UNSCHEDULABLE:
            progress = await self._explain(progress, now)
        elif progress.reason in _PREPARED:
            progress = await self._ask(progress, now)
        told = self._explained is not None or self._held is not None
        news = (progress.stage.value, progress.reason, progress.message if told else "")
        if news == self._said:
            return
        content = status.progressing(progress, live.pod)
        written = await record.write(
            self._station, self._roster, live.operation, self._unless_given_up(content), claim=live.claim
        )
        self._said, self._said_at, self._runs = news, now, progress.stage is Stage.RUNNING
        if written is record.Written.DONE and not self._runs and progress.reason not in _ON_ITS_WAY:
            await tell.waits(self._station, live.operation, progress)

    def _unless_given_up(self, content: dict[str, Any]) -> record.Content:
        """Another replica's word that it ends the attempt stands."""
        return lambda current: {} if status.gave_up(current, self._live.key[1]) is not None else content

    async def _explain(self, progress: Progress, now: float) -> Progress:
        assert self._live.pod is not None  # noqa: S101 - asked only about a pod that was seen
        self._explained = await pending.explain(self._station, self._roster, self._live.pod, progress)
        self._explained_at, self._explanations = now, self._explanations + 1
        return self._explained

    async def _ask(self, progress: Progress, now: float) -> Progress:
        assert self._live.pod is not None  # noqa: S101 - asked only about a pod that was seen
        self._held = await pending.prepares(self._station, self._live.pod)
        self._asked_at, self._asked = now, self._asked + 1
        return self._held or progress
