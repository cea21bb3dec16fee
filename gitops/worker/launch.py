"""Claim, then create: at most one start of an attempt, whatever answers get lost on the way."""

from __future__ import annotations

from gitops import api, errors
from gitops.objects import Manifest
from gitops.pods import refusal, render
from gitops.pods.outcome import GaveUp
from gitops.pods.render import Launch
from gitops.worker import record, status, unanswered
from gitops.worker.adopt import TAKE_OVER_AFTER
from gitops.worker.live import Live
from gitops.worker.persist import Backoff
from gitops.worker.refused import Refusals
from gitops.worker.roster import Roster
from gitops.worker.station import Station
from gitops.worker.unanswered import SENT_WITHIN, UNANSWERED


async def claim(
    station: Station, roster: Roster, live: Live, launch: Launch, made: Manifest, *, again: bool
) -> api.Operation | None:
    """Take the operation by compare-and-swap; None if it is no longer there to be taken. `again`: from somebody."""
    content = status.claimed(
        launch,
        identity=station.identity,
        spec_hash=render.spec_hash(made),
        revision=roster.revision(),
        since=station.ports.door.moment(launch.operation),
        now=station.ports.clock.now(),
    )
    if again:
        content |= status.taken_over(round(UNANSWERED))
    # Nobody takes a claim over at once.
    live.sure_until = station.ports.clock.monotonic() + TAKE_OVER_AFTER + SENT_WITHIN
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


async def create(station: Station, roster: Roster, live: Live, made: Manifest) -> GaveUp | None:
    """POST the pod until the answer is definite. On success `live` has the pod; else: why it cannot be.

    It is sent only while the attempt is certainly ours, and after an unclear answer only once the last create can no
    longer be carried out: see `unanswered`.
    """
    clock, backoff = station.ports.clock, Backoff(station.ports.clock)
    refusals = Refusals(station, roster, live)
    gave_up: GaveUp | None = None
    while gave_up is None and live.pod is None and not live.cancel:
        called = clock.monotonic()
        within = min(live.sure_until - called, SENT_WITHIN)
        if within <= 0:
            gave_up = await unanswered.ours(station, live)
            continue
        try:
            live.see_pod(await station.ports.objects.create(station.kinds.pods, made, within=within), gone=False)
        except errors.ObjectExists:
            return await _adopt(station, live)
        except errors.ClusterUnavailable as error:
            if error.ambiguous:
                live.unclear_until = called + UNANSWERED
                gave_up = await unanswered.outlast(station, roster, live)
            else:
                await backoff.pause(error.retry_after)
        except errors.ClusterError as error:
            refused = refusal.judge(error, made)
            if not await refusals.hear(refused):
                return GaveUp(reason=refused.reason, message=refused.message)
            await backoff.pause()
    refusals.account()
    return gave_up


async def _adopt(station: Station, live: Live) -> GaveUp | None:
    """The name is taken: by this attempt's pod, if another process was first."""
    assert live.claim is not None  # noqa: S101 - whoever creates has claimed
    pod = await unanswered.existing(station, live.claim)
    if pod is None:
        # It existed a moment ago: it may have run. Another start of this attempt would be the second one.
        return GaveUp(reason="PodDeleted", message="the pod was deleted as soon as it was created")
    return unanswered.adopt(live, pod)
