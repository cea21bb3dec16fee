"""What to do about operations and pods that nobody in this process looks after. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from gitops import api
from gitops.objects import Manifest
from gitops.pods import marks
from gitops.worker.roster import Roster, is_final

TAKE_OVER_AFTER = 20.0
"""Seconds a foreign claim without a pod is left alone: its holder's create may still be on the way."""


class Duty(StrEnum):
    """What is to be done."""

    ATTEND = "attend"
    """The pod runs, or ran: follow it to its end."""
    RESTART = "restart"
    """Claimed, but there is no pod and never was one that we know of."""
    CONCLUDE = "conclude"
    """The pod is gone, and its end was not reported."""
    ACKNOWLEDGE = "acknowledge"
    """The end is reported; only the pod is left."""
    CHECK = "check"
    """A pod without an operation: deleted, or not seen yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A duty, and about what."""

    duty: Duty
    key: tuple[str, int]
    operation: api.Operation | None
    pod: Manifest | None


def namespaces(roster: Roster, own: frozenset[str]) -> frozenset[str]:
    """The namespaces whose pods must be known: of the pools served, and of what was begun under older settings."""
    begun = {
        operation.status.claim.namespace
        for operation in roster.open.values()
        if operation.status.claim is not None and _ours(roster, operation)
    }
    return own | begun - {""}


def duties(roster: Roster, *, worker: str) -> Iterator[Found]:
    """Everything begun, as far as its namespace is known completely."""
    for operation in roster.open.values():
        claim = operation.status.claim
        if claim is None or f"pods/{claim.namespace}" not in roster.synced:
            continue
        key = (operation.metadata.uid, claim.attempt)
        pod = roster.pods.get(key)
        if pod is not None:
            if _of_worker(pod, worker) or _ours(roster, operation):
                yield Found(duty=Duty.ATTEND, key=key, operation=operation, pod=pod)
        elif _ours(roster, operation):
            duty = Duty.CONCLUDE if operation.status.pod_uid else Duty.RESTART
            yield Found(duty=duty, key=key, operation=operation, pod=None)
    yield from _pods(roster, worker)


def _pods(roster: Roster, worker: str) -> Iterator[Found]:
    for key, pod in roster.pods.items():
        if not _of_worker(pod, worker):
            continue
        operation = roster.operations.get(key[0])
        if operation is None:
            yield Found(duty=Duty.CHECK, key=key, operation=None, pod=pod)
        elif (is_final(operation) or _superseded(operation, key[1])) and not pod["metadata"].get("deletionTimestamp"):
            yield Found(duty=Duty.ACKNOWLEDGE, key=key, operation=operation, pod=pod)


def _superseded(operation: api.Operation, attempt: int) -> bool:
    claim = operation.status.claim
    return attempt < claim.attempt if claim is not None else attempt <= len(operation.status.attempts)


def _of_worker(pod: Manifest, worker: str) -> bool:
    return bool((pod["metadata"].get("labels") or {}).get(marks.WORKER) == worker)


def _ours(roster: Roster, operation: api.Operation) -> bool:
    """The pool is one of ours, or is gone altogether, and with it everybody whose it could be."""
    pool = operation.spec.pool
    return pool not in roster.pools or (roster.worker is not None and pool in roster.worker.spec.pools)
