"""One operation's task: claim, create, attend, store, report, delete. Each step may be the first after a restart."""

from __future__ import annotations

import logging
from dataclasses import replace

from gitops import api, errors
from gitops.api.operation import Phase
from gitops.pods import allowed, marks, outcome, render, retry
from gitops.pods.render import Launch
from gitops.ports.logstore import LogWriter
from gitops.sizing import observed
from gitops.worker import attend, launch, mutexes, record, status, tell, unanswered
from gitops.worker.live import Live
from gitops.worker.record import Written
from gitops.worker.roster import Roster
from gitops.worker.station import Station

log = logging.getLogger(__name__)


async def start(station: Station, roster: Roster, live: Live, attempt: Launch, *, again: bool = False) -> None:
    """Run an operation; return at once if somebody else claims it meanwhile.

    `again`: it was claimed before, and whoever did may have sent the create, and died before the answer.
    """
    found = allowed.refusals(attempt.operation, attempt.pool)
    if found:
        message = allowed.named(found, attempt.pool.metadata.name)
        ended = outcome.Outcome(phase=Phase.FAILED, reason="NotAllowed", message=message)
        await end_without_pod(station, roster, attempt.operation, ended)
        return
    try:
        made = render.pod(attempt)
    except errors.ConfigError as error:
        message = "; ".join(part for part in (str(error), error.hint) if part)
        ended = outcome.Outcome(phase=Phase.FAILED, reason="InvalidSpec", message=message)
        await end_without_pod(station, roster, attempt.operation, ended)
        return
    claimed = await launch.claim(station, roster, live, attempt, made, again=again)
    if claimed is None:
        return
    live.claimed(claimed)
    roster.figures.start(claimed, station.ports.clock.now())
    log.info("claimed", extra=_fields(claimed))
    if again:
        live.unclear_until = station.ports.clock.monotonic() + unanswered.UNANSWERED
        gave_up = await unanswered.outlast(station, roster, live)
        if gave_up is not None or live.pod is not None:
            await _launched(station, roster, live, gave_up)
            return
    if claimed.spec.mutex is not None and not await _own_mutex(station, roster, live, claimed):
        return
    await _launched(station, roster, live, await launch.create(station, roster, live, dict(made)))


async def _own_mutex(station: Station, roster: Roster, live: Live, claimed: api.Operation) -> bool:
    """Whether the mutex is ours although another process may have claimed at the same time; if not, give way."""
    while roster.heard < int(claimed.metadata.resource_version) and not live.cancel:
        live.changed.clear()
        await live.changed.wait()
    holder = mutexes.before(roster, claimed)
    if holder is None:
        return True
    content = status.released(holder.who)
    await record.write(station, roster, claimed, lambda _: content, claim=live.claim)
    return False


async def _launched(station: Station, roster: Roster, live: Live, gave_up: outcome.GaveUp | None) -> None:
    """See a claimed attempt through whose pod was made, or say why it was not."""
    if live.pod is not None:
        await see_through(station, roster, live)
    elif gave_up is not None and gave_up.reason == unanswered.LOST:
        await _conclude(station, roster, live)
    elif live.operation is not None and (gave_up is None or gave_up.reason != unanswered.TAKEN_OVER):
        evidence = outcome.Evidence(pod=None, gone=True, cancel=live.cancel, gave_up=gave_up)
        await end_without_pod(station, roster, live.operation, outcome.of(evidence))


async def see_through(station: Station, roster: Roster, live: Live) -> None:
    """Attend a pod to its end, make its log durable, report, and acknowledge by deleting it."""
    writer, finished = await station.ports.store.writer(live.log), False
    try:
        evidence = await attend.Attendance(station, roster, live, writer).attend()
        await writer.sync()
        written = await _report(station, roster, live, evidence, writer)
        finished = written is not Written.TAKEN or not _in_progress(roster, live)
    finally:
        await writer.close(finished=finished)
    if written is not Written.TAKEN:
        await attend.delete(station, live)


def _in_progress(roster: Roster, live: Live) -> bool:
    """Somebody else goes on with this attempt, and with its log."""
    operation = roster.operations.get(live.uid)
    claim = operation.status.claim if operation is not None else None
    return claim is not None and claim.attempt == live.key[1]


async def restart(station: Station, roster: Roster, live: Live, attempt: Launch) -> None:
    """Go on with a claim of which there is no pod: only if there certainly never was one.

    A pod may have been made, may even have run, and been deleted by somebody while no worker lived. Starting it again
    would be the second start. Claiming anew fences the last holder off.
    """
    claim = attempt.operation.status.claim
    if claim is not None:
        past = await unanswered.past(station, claim)
        if past.last is not None or not past.known:
            live.pod = past.last
            await _conclude(station, roster, live)
            return
    await start(station, roster, live, attempt, again=True)


async def conclude(station: Station, roster: Roster, live: Live) -> None:
    """Report the end of an attempt whose pod went while nobody looked.

    It is looked for once more: the watch of pods may be behind that of operations, which tells that there is one.
    """
    if live.claim is not None:
        pod = await unanswered.existing(station, live.claim)
        if pod is not None and marks.key_of(pod) == live.key:
            roster.put_pod(pod)
            return
        live.pod = (await unanswered.past(station, live.claim)).last
    await _conclude(station, roster, live)


async def _conclude(station: Station, roster: Roster, live: Live) -> None:
    """From the pod's last state, and from what the log store has of it."""
    writer = await station.ports.store.writer(live.log)
    try:
        evidence = outcome.Evidence(
            pod=live.pod,
            gone=True,
            record=writer.tally.record,
            cancel=live.cancel,
            gave_up=status.gave_up(live.operation, live.key[1]),
        )
        await _report(station, roster, live, evidence, writer)
    finally:
        await writer.close(finished=True)


async def acknowledge(station: Station, live: Live) -> None:
    """Delete a pod whose end is reported already: a worker died between the two."""
    await station.ports.store.end(live.log)
    await attend.delete(station, live)


async def _report(
    station: Station, roster: Roster, live: Live, evidence: outcome.Evidence, writer: LogWriter
) -> Written:
    """Write the attempt's end: the operation's own, or that another attempt follows."""
    evidence = await _explained(station, live, evidence)
    operation, ended = live.operation, outcome.of(evidence)
    if operation is not None and retry.wanted(operation, live.pool.spec.retry, evidence, ended):
        return await _try_again(station, roster, live, evidence, operation)
    if operation is None:
        roster.figures.end(live.pool.metadata.name, ended)
        log.info("ended after its operation was deleted: %s", ended.message, extra={"operation_uid": live.uid})
        return Written.DELETED
    now = station.ports.clock.now()
    written = await record.write(
        station,
        roster,
        operation,
        lambda current: status.finished(current, ended, pod=live.pod, tally=writer.tally, now=now),
        claim=live.claim,
    )
    if written is Written.TAKEN:
        log.info("left to the process that took it over", extra=_fields(operation))
        return written
    roster.figures.end(live.pool.metadata.name, ended)
    used = observed.run(operation, ended, at=status.rfc3339(now))
    if used is not None and written is Written.DONE:
        roster.runs[operation.spec.pool].append(used)
    log.info("%s: %s", ended.reason, ended.message, extra=_fields(operation))
    await tell.ended(station, operation, ended, written)
    return written


async def _explained(station: Station, live: Live, evidence: outcome.Evidence) -> outcome.Evidence:
    """The evidence with what is behind a deletion that nothing explains.

    Who deletes the pod says why in the Operation first, and the watch of pods may still be ahead of that of operations.
    """
    if live.operation is None or outcome.of(evidence).reason not in outcome.UNEXPLAINED:
        return evidence
    current = await record.fresh(station, live.operation.metadata)
    live.see_operation(current or live.operation, gone=current is None)
    return replace(evidence, cancel=live.cancel, gave_up=status.gave_up(live.operation, live.key[1]))


async def _try_again(
    station: Station, roster: Roster, live: Live, evidence: outcome.Evidence, operation: api.Operation
) -> Written:
    """Give the claim back, with what became of this attempt; admission starts the next one when it is due."""
    ended, now = outcome.of(evidence), station.ports.clock.now()
    attempt = status.attempt(live.key[1], live.pod, ended, started=retry.may_have_started(evidence), now=now)
    pause = retry.delay(live.pool.spec.retry, len(operation.status.attempts) + 1)
    written = await record.write(
        station,
        roster,
        operation,
        lambda current: status.retrying(current, attempt, pause=pause),
        claim=live.claim,
    )
    log.warning("%s: %s; another attempt follows", ended.reason, ended.message, extra=_fields(operation))
    await tell.retries(station, operation, attempt, written)
    return written


async def end_without_pod(station: Station, roster: Roster, operation: api.Operation, ended: outcome.Outcome) -> None:
    """Report the end of an operation that never had a pod."""
    now = station.ports.clock.now()
    roster.figures.end(operation.spec.pool, ended)
    written = await record.write(
        station,
        roster,
        operation,
        lambda current: status.finished(current, ended, pod=None, tally=None, now=now),
        claim=operation.status.claim,
    )
    log.info("%s: %s", ended.reason, ended.message, extra=_fields(operation))
    await tell.ended(station, operation, ended, written)


def _fields(operation: api.Operation) -> dict[str, str]:
    return {"operation": operation.metadata.name, "operation_uid": operation.metadata.uid, "pool": operation.spec.pool}
