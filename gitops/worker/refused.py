"""An attempt whose pod the API server does not take yet: how long to go on, and saying for what it waits."""

from __future__ import annotations

from gitops.pods.refusal import Refusal
from gitops.pods.stage import Progress, Stage
from gitops.worker import record, status, tell
from gitops.worker.live import Live
from gitops.worker.roster import Roster
from gitops.worker.station import Station
from gitops.worker.voice import SAY_AFTER


class Refusals:
    """The refusals of one attempt so far."""

    def __init__(self, station: Station, roster: Roster, live: Live) -> None:
        self._station = station
        self._roster = roster
        self._live = live
        self._begun: dict[str, float] = {}
        self._last: tuple[Progress, float] | None = None
        self._said = ""

    async def hear(self, refused: Refusal) -> bool:
        """One more; whether to try again. What takes long is said in the status, as an Event and in the metrics."""
        now = self._station.ports.clock.monotonic()
        since = self._begun.setdefault(refused.reason, now)
        self.account(Progress(stage=Stage.STARTING, reason=refused.reason, message=refused.message))
        if now - since >= refused.patience:
            return False
        if now - min(self._begun.values()) >= SAY_AFTER and self._said != refused.reason:
            await self._say(refused)
        return True

    def account(self, progress: Progress | None = None) -> None:
        """Add up how long it waited; `progress`: for what it waits from now on, None if it waits no more."""
        now = self._station.ports.clock.monotonic()
        if self._last is not None:
            held, since = self._last
            self._roster.figures.pend(self._live.pool.metadata.name, held, now - since)
        self._last = None if progress is None else (progress, now)

    async def _say(self, refused: Refusal) -> None:
        operation = self._live.operation
        if operation is None:
            return
        self._said = refused.reason
        content = status.refused(refused)
        written = await record.write(self._station, self._roster, operation, lambda _: content, claim=self._live.claim)
        if written is record.Written.DONE:
            progress = Progress(stage=Stage.STARTING, reason=refused.reason, message=refused.message)
            await tell.waits(self._station, operation, progress)
