"""An unanswered create may be carried out late: until that can no longer be, the attempt's pod name stays taken.

The name is what makes the second of two creates fail. It becomes free when the pod goes, and a create that was stuck
somewhere (an admission webhook, an overloaded API server) would then start the attempt once more.
"""

from __future__ import annotations

import asyncio
from typing import Final

from gitops import errors
from gitops.api.meta import GROUP
from gitops.objects import Manifest
from gitops.pods import marks
from gitops.worker import attend
from gitops.worker.live import Live
from gitops.worker.persist import Backoff, persist
from gitops.worker.station import Station

UNANSWERED: Final = 65.0
"""Seconds after which the API server has certainly given up a request: its own limit is 60."""
_GATE: Final = f"{GROUP}/fence"


def fence(made: Manifest) -> Manifest:
    """A pod of the same name that no scheduler will place."""
    return {**marked(made), "spec": {**made["spec"], "schedulingGates": [{"name": _GATE}]}}


def marked(made: Manifest) -> Manifest:
    """Says to whoever adopts the pod that an earlier create of it is unanswered."""
    metadata = made["metadata"]
    annotations = {**(metadata.get("annotations") or {}), marks.UNANSWERED: "true"}
    return {**made, "metadata": {**metadata, "annotations": annotations}}


def is_marked(pod: Manifest) -> bool:
    """See `marked`."""
    return marks.UNANSWERED in (pod["metadata"].get("annotations") or {})


def fences(pod: Manifest) -> bool:
    """It only keeps a name."""
    gates = (pod.get("spec") or {}).get("schedulingGates") or ()
    return any(gate.get("name") == _GATE for gate in gates)


async def outlast(station: Station, live: Live) -> None:
    """Return when no create of ours can be carried out any more; until then a pod of the attempt's name exists."""
    clock, backoff = station.ports.clock, Backoff(station.ports.clock)
    while (left := live.unclear_until - clock.monotonic()) > 0:
        if not live.gone:
            await _changed(station, live, left)
            continue
        if live.made is None:
            return
        try:
            live.replace_pod(await station.ports.objects.create(station.kinds.pods, fence(live.made)))
        except errors.ObjectExists:
            await _take_away(station, live, live.made)
        except errors.ClusterError:
            # Without a fence there is still this: whoever sees a pod of an attempt that is over deletes it.
            await backoff.pause()


async def _take_away(station: Station, live: Live, made: Manifest) -> None:
    """A create was carried out late indeed: what it made must not run, or not for long."""
    metadata, objects, kind = made["metadata"], station.ports.objects, station.kinds.pods
    found = await persist(station.ports.clock, lambda: objects.get(kind, metadata["namespace"], metadata["name"]))
    if found is None:
        return
    live.replace_pod(found)
    if not fences(found):
        await attend.delete(station, live)


async def _changed(station: Station, live: Live, seconds: float) -> None:
    """Until something is heard of the operation or its pod, or so much time has passed."""
    live.changed.clear()
    waits = {asyncio.create_task(live.changed.wait()), asyncio.create_task(station.ports.clock.sleep(seconds))}
    try:
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in waits:
            task.cancel()
