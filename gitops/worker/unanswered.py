"""A create of a pod that was never answered may be carried out late. Until that can no longer be, there is no other.

The pod's name makes the second of two creates fail only as long as the first one's pod is there: whatever runs to its
end and is taken away while a create is still stuck somewhere (an admission webhook, an overloaded API server) would
start once more. So of an attempt no two creates are ever on their way at the same time, in whatever process.
"""

from __future__ import annotations

import asyncio
from typing import Final

from gitops import api, errors
from gitops.api.operation import Claim
from gitops.objects import Manifest
from gitops.pods import marks
from gitops.pods.outcome import GaveUp
from gitops.ports.history import Past
from gitops.ports.objects import CARRIED_OUT_WITHIN
from gitops.worker import record, status
from gitops.worker.live import Live
from gitops.worker.persist import Backoff, persist
from gitops.worker.roster import Roster, is_final, read
from gitops.worker.station import Station

SENT_WITHIN: Final = 10.0
"""Seconds after which another process may have taken an attempt over in which a create is still sent."""
UNANSWERED: Final = SENT_WITHIN + CARRIED_OUT_WITHIN
"""Seconds after a claim, or after a create was begun, in which an unanswered create may still be carried out."""
EVENTS_KEPT: Final = 2700.0
"""Seconds for which the API server certainly remembers Events; by itself it keeps them for an hour."""
TAKEN_OVER: Final = "TakenOver"
LOST: Final = "PodLost"


async def outlast(station: Station, roster: Roster, live: Live) -> GaveUp | None:
    """Wait until the attempt's pod is there (then `live` has it, gone or not) or certainly will not come.

    Returns why the attempt is not to go on; None if it has a pod, or certainly has none.
    """
    assert live.claim is not None  # noqa: S101 - whoever creates has claimed
    clock, backoff = station.ports.clock, Backoff(station.ports.clock)
    while live.pod is None:
        live.changed.clear()
        left = live.unclear_until - clock.monotonic()
        gave_up = adopt(live, await existing(station, live.claim))
        if gave_up is not None or live.pod is not None:
            return gave_up
        if left <= 0:
            return await _look_back(station, live, live.claim)
        await _say(station, roster, live)
        await _changed(station, live, min(left, backoff.next()))
    return None


async def _look_back(station: Station, live: Live, claim: Claim) -> GaveUp | None:
    """There is no pod, and none will come. There may have been one that somebody took away."""
    before = await past(station, claim)
    if before.last is not None:
        live.see_pod(before.last, gone=True)
    elif not before.known and (_long_ago(station, live) or await _left_traces(station, claim)):
        message = "a create of its pod was not answered; there is no pod, and nothing proves that there was none"
        return GaveUp(reason=LOST, message=message)
    return None


def _long_ago(station: Station, live: Live) -> bool:
    """What was said of the pod may be forgotten already."""
    return station.ports.clock.monotonic() - live.unclear_until > EVENTS_KEPT


async def past(station: Station, claim: Claim) -> Past:
    """What the API server remembers of the pod of a claim."""
    return await persist(
        station.ports.clock,
        lambda: station.ports.history.deleted(station.kinds.pods, claim.namespace, claim.pod, since=claim.version),
    )


async def _left_traces(station: Station, claim: Claim) -> bool:
    """The scheduler or a kubelet said something of the pod, or that cannot be known.

    Deletions are not remembered as long as Events, and an API server that has just started remembers none.
    """
    fields = f"involvedObject.name={claim.pod}"
    objects, kind = station.ports.objects, station.kinds.events
    try:
        listing = await persist(station.ports.clock, lambda: objects.list(kind, claim.namespace, fields=fields))
    except errors.ClusterDenied:
        return True
    return bool(listing.items)


async def existing(station: Station, claim: Claim) -> Manifest | None:
    """The claim's pod, by a consistent read."""
    return await persist(
        station.ports.clock, lambda: station.ports.objects.get(station.kinds.pods, claim.namespace, claim.pod)
    )


def adopt(live: Live, pod: Manifest | None) -> GaveUp | None:
    """Take a pod that was found as the attempt's; why not, if it is none."""
    if pod is None:
        return None
    if marks.key_of(pod) != live.key:
        message = f"a pod named {pod['metadata']['name']} exists that belongs to something else"
        return GaveUp(reason="PodNameTaken", message=message)
    live.see_pod(pod, gone=False)
    return None


async def ours(station: Station, live: Live) -> GaveUp | None:
    """Ask whether the attempt is still this process' own; None if it is, or if the operation was deleted.

    What is known from then on, `live.sure_until` has.
    """
    operation, clock = live.operation, station.ports.clock
    if operation is None:
        return None
    metadata = operation.metadata

    async def ask() -> Manifest | None:
        live.sure_until = clock.monotonic() + SENT_WITHIN
        return await station.ports.door.read(metadata)

    manifest = await persist(clock, ask)
    found = read(api.Operation, manifest) if manifest is not None else None
    if found is None:
        live.see_operation(operation, gone=True)
    elif is_final(found) or not record.same_claim(found.status.claim, live.claim):
        return GaveUp(reason=TAKEN_OVER, message="another worker process has taken the operation over")
    return None


async def _say(station: Station, roster: Roster, live: Live) -> None:
    """Once: the operation says what it waits for."""
    if live.operation is not None and live.operation.status.reason == "Claimed":
        content = status.unanswered(round(UNANSWERED))
        await record.write(station, roster, live.operation, lambda _: content, claim=live.claim)


async def _changed(station: Station, live: Live, seconds: float) -> None:
    """Until something is heard of the operation or its pod, or so much time has passed."""
    waits = {asyncio.create_task(live.changed.wait()), asyncio.create_task(station.ports.clock.sleep(seconds))}
    try:
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in waits:
            task.cancel()
