"""What operations that wait wait for: a place in the queue, a mutex, a pool that is not there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from gitops import api, cluster, errors
from gitops.worker import admit, mutexes
from gitops_cli import _operations, _pools


async def waits(connection: cluster.Cluster, where: str, operations: Sequence[api.Operation]) -> dict[str, str]:
    """Why each waiting operation of these, all there are in `where` (empty: anywhere), waits, by its UID.

    Who may not list pools is not told what is wrong with them.
    """
    queues = _queues(operations)
    if not any(queue.waiting for queue in queues.values()):
        return {}
    try:
        listing = await connection.objects.list(await _pools.kind(connection), where)
    except errors.ClusterDenied:
        return places(operations, None)
    pools = [msgspec.convert(item, api.WorkerPool) for item in listing.items]
    return places(operations, {(pool.metadata.namespace, pool.metadata.name): pool for pool in pools})


async def wait(connection: cluster.Cluster, operation: api.Operation) -> str:
    """The same for one operation, asked now; empty if it does not wait any more, or nobody may say."""
    where = operation.metadata.namespace
    try:
        listing = await connection.objects.list(await _operations.kind(connection), where)
        found = await waits(connection, where, [msgspec.convert(item, api.Operation) for item in listing.items])
    except errors.ClusterError:
        return ""  # the watch says what is wrong with the cluster, and goes on
    return found.get(operation.metadata.uid, "")


def places(
    operations: Sequence[api.Operation], pools: Mapping[tuple[str, str], api.WorkerPool] | None
) -> dict[str, str]:
    """What each waiting operation waits for, by UID. `pools`: all there are, by namespace and name; None: not known."""
    found: dict[str, str] = {}
    for namespace, queue in _queues(operations).items():
        held = list(mutexes.holds([one for one in operations if one.metadata.namespace == namespace], ()))
        for name, waiting in queue.waiting.items():
            pool = pools.get((namespace, name)) if pools is not None else None
            if pools is not None and pool is None:
                found |= {one.metadata.uid: f"there is no pool {name}" for one in waiting}
                continue
            suspended = ", the pool is suspended" if pool is not None and pool.spec.suspended else ""
            for number, one in enumerate(waiting, 1):
                holder = queue.waits_for(one, held)
                mutex = f", mutex {holder.mutex}: {holder.who}" if holder is not None else ""
                found[one.metadata.uid] = f"{number} of {len(waiting)} in the queue{suspended}{mutex}"
    return found


def _queues(operations: Sequence[api.Operation]) -> dict[str, admit.Queue]:
    """The queue of each namespace."""
    return {
        namespace: admit.queue([one for one in operations if one.metadata.namespace == namespace], live=())
        for namespace in {one.metadata.namespace for one in operations}
    }
