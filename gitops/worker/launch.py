"""Claim, then create: at most one start of an attempt, whatever answers get lost on the way."""

from __future__ import annotations

from gitops import api, errors
from gitops.api.meta import GROUP
from gitops.objects import Manifest
from gitops.pods import marks, refusal, render
from gitops.pods.outcome import GaveUp
from gitops.pods.render import Launch
from gitops.worker import record, status
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
    definite with a pod that no scheduler will place.
    """
    backoff = Backoff(station.ports.clock)
    begun: dict[str, float] = {}
    unclear = False
    while unclear or not live.cancel:
        body = _fence(made) if live.cancel else made
        try:
            live.see_pod(await station.ports.objects.create(station.kinds.pods, body), gone=False)
        except errors.ObjectExists:
            return _adopt(live, await _existing(station, made))
        except errors.ClusterUnavailable as error:
            unclear = unclear or error.ambiguous
            await backoff.pause(error.retry_after)
            gave_up = await _settle(station, live, made) if error.ambiguous else None
            if gave_up is not None or live.pod is not None:
                return gave_up
        except errors.ClusterError as error:
            refused = refusal.judge(error)
            now = station.ports.clock.monotonic()
            if now - begun.setdefault(refused.reason, now) >= refused.patience:
                return GaveUp(reason=refused.reason, message=refused.message)
            await backoff.pause()
        else:
            return None
    return None


def _fence(made: Manifest) -> Manifest:
    return {**made, "spec": {**made["spec"], "schedulingGates": [{"name": f"{GROUP}/cancelled"}]}}


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
