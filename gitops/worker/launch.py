"""Claim, then create: at most one start of an attempt, whatever answers get lost on the way."""

from __future__ import annotations

from gitops import api, errors
from gitops.objects import Manifest
from gitops.pods import marks, refusal, render
from gitops.pods.outcome import GaveUp
from gitops.pods.render import Launch
from gitops.worker import record, status
from gitops.worker.fence import UNANSWERED, fence, marked
from gitops.worker.live import Live
from gitops.worker.persist import Backoff, persist
from gitops.worker.roster import Roster, is_final
from gitops.worker.station import Station


async def claim(station: Station, roster: Roster, launch: Launch, made: Manifest) -> api.Operation | None:
    """Take the operation by compare-and-swap; None if it is no longer there to be taken."""
    content = status.claimed(
        launch,
        identity=station.identity,
        spec_hash=render.spec_hash(made),
        revision=roster.revision(),
        since=station.ports.door.moment(launch.operation),
        now=station.ports.clock.now(),
    )
    try:
        return await record.swap(station, roster, launch.operation, content)
    except (errors.VersionConflict, errors.ObjectMissing):
        return None
    except errors.ClusterUnavailable:
        # Whether it was written is for storage to say.
        found = await record.fresh(station, launch.operation.metadata)
        if found is None:
            return None
        roster.put_operation(found)
        return found if _claimed_by(station, found, launch) else None


def _claimed_by(station: Station, operation: api.Operation, launch: Launch) -> bool:
    held = operation.status.claim
    return held is not None and held.worker == station.identity and held.attempt == launch.attempt


async def create(station: Station, live: Live, made: Manifest) -> GaveUp | None:
    """POST the pod until the answer is definite. On success `live` has the pod; else: why it cannot be.

    An unclear answer is followed by reading the operation, then the pod, both consistently, before any new POST of the
    same name; of two POSTs that both arrive the server refuses one. A cancelled attempt that is still unclear is made
    definite with a pod that no scheduler will place. See `fence` for an unanswered POST that is carried out late.
    """
    backoff = Backoff(station.ports.clock)
    begun: dict[str, float] = {}
    unclear = False
    live.made = made
    while unclear or not live.cancel:
        try:
            live.see_pod(await station.ports.objects.create(station.kinds.pods, _body(station, live, made)), gone=False)
        except errors.ObjectExists:
            return _adopt(live, await _existing(station, made))
        except errors.ClusterUnavailable as error:
            if error.ambiguous:
                unclear, live.unclear_until = True, station.ports.clock.monotonic() + UNANSWERED
            await backoff.pause(error.retry_after)
            gave_up = await _settle(station, live, made) if error.ambiguous else None
            if gave_up is not None or live.pod is not None:
                return gave_up
        except errors.ClusterError as error:
            refused = refusal.judge(error, made)
            now = station.ports.clock.monotonic()
            # What was not answered may still come about, and is then this attempt's pod.
            if now - begun.setdefault(refused.reason, now) >= refused.patience and now >= live.unclear_until:
                return GaveUp(reason=refused.reason, message=refused.message)
            await backoff.pause()
        else:
            return None
    return None


def _body(station: Station, live: Live, made: Manifest) -> Manifest:
    if live.cancel:
        return fence(made)
    return marked(made) if live.unclear_until > station.ports.clock.monotonic() else made


async def _settle(station: Station, live: Live, made: Manifest) -> GaveUp | None:
    """After an unclear answer: find out whether the operation is still ours to start, and whether the pod is there."""
    operation = live.operation
    if operation is not None:
        found = await record.fresh(station, operation.metadata)
        if found is None:
            live.see_operation(operation, gone=True)
        elif is_final(found) or not record.same_claim(found.status.claim, live.claim):
            return GaveUp(reason="TakenOver", message="another worker process has taken the operation over")
    pod = await _existing(station, made)
    return _adopt(live, pod) if pod is not None else None


async def _existing(station: Station, made: Manifest) -> Manifest | None:
    metadata = made["metadata"]
    return await persist(
        station.ports.clock,
        lambda: station.ports.objects.get(station.kinds.pods, metadata["namespace"], metadata["name"]),
    )


def _adopt(live: Live, pod: Manifest | None) -> GaveUp | None:
    if pod is None:
        # It existed a moment ago: it may have run. Another start of this attempt would be the second one.
        return GaveUp(reason="PodDeleted", message="the pod was deleted as soon as it was created")
    if marks.key_of(pod) != live.key:
        message = f"a pod named {pod['metadata']['name']} exists that belongs to something else"
        return GaveUp(reason="PodNameTaken", message=message)
    live.see_pod(pod, gone=False)
    return None
