"""The worker: watches, admission, one task an operation."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from gitops import api, errors
from gitops.api import names
from gitops.api.workerpool import WorkerPool, WorkerPoolSpec
from gitops.objects import Manifest
from gitops.pods import canary, marks
from gitops.pods.render import Launch
from gitops.worker import admit, adopt, drive, mutexes, record, reflect, status
from gitops.worker.adopt import Duty, Found
from gitops.worker.canary import Canaries
from gitops.worker.drain import Drainage
from gitops.worker.expire import Expiry
from gitops.worker.inspect import Inspector
from gitops.worker.ledger import Ledger
from gitops.worker.live import Live
from gitops.worker.mutexes import Hold
from gitops.worker.roster import Roster, is_final
from gitops.worker.station import Station
from gitops.worker.unanswered import UNANSWERED

log = logging.getLogger(__name__)

NEEDED = frozenset({"operations", "pools", "workers"})
TICK = 5.0
"""Seconds after which the queue is looked at even if nothing was heard: its clocks run on."""
LONG, SHARE = 0.005, 4
"""A look that took so many seconds is followed by that many times as long for the logs: thousands of operations change
thousands of times, and are not looked through each time.
"""
RETRY_AFTER = 10.0
"""Seconds a failed task's operation is left alone."""
SILENT = 150.0
"""Seconds: a live watch gives a sign every 60, and a dead connection is given up after 80 and opened anew."""
SETTLE = 2.0
"""Seconds an ended task's operation is left alone: the watch has yet to show what was written and deleted."""


class Service:
    """Serves the pools of one Worker until cancelled, which leaves pods as they are: the next process adopts them."""

    def __init__(self, station: Station) -> None:
        self._station = station
        self.roster = Roster()
        self.inspector = Inspector(station, self.roster)
        self.live: dict[tuple[str, int], Live] = {}
        """Every operation in progress, by UID and attempt. `len` of it is the number in flight."""
        self._reflectors: dict[str, asyncio.Task[None]] = {}
        self._noticed: dict[tuple[str, int], tuple[tuple[str, ...], float]] = {}
        self._rest: dict[tuple[str, int], float] = {}
        self._left: dict[str, float] = {}
        """Up to when the pod of a deleted operation may still come, by UID."""
        self.roster.listener = self

    @property
    def ready(self) -> bool:
        """The watches that admission needs have delivered."""
        return self.roster.synced >= NEEDED

    def waiting_for(self) -> Sequence[str]:
        """The watches that have not delivered yet, or are silent for longer than a live one can be: for /readyz."""
        missing = sorted(NEEDED - self.roster.synced)
        return [f"the watch of {topic}{self._why(topic)}" for topic in missing] + list(self._silent())

    def _silent(self) -> Iterator[str]:
        now = self._station.ports.clock.monotonic()
        for topic in sorted(self.roster.synced):
            silence = now - self.roster.signs.get(topic, now)
            if silence > SILENT:
                yield f"the watch of {topic}: nothing was heard of it for {silence:.0f} s"

    def _why(self, topic: str) -> str:
        denied = self.roster.denied.get(topic)
        return f" ({denied})" if denied else ""

    def running(self) -> Mapping[str, int]:
        """Operations in progress by pool: those looked after, and those that for a moment nobody looks after."""
        claimed = {uid: one.spec.pool for uid, one in self.roster.open.items() if one.status.claim is not None}
        attended = {uid: live.pool.metadata.name for (uid, attempt), live in self.live.items() if attempt}
        return admit.running((claimed | attended).values())

    def waiting(self) -> Mapping[str, int]:
        """Operations in the queue by pool."""
        queue = admit.queue(self.roster.open.values(), live=[uid for uid, _ in self.live])
        return {pool: len(found) for pool, found in queue.waiting.items()}

    def ready_pools(self) -> Mapping[str, bool]:
        """Whether each pool served can start operations."""
        return {pool.metadata.name: self._able(pool.metadata.name, pool) for pool in self.roster.served()}

    def canaries(self) -> Mapping[str, bool]:
        """Whether the last canary of each pool that ran one passed."""
        found = {pool.metadata.name: canary.condition(pool) for pool in self.roster.served()}
        return {
            pool: one.status == "True" for pool, one in found.items() if one is not None and one.reason != canary.RUNS
        }

    def log_lag(self) -> Mapping[str, float]:
        """Seconds since anything was heard of a log that is followed, the longest of each pool."""
        now, lags = self._station.ports.clock.monotonic(), dict.fromkeys(self.ready_pools(), 0.0)
        for live in self.live.values():
            if live.heard_at is not None:
                pool = live.pool.metadata.name
                lags[pool] = max(lags.get(pool, 0.0), now - live.heard_at)
        return lags

    async def run(self) -> None:
        """Work until cancelled."""
        roster, kinds, where = self.roster, self._station.kinds, self._station.namespace
        watches = (
            ("pools", kinds.pools, reflect.pools(roster)),
            ("workers", kinds.workers, reflect.workers(roster, self._station.worker)),
            ("syncs", kinds.syncs, reflect.syncs(roster)),
        )
        async with asyncio.TaskGroup() as group:
            arrivals = self._station.ports.door.arrivals
            group.create_task(
                reflect.follow(self._station, roster, "operations", arrivals, handler=reflect.operations(roster))
            )
            for topic, kind, handler in watches:
                group.create_task(reflect.reflect(self._station, roster, topic, kind, namespace=where, handler=handler))
            group.create_task(self.inspector.run())
            group.create_task(Drainage(self._station, self.roster).run())
            group.create_task(Canaries(self._station, self.roster, self.inspector.trouble).run())
            group.create_task(Ledger(self._station, self.roster).run())
            group.create_task(Expiry(self._station, self.roster).run())
            await self._loop(group)

    async def _loop(self, group: asyncio.TaskGroup) -> None:
        clock = self._station.ports.clock
        while True:
            self.roster.wake.clear()
            begun = clock.monotonic()
            if self.ready:
                self._reflect_pods(group)
                self._adopt(group)
                self._admit(group)
            spent = clock.monotonic() - begun
            await self._pause()
            if spent >= LONG:
                await clock.sleep(spent * SHARE)

    async def _pause(self) -> None:
        waits = {
            asyncio.create_task(self.roster.wake.wait()),
            asyncio.create_task(self._station.ports.clock.sleep(TICK)),
        }
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in waits:
                task.cancel()

    def _reflect_pods(self, group: asyncio.TaskGroup) -> None:
        """One watch for each operations namespace that matters."""
        own = frozenset(names.operations_namespace(pool) for pool in self.roster.served())
        wanted = adopt.namespaces(self.roster, own) | {live.pool_namespace for live in self.live.values()}
        for namespace in wanted - self._reflectors.keys():
            self._reflectors[namespace] = group.create_task(
                reflect.reflect(
                    self._station,
                    self.roster,
                    f"pods/{namespace}",
                    self._station.kinds.pods,
                    namespace=namespace,
                    handler=reflect.pods(self.roster, namespace),
                )
            )
        for namespace in self._reflectors.keys() - wanted:
            self._reflectors.pop(namespace).cancel()
            self.roster.synced.discard(f"pods/{namespace}")
            self.roster.signs.pop(f"pods/{namespace}", None)

    def _adopt(self, group: asyncio.TaskGroup) -> None:
        for found in list(adopt.duties(self.roster, worker=self._station.worker)):
            if found.key in self.live or self._resting(found.key):
                continue
            if found.duty is Duty.RESTART and not self._may_take_over(found):
                continue
            live = self._enlist(found.key, found.operation, self._pool_of(found))
            if found.pod is not None:
                live.see_pod(found.pod, gone=False)
            group.create_task(self._task(live, self._duty(found, live)))

    def _duty(self, found: Found, live: Live) -> Coroutine[Any, Any, None]:
        station, roster = self._station, self.roster
        match found.duty:
            case Duty.ATTEND:
                return drive.see_through(station, roster, live)
            case Duty.CONCLUDE:
                return drive.conclude(station, roster, live)
            case Duty.ACKNOWLEDGE:
                return drive.acknowledge(station, live)
            case Duty.CHECK:
                return self._check(live)
            case Duty.RESTART:
                assert found.operation is not None  # noqa: S101 - a claim is an operation's
                attempt = self._launch(found.operation, live.pool, attempt=found.key[1])
                return drive.restart(station, roster, live, attempt)

    async def _check(self, live: Live) -> None:
        """A pod whose operation we do not know: deleted while no worker lived, or just not heard of yet."""
        assert live.pod is not None  # noqa: S101 - it was found by its pod
        annotations = live.pod["metadata"].get("annotations") or {}
        namespace, _, name = annotations.get(marks.NAME, "").partition("/")
        if namespace == self._station.namespace and name:
            metadata = api.Metadata(namespace=namespace, name=name, uid=live.uid)
            found = await record.fresh(self._station, metadata)
            if found is not None:
                self.roster.put_operation(found)
                return
        live.cancel = "the operation was deleted"
        await drive.see_through(self._station, self.roster, live)

    def _admit(self, group: asyncio.TaskGroup) -> None:
        roster, now = self.roster, self._station.ports.clock.now()
        queue = admit.queue(roster.open.values(), live=[uid for uid, _ in self.live])
        served = {pool.metadata.name: pool for pool in roster.served()}
        taken = self._taken()
        for name, waiting in queue.waiting.items():
            pool = served.get(name)
            if pool is None and name in roster.pools:
                continue  # another Worker's
            for operation in waiting:
                if self._resting((operation.metadata.uid, 0)):
                    continue
                why_not, holder = self.inspector.trouble.get(name, ""), queue.waits_for(operation, taken)
                ended = (
                    admit.removed(operation)
                    if pool is None and name in roster.removed_pools
                    else admit.refuse(operation, pool, now=now, why_not=why_not, holder=holder)
                )
                if ended is not None:
                    live = self._enlist((operation.metadata.uid, 0), operation, pool or _no_pool(name))
                    ending = drive.end_without_pod(self._station, roster, operation, ended)
                    group.create_task(self._task(live, ending))
        running = self.running()
        able = [pool for name, pool in served.items() if self._able(name, pool)]
        for operation in queue.start(able, running, taken, resting=self._waiting_to_retry(queue, served, now)):
            key = (operation.metadata.uid, len(operation.status.attempts) + 1)
            if (operation.metadata.uid, 0) in self.live or self._resting(key):
                continue
            live = self._enlist(key, operation, served[operation.spec.pool])
            attempt = self._launch(operation, live.pool, attempt=key[1])
            group.create_task(self._task(live, drive.start(self._station, roster, live, attempt)))

    def _waiting_to_retry(self, queue: admit.Queue, served: Mapping[str, WorkerPool], now: datetime) -> frozenset[str]:
        waiting = ((served[name], line) for name, line in queue.waiting.items() if name in served)
        return frozenset(one.metadata.uid for pool, line in waiting for one in line if admit.rests(one, pool, now))

    def _taken(self) -> list[Hold]:
        """The mutexes that are held, or about to be: what this process starts is held before its claim is heard of."""
        now = self._station.ports.clock.monotonic()
        for uid in [uid for uid, until in self._left.items() if until <= now]:
            self._forget(uid)
        starting = (live.hold for live in self.live.values() if live.hold is not None and live.key[1])
        claimed = (*self.roster.open.values(), *self.roster.left.values())
        return [*mutexes.holds(claimed, self.roster.pods.values()), *starting]

    def _forget(self, uid: str) -> None:
        """Of a deleted operation no pod will come that is not here yet."""
        self._left.pop(uid, None)
        self.roster.left.pop(uid, None)

    def _able(self, name: str, pool: WorkerPool) -> bool:
        """The pool is complete, and everything that runs in it already is known."""
        namespace = names.operations_namespace(pool)
        return self.inspector.trouble.get(name) == "" and f"pods/{namespace}" in self.roster.synced

    async def _task(self, live: Live, work: Coroutine[Any, Any, None]) -> None:
        """Whatever happens to one operation must not touch the others; it is taken up again after a rest."""
        try:
            await work
        except (errors.GitOpsError, OSError) as error:
            log.error("%s: %s; will be tried again", live.uid, error)  # noqa: TRY400 - an expected error, no traceback
            self._leave_alone(live.key, RETRY_AFTER)
        except Exception:
            # Our fault, or an answer of a shape nobody expected: with its traceback, and for this operation alone.
            log.exception("%s: unexpected; will be tried again", live.uid)
            self._leave_alone(live.key, RETRY_AFTER)
        else:
            self._leave_alone(live.key, SETTLE)
        finally:
            del self.live[live.key]
            self.roster.wake.set()

    def _enlist(self, key: tuple[str, int], operation: api.Operation | None, pool: WorkerPool) -> Live:
        live = self.live[key] = Live(key, operation=operation, pool=pool)
        self._noticed.pop(key, None)
        self._rest.pop(key, None)
        return live

    def _launch(self, operation: api.Operation, pool: WorkerPool, *, attempt: int = 1) -> Launch:
        station = self._station
        return Launch(operation=operation, pool=pool, worker=station.worker, runner=station.runner, attempt=attempt)

    def _pool_of(self, found: Found) -> WorkerPool:
        labels = (found.pod or {}).get("metadata", {}).get("labels") or {}
        name = found.operation.spec.pool if found.operation is not None else labels.get(marks.POOL, "")
        return self.roster.pools.get(name) or _no_pool(name)

    def _may_take_over(self, found: Found) -> bool:
        claim = found.operation.status.claim if found.operation is not None else None
        if claim is None or found.operation is None or found.operation.spec.pool not in self.roster.pools:
            return False
        if claim.worker == self._station.identity:
            return True
        reason = found.operation.status.reason
        now, state = self._station.ports.clock.monotonic(), (claim.worker, claim.version, reason)
        if self._noticed.get(found.key, (None, now))[0] != state:
            self._noticed[found.key] = state, now
        waits = UNANSWERED if reason == status.TAKEN_OVER else 0.0
        return now - self._noticed[found.key][1] >= adopt.TAKE_OVER_AFTER + waits

    def _leave_alone(self, key: tuple[str, int], seconds: float) -> None:
        now = self._station.ports.clock.monotonic()
        self._rest = {one: until for one, until in self._rest.items() if until > now} | {key: now + seconds}

    def _resting(self, key: tuple[str, int]) -> bool:
        return self._rest.get(key, 0.0) > self._station.ports.clock.monotonic()

    def see_pod(self, pod: Manifest, *, gone: bool) -> None:
        """See `roster.Listener`."""
        key = marks.key_of(pod)
        if key is None:
            return
        self._forget(key[0])
        live = self.live.get(key)
        if live is not None:
            live.see_pod(pod, gone=gone)

    def see_operation(self, operation: api.Operation, *, gone: bool) -> None:
        """See `roster.Listener`."""
        uid = operation.metadata.uid
        if gone and mutexes.outlives(operation) and not is_final(operation):
            self._left[uid] = self._station.ports.clock.monotonic() + UNANSWERED
            self.roster.left[uid] = operation
        for key, live in self.live.items():
            if key[0] == uid:
                live.see_operation(operation, gone=gone)


def _no_pool(name: str) -> WorkerPool:
    """Stands in for a pool that is gone: only its clocks are asked for."""
    return WorkerPool(metadata=api.Metadata(name=name), spec=WorkerPoolSpec(image="none"))
