"""What is written into an Operation's status, as merge patches."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec

from gitops import api
from gitops.api.operation import Attempt, Phase
from gitops.objects import Manifest, conditions
from gitops.pods import delivery, outcome, stage
from gitops.pods.refusal import Refusal
from gitops.pods.render import Launch
from gitops.runner.record import EndRecord
from gitops.runner.tally import Tally

MESSAGE_LIMIT = 2048


def rfc3339(when: datetime) -> str:
    """A time as Kubernetes writes it."""
    return when.strftime("%Y-%m-%dT%H:%M:%SZ")


TAKEN_OVER = "TakenOver"
"""Reason of an operation that somebody claimed before, and whose pod may or may not come."""


def claimed(
    launch: Launch, *, identity: str, spec_hash: str, revision: str, since: str, now: datetime
) -> dict[str, Any]:
    """The claim: who runs which attempt in which pod. Written before the pod exists."""
    claim = {
        "worker": identity,
        "attempt": launch.attempt,
        "pod": launch.name,
        "namespace": launch.namespace,
        "specHash": spec_hash,
        "at": rfc3339(now),
        "version": since,
    }
    return {"phase": Phase.STARTING, "reason": "Claimed", "message": "", "claim": claim, "revision": revision}


def taken_over(seconds: int) -> dict[str, Any]:
    """Part of a claim that takes the place of somebody else's."""
    message = f"the last worker's create of its pod may still be carried out: up to {seconds} s until another"
    return {"reason": TAKEN_OVER, "message": message}


def released(holder: str) -> dict[str, Any]:
    """The claim given back: somebody else was first with the mutex."""
    message = f"{holder} was first with its mutex"
    return {"phase": Phase.QUEUED, "reason": "WaitingForMutex", "message": message, "claim": None}


def unanswered(seconds: int) -> dict[str, Any]:
    """Nobody knows yet whether the pod was created."""
    message = f"the create of its pod was not answered and may still be carried out: up to {seconds} s until another"
    return {"reason": "CreateUnanswered", "message": message}


def attempt(number: int, pod: Manifest | None, ended: outcome.Outcome, *, started: bool, now: datetime) -> Attempt:
    """What is remembered of an attempt that is followed by another one."""
    metadata = pod["metadata"] if pod is not None else {}
    return Attempt(
        number=number,
        pod=metadata.get("name") or "",
        pod_uid=metadata.get("uid") or "",
        node=pod["spec"].get("nodeName") or "" if pod is not None else "",
        reason=ended.reason,
        message=ended.message[:MESSAGE_LIMIT],
        started=started,
        finished_at=rfc3339(now),
    )


def retrying(operation: api.Operation, last: Attempt, *, pause: int) -> dict[str, Any]:
    """The claim given back because the infrastructure failed the attempt; what was the attempt's own goes."""
    message = f"attempt {last.number} ended: {last.message}; the next one follows after {pause} s"
    own: dict[str, Any] = dict.fromkeys(("claim", "podUid", "node", "startedAt"))
    attempts = [*operation.status.attempts, last]
    again = {"phase": Phase.QUEUED, "reason": "Retrying", "message": message[:MESSAGE_LIMIT]}
    return {**again, **own, "attempts": msgspec.to_builtins(attempts)}


def progressing(progress: stage.Progress, pod: Manifest) -> dict[str, Any]:
    """The pod's identity and where it stands."""
    running = progress.stage in {stage.Stage.RUNNING, stage.Stage.ENDED}
    found: dict[str, Any] = {
        "phase": Phase.RUNNING if running else Phase.STARTING,
        "reason": progress.reason or progress.stage.value,
        "message": progress.message[:MESSAGE_LIMIT],
        "podUid": pod["metadata"].get("uid") or "",
    }
    node = pod["spec"].get("nodeName")
    if node:
        found["node"] = node
    begun = started_at(pod)
    if begun and running:
        found["startedAt"] = begun
    return found


def refused(refusal: Refusal) -> dict[str, Any]:
    """Why the API server does not take the pod; it is tried again."""
    return {"phase": Phase.STARTING, "reason": refusal.reason, "message": refusal.message[:MESSAGE_LIMIT]}


def finishing(gave_up: outcome.GaveUp, pod: Manifest) -> dict[str, Any]:
    """Why the worker ends the attempt itself. Written before the pod is deleted: afterwards nobody else could tell."""
    return {
        "phase": Phase.FINISHING,
        "reason": gave_up.reason,
        "message": gave_up.message[:MESSAGE_LIMIT],
        "podUid": pod["metadata"].get("uid") or "",
    }


def gave_up(operation: api.Operation | None, attempt: int) -> outcome.GaveUp | None:
    """Why a worker, this one or another, ends the attempt itself; None if none said so."""
    said = operation.status if operation is not None else None
    if said is None or said.phase != Phase.FINISHING or said.claim is None or said.claim.attempt != attempt:
        return None
    return outcome.GaveUp(reason=said.reason, message=said.message)


def started_at(pod: Manifest | None) -> str:
    """When the container started, by the node's clock; empty if it has not."""
    container = stage.container_status(pod) if pod else None
    state: Mapping[str, Any] = (container or {}).get("state") or {}
    for part in ("running", "terminated"):
        if (state.get(part) or {}).get("startedAt"):
            return str(state[part]["startedAt"])
    return ""


def finished(
    operation: api.Operation, ended: outcome.Outcome, *, pod: Manifest | None, tally: Tally | None, now: datetime
) -> dict[str, Any]:
    """The terminal status: phase, exit code, usage, what is known of the log, and the condition Finished."""
    at = rfc3339(now)
    condition = {
        "type": "Finished",
        "status": "True",
        "reason": ended.reason,
        "message": ended.message[:MESSAGE_LIMIT],
        "observedGeneration": operation.metadata.generation,
    }
    before = [to_plain(one) for one in operation.status.conditions]
    found: dict[str, Any] = {
        "phase": ended.phase,
        "reason": ended.reason,
        "message": ended.message[:MESSAGE_LIMIT],
        "finishedAt": at,
        "conditions": conditions.put(before, condition, now=at),
    }
    if ended.exit_code is not None:
        found["exitCode"] = ended.exit_code
    if pod is not None:
        found |= {"podUid": pod["metadata"].get("uid") or "", "node": pod["spec"].get("nodeName") or ""}
        begun = _begun(operation, ended, pod)
        found |= {"startedAt": begun} if begun else {}
    if tally is not None:
        found |= _log(ended, tally)
    return found


def _begun(operation: api.Operation, ended: outcome.Outcome, pod: Manifest) -> str:
    """When the script started: with its container, unless files were waited for; empty if it never did."""
    record = ended.record
    if record is None or not delivery.fetched(operation):
        return started_at(pod)
    return "" if record.files_awaited else f"{record.started[:19]}Z"


def _log(ended: outcome.Outcome, tally: Tally) -> dict[str, Any]:
    record = ended.record
    if record is None:
        return {"log": {"bytes": tally.bytes, "missing": tally.missing, "complete": False}}
    log: dict[str, Any] = {
        "lines": record.lines,
        "bytes": record.bytes,
        "missing": tally.missing_of(record) + record.dropped,
        "complete": tally.complete(record) and not record.dropped,
        "sha256": record.sha256,
    }
    return {"log": log, "usage": _usage(record)}


def _usage(record: EndRecord) -> dict[str, float | int]:
    """What is known of it: a node may tell nothing, which is not the same as nothing used."""
    usage = {
        "cpuSeconds": record.cpu_ms / 1000,
        "throttledSeconds": record.throttled_ms / 1000,
        "memoryPeakBytes": record.memory_peak,
    }
    return {name: value for name, value in usage.items() if value >= 0}


def to_plain(condition: api.Condition) -> dict[str, Any]:
    """A condition as JSON data."""
    return {
        "type": condition.type,
        "status": condition.status,
        "reason": condition.reason,
        "message": condition.message,
        "lastTransitionTime": condition.last_transition_time,
        "observedGeneration": condition.observed_generation,
    }
