"""One clock per stage of a pod, and one per trouble within it. Fed with readings, it tells when to give up."""

from __future__ import annotations

from gitops.api import duration
from gitops.api.workerpool import Timeouts
from gitops.pods.outcome import GaveUp
from gitops.pods.stage import Progress, Stage

_REASONS = {
    Stage.UNSCHEDULABLE: "Unschedulable",
    Stage.SCALING: "Unschedulable",
    Stage.PULLING: "ImagePullTimeout",
    Stage.STARTING: "StartTimeout",
    Stage.FETCHING: "FilesUnavailable",
    Stage.RUNNING: "RunTimeout",
}
_STAGES = {
    Stage.SCALING: "without the node an autoscaler promised",
    Stage.FETCHING: "without its files",
}
BEHIND = 60.0
"""Seconds by which the worker's run clock goes after the runner's own: it is the second line."""


class Clocks:
    """When a pod entered its stage and met its troubles; times are seconds of a monotonic clock.

    After a restart of the worker they start anew: comparing our clock with a node's decides nothing.
    """

    def __init__(self, timeouts: Timeouts, *, run: int) -> None:
        self._limits = {
            Stage.UNSCHEDULABLE: float(duration.seconds(timeouts.unschedulable)),
            # A new node needs its time: the clock starts anew when an autoscaler says that one comes.
            Stage.SCALING: float(duration.seconds(timeouts.unschedulable)),
            Stage.PULLING: float(duration.seconds(timeouts.image_pull)),
            Stage.STARTING: float(duration.seconds(timeouts.starting)),
            Stage.FETCHING: float(duration.seconds(timeouts.files)),
            Stage.RUNNING: run + duration.seconds(timeouts.grace) + BEHIND,
        }
        self._stage: Stage | None = None
        self._since = 0.0
        self._troubles: dict[str, float] = {}

    def read(self, progress: Progress, now: float) -> tuple[GaveUp | None, float | None]:
        """Whether to give up now and, if not, when (on the same clock) to look again; None: no clock runs."""
        if progress.stage is not self._stage:
            self._stage, self._since = progress.stage, now
        limit = self._limits.get(progress.stage)
        if limit is None:
            return None, None
        due, reason = self._since + limit, _REASONS[progress.stage]
        if progress.patience is not None:
            first = self._troubles.setdefault(progress.reason, now)
            if first + progress.patience <= due:
                due, reason = first + progress.patience, progress.reason
        if now >= due:
            return GaveUp(reason=reason, message=_words(progress, limit, reason)), None
        return None, due


def _words(progress: Progress, limit: float, reason: str) -> str:
    why = f": {progress.message}" if progress.message else ""
    if reason == progress.reason and progress.patience is not None:
        return progress.message or progress.reason
    last = f" ({progress.reason})" if progress.reason and progress.reason != reason else ""
    return f"still {_STAGES.get(progress.stage, progress.stage.lower())} after {limit:.0f} s{last}{why}"
