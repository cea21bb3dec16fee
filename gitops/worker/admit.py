"""Who may start now. Pure: from what is known to a list of names."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from gitops import api
from gitops.api import duration
from gitops.api.operation import Phase
from gitops.pods import marks
from gitops.pods.outcome import Outcome
from gitops.worker.roster import is_final

POOL_MAY_COME = 60
"""Seconds an operation waits for a pool that does not exist: both may have been applied together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Queue:
    """What waits: operations in the order in which they are started, by pool name."""

    waiting: Mapping[str, tuple[api.Operation, ...]]

    def start(self, pools: Iterable[api.WorkerPool], running: Mapping[str, int]) -> list[api.Operation]:
        """The operations that fit beside the `running` ones of each pool."""
        found: list[api.Operation] = []
        for pool in pools:
            if pool.spec.suspended:
                continue
            room = pool.spec.max_operations - running.get(pool.metadata.name, 0)
            found += self.waiting.get(pool.metadata.name, ())[: max(room, 0)]
        return found


def queue(operations: Iterable[api.Operation], *, live: Iterable[str]) -> Queue:
    """Operations that nobody runs yet, oldest first; the name decides between two of the same second."""
    busy = set(live)
    waiting: dict[str, list[api.Operation]] = {}
    for operation in operations:
        if is_final(operation) or operation.status.claim is not None or operation.metadata.uid in busy:
            continue
        waiting.setdefault(operation.spec.pool, []).append(operation)
    ordered = {
        pool: tuple(sorted(found, key=lambda one: (one.metadata.creation_timestamp, one.metadata.name)))
        for pool, found in waiting.items()
    }
    return Queue(waiting=ordered)


def running(pools: Iterable[str]) -> Mapping[str, int]:
    """How many run in each pool, from the pool of each live operation."""
    return Counter(pools)


def removed(operation: api.Operation) -> Outcome:
    """What becomes of an operation that waits in a pool which is taken away: it would wait for ever."""
    message = f"WorkerPool {operation.spec.pool} was removed before the operation started"
    return Outcome(phase=Phase.FAILED, reason="PoolRemoved", message=message)


def refuse(operation: api.Operation, pool: api.WorkerPool | None, *, now: datetime, why_not: str) -> Outcome | None:
    """Why a waiting operation will not be started any more; None if it may go on waiting.

    `why_not` says what keeps the pool from starting anything; empty if it is only full.
    """
    cancel = operation.metadata.annotations.get(marks.CANCEL)
    if cancel:
        message = f"cancelled before it started: {cancel}"
        return Outcome(phase=Phase.CANCELLED, reason="Cancelled", message=message)
    waited = _age(operation, now)
    if pool is None:
        if waited < POOL_MAY_COME:
            return None
        message = f"there is no WorkerPool {operation.spec.pool} in namespace {operation.metadata.namespace}"
        return Outcome(phase=Phase.FAILED, reason="PoolNotFound", message=message)
    limit = duration.seconds(pool.spec.timeouts.queued)
    if waited < limit:
        return None
    full = f"all {pool.spec.max_operations} places are taken" if not pool.spec.suspended else "the pool is suspended"
    message = f"waited {limit} s for a place in pool {pool.metadata.name}: {why_not or full}"
    return Outcome(phase=Phase.FAILED, reason="QueueTimeout", message=message)


def _age(operation: api.Operation, now: datetime) -> float:
    created = operation.metadata.creation_timestamp
    return (now - datetime.fromisoformat(created)).total_seconds() if created else 0.0
