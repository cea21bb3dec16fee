"""From the container's log to the store: every frame once, through every disconnect."""

from __future__ import annotations

import contextlib

from gitops import errors
from gitops.pods import marks, outcome, stage
from gitops.ports.logstore import LogWriter
from gitops.runner.frames import Decoder
from gitops.worker.live import Live
from gitops.worker.persist import Backoff
from gitops.worker.refill import Intake
from gitops.worker.station import Station

REREADS = 5
"""Readings from the start after the container ended, for a log whose end record does not come."""
UNSURE = 2
"""Of these when nothing says that there is more: a script killed for memory has left no end record."""


async def follow(station: Station, live: Live, writer: LogWriter) -> str:
    """Store the log until its end record, or until there is nothing more to be had.

    Returns what stood in the log but is no frame: a shell that could not start the runner.
    """
    try:
        return await _to_the_end(station, live, writer)
    finally:
        live.heard_at = None


async def _to_the_end(station: Station, live: Live, writer: LogWriter) -> str:
    decoder, intake = Decoder(writer.tally.last), Intake(station, live, writer)
    backoff = Backoff(station.ports.clock, longest=5.0)
    left = REREADS
    while left and writer.tally.record is None:
        ended = live.gone or _ended(live)
        before = decoder.last
        try:
            await _read(station, live, decoder, writer, intake)
        except errors.ObjectMissing:
            # The watch will say so, too, with the pod's last state.
            left = 0 if live.gone else left
        except (errors.ClusterError, errors.TimedOut):
            # A node that has just joined cannot show logs yet: never the operation's fault.
            left -= ended
        else:
            # Under load the kubelet says that a container ended before its runtime has written the last lines to the
            # file: it ends early, and is whole a moment later.
            left = min(left, REREADS if _owed(live, writer) else UNSURE) - 1 if ended else left
        decoder.finish()
        if decoder.last > before:
            backoff.reset()
        if left and writer.tally.record is None:
            await backoff.pause()
            decoder.restart()
    return decoder.foreign.decode("utf-8", "replace").strip()


async def _read(station: Station, live: Live, decoder: Decoder, writer: LogWriter, intake: Intake) -> None:
    assert live.pod is not None  # noqa: S101 - a log is followed only of a pod that was seen
    metadata = live.pod["metadata"]
    chunks = station.ports.logs.read(metadata["namespace"], metadata["name"], marks.CONTAINER)
    async with contextlib.aclosing(chunks):
        live.heard_at = live.heard_at or station.ports.clock.monotonic()
        async for chunk in chunks:
            live.heard_at = station.ports.clock.monotonic()
            await intake.take(decoder.feed(chunk))
            if decoder.heard > writer.tally.last:
                await intake.refill(decoder.heard)
            decoder.last = max(decoder.last, writer.tally.last)
            if writer.tally.record is not None:
                return


def _owed(live: Live, writer: LogWriter) -> bool:
    """The runner's termination message speaks of frames that have not come."""
    record = outcome.end_record(live.pod)
    return record is not None and record.last_seq > writer.tally.last


def _ended(live: Live) -> bool:
    return live.pod is not None and stage.of(live.pod).stage is stage.Stage.ENDED
