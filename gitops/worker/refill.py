"""Frames the kubelet no longer shows, fetched from the runner's spool in the pod.

The kubelet keeps only the newest log file readable: whoever writes faster than it is read loses the middle. The numbers
of the frames show the gap; the runner has kept what it wrote.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Sequence

from gitops import errors, runner
from gitops.pods import command, marks
from gitops.ports.logstore import LogWriter
from gitops.runner.frames import Decoder, Frame
from gitops.worker.live import Live
from gitops.worker.persist import Backoff
from gitops.worker.station import Station

log = logging.getLogger(__name__)

ATTEMPTS = 3
"""In a row that bring nothing: the container has ended, or we may not enter it. What is missing stays missing."""
OUTAGE = 300.0
"""Seconds a server that does not answer is waited for: the spool keeps what it has."""


class Intake:
    """Takes frames as they come and appends them in order, with as few gaps as can be."""

    def __init__(self, station: Station, live: Live, writer: LogWriter) -> None:
        self._station = station
        self._live = live
        self._writer = writer
        self._left = ATTEMPTS

    async def take(self, frames: Sequence[Frame]) -> None:
        """Append frames whose numbers rise; before one that skips, what it skipped is fetched."""
        while frames:
            wanted = self._writer.tally.last + 1
            if frames[0].seq > wanted:
                await self.refill(frames[0].seq - 1)
                frames = [frame for frame in frames if frame.seq > self._writer.tally.last]
            size = _run(frames)
            if size:
                await self._writer.append(frames[:size])
            frames = frames[size:]

    async def refill(self, upto: int) -> None:
        """Fetch what is missing up to this number, as far as it is still there."""
        tally, clock = self._writer.tally, self._station.ports.clock
        backoff, since = Backoff(clock, longest=5.0), clock.monotonic()
        while tally.last < upto and self._left:
            before = tally.last
            try:
                await self._replay(before + 1)
            except errors.ClusterError as error:
                log.info("the spool of %s cannot be read: %s", self._live.uid, error)
                if _unanswered(error) and not self._live.gone and clock.monotonic() - since < OUTAGE:
                    await backoff.pause()
                    continue
            # A spool that is just being turned over, or has lost the beginning, brings nothing the next time either.
            self._left = ATTEMPTS if tally.last > before else self._left - 1
        if tally.last < upto:
            await self._reread(upto)

    async def _reread(self, upto: int) -> None:
        """A followed log may skip what its file still has: read it once more, from the start."""
        assert self._live.pod is not None  # noqa: S101 - as below
        metadata, tally = self._live.pod["metadata"], self._writer.tally
        decoder = Decoder(tally.last)
        names = (metadata["namespace"], metadata["name"], marks.CONTAINER)
        try:
            async with contextlib.aclosing(self._station.ports.logs.read(*names, follow=False)) as chunks:
                async for chunk in chunks:
                    frames = [frame for frame in decoder.feed(chunk) if frame.seq <= upto]
                    if frames and frames[0].seq == tally.last + 1:
                        await self._writer.append(frames[: _run(frames)])
        except errors.ClusterError as error:
            log.info("the log of %s cannot be read again: %s", self._live.uid, error)

    async def _replay(self, first: int) -> None:
        assert self._live.pod is not None  # noqa: S101 - a log is followed only of a pod that was seen
        metadata = self._live.pod["metadata"]
        line = [
            "/bin/sh",
            f"{command.RUNNER}/{runner.START}",
            "--replay",
            str(first),
            "--spool",
            command.SPOOL,
        ]
        decoder = Decoder(first - 1)
        output = self._station.ports.exec.run(metadata["namespace"], metadata["name"], marks.CONTAINER, line)
        async with contextlib.aclosing(output):
            async for chunk in output:
                frames = decoder.feed(chunk)
                if frames:
                    await self._writer.append(frames)


def _unanswered(error: errors.ClusterError) -> bool:
    """The API server said nothing at all, or broke off: it may be restarting, and says nothing of the spool."""
    return isinstance(error, errors.ClusterUnavailable) and not error.status


def _run(frames: Sequence[Frame]) -> int:
    """How many frames from the first on follow each other without a gap."""
    if not frames or frames[-1].seq - frames[0].seq == len(frames) - 1:
        return len(frames)
    first = frames[0].seq
    return next(index for index, frame in enumerate(frames) if frame.seq != first + index)
