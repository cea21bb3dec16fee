"""Who may start now. Pure: from what is known to a list of names."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from gitops import api
from gitops.api import duration
from gitops.api.operation import Mutex, Phase
from gitops.pods import marks, retry
from gitops.pods.outcome import Outcome
from gitops.worker import mutexes
from gitops.worker.mutexes import Hold
from gitops.worker.roster import is_final

POOL_MAY_COME = 60
"""Seconds an operation waits for a pool that does not exist: both may have been applied together."""


@dataclass(frozen=True, kw_only=True)
class Queue:
    """What waits: operations in the order in which they are started, by pool name."""

    waiting: Mapping[str, tuple[api.Operation, ...]]

    def start(
        self,
        pools: Iterable[api.WorkerPool],
        running: Mapping[str, int],
        taken: Iterable[Hold] = (),
        *,
        resting: Container[str] = (),
    ) -> list[api.Operation]:
        """The operations that fit beside the `running` ones of each pool and beside the mutexes `taken`.

        The pools take turns, so that a burst in one does not delay the others. Who waits for a mutex takes no place,
        nor does one of the `resting` (UIDs), whose next attempt is not due yet.
        """
        rooms = {
            pool.metadata.name: max(pool.spec.max_operations - running.get(pool.metadata.name, 0), 0)
            for pool in pools
            if not pool.spec.suspended
        }
        holds = list(taken)
        lines = [(one for one in self.waiting.get(pool, ()) if one.metadata.uid not in resting) for pool in rooms]
        awaited = self._awaited(rooms)
        found: list[api.Operation] = []
        while lines:
            for line in tuple(lines):
                operation = self._next(line, holds, awaited)
                if operation is None or not rooms[operation.spec.pool]:
                    lines.remove(line)
                    continue
                rooms[operation.spec.pool] -= 1
                found.append(operation)
                mine = mutexes.hold(operation)
                if mine is not None:
                    holds.append(mine)
        return found

    def waits_for(self, operation: api.Operation, taken: Iterable[Hold]) -> Hold | None:
        """Who keeps an operation from the mutex it needs: a holder, or one that is before it in the line."""
        mutex = operation.spec.mutex
        return _waits_for(operation, mutex, taken, self._lines) if mutex is not None else None

    @cached_property
    def _lines(self) -> Mapping[str, list[api.Operation]]:
        return self._awaited(self.waiting)

    @staticmethod
    def _next(
        line: Iterator[api.Operation], holds: list[Hold], awaited: Mapping[str, list[api.Operation]]
    ) -> api.Operation | None:
        for operation in line:
            mutex = operation.spec.mutex
            if mutex is None or _waits_for(operation, mutex, holds, awaited) is None:
                return operation
        return None

    def _awaited(self, pools: Iterable[str]) -> Mapping[str, list[api.Operation]]:
        """For each mutex who waits for it in these pools, in order."""
        lines: dict[str, list[api.Operation]] = {}
        for pool in pools:
            for operation in self.waiting.get(pool, ()):
                if operation.spec.mutex is not None:
                    lines.setdefault(operation.spec.mutex.name, []).append(operation)
        for line in lines.values():
            line.sort(key=order)
        return lines


def _waits_for(
    operation: api.Operation, mutex: Mutex, taken: Iterable[Hold], awaited: Mapping[str, list[api.Operation]]
) -> Hold | None:
    held = mutexes.in_the_way(mutex, operation.metadata.uid, taken)
    if held is not None:
        return held
    # Whoever came first goes first, so that readers cannot starve a writer.
    for one in awaited.get(mutex.name, ()):
        if one.metadata.uid == operation.metadata.uid:
            break
        mine = mutexes.hold(one)
        if mine is not None and not mutexes.compatible(mine.mode, mutex.mode):
            return mine
    return None


def order(operation: api.Operation) -> tuple[int, str, str]:
    """By priority, then oldest first; the name decides between two of the same second."""
    return -operation.spec.priority, operation.metadata.creation_timestamp, operation.metadata.name


def queue(operations: Iterable[api.Operation], *, live: Iterable[str]) -> Queue:
    """Operations that nobody runs yet, in their order."""
    busy = set(live)
    waiting: dict[str, list[api.Operation]] = {}
    for operation in operations:
        if is_final(operation) or operation.status.claim is not None or operation.metadata.uid in busy:
            continue
        waiting.setdefault(operation.spec.pool, []).append(operation)
    return Queue(waiting={pool: tuple(sorted(found, key=order)) for pool, found in waiting.items()})


def running(pools: Iterable[str]) -> Mapping[str, int]:
    """How many run in each pool, from the pool of each live operation."""
    return Counter(pools)


def removed(operation: api.Operation) -> Outcome:
    """What becomes of an operation that waits in a pool which is taken away: it would wait for ever."""
    message = f"WorkerPool {operation.spec.pool} was removed before the operation started"
    return Outcome(phase=Phase.FAILED, reason="PoolRemoved", message=message)


def refuse(
    operation: api.Operation, pool: api.WorkerPool | None, *, now: datetime, why_not: str, holder: Hold | None = None
) -> Outcome | None:
    """Why a waiting operation will not be started any more; None if it may go on waiting.

    `why_not` says what keeps the pool from starting anything; empty if it is only full. `holder` has its mutex.
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
    mutex = operation.spec.mutex
    if mutex is not None and holder is not None and mutex.wait and waited >= duration.seconds(mutex.wait):
        message = f"waited {mutex.wait} for mutex {mutex.name} ({mutex.mode}): {_has(holder, operation)}"
        return Outcome(phase=Phase.FAILED, reason="MutexTimeout", message=message)
    limit = duration.seconds(pool.spec.timeouts.queued)
    if waited < limit:
        return None
    message = f"waited {limit} s for {_awaited(operation, pool, why_not, holder)}"
    return Outcome(phase=Phase.FAILED, reason="QueueTimeout", message=message)


def _awaited(operation: api.Operation, pool: api.WorkerPool, why_not: str, holder: Hold | None) -> str:
    if holder is not None and not why_not and not pool.spec.suspended:
        return f"mutex {holder.mutex}: {_has(holder, operation)}"
    full = f"all {pool.spec.max_operations} places are taken" if not pool.spec.suspended else "the pool is suspended"
    return f"a place in pool {pool.metadata.name}: {why_not or full}"


def _has(holder: Hold, operation: api.Operation) -> str:
    return f"{holder.who} has it ({holder.mode}) or is before {operation.metadata.name} in its line"


def rests(operation: api.Operation, pool: api.WorkerPool, now: datetime) -> bool:
    """It was tried already, and the pause before its next attempt is not over."""
    tried = len(operation.status.attempts)
    return tried > 0 and _age(operation, now) < retry.delay(pool.spec.retry, tried)


def _age(operation: api.Operation, now: datetime) -> float:
    """Seconds since it was created, or since its last attempt ended."""
    attempts = operation.status.attempts
    since = attempts[-1].finished_at if attempts else operation.metadata.creation_timestamp
    return (now - datetime.fromisoformat(since)).total_seconds() if since else 0.0
