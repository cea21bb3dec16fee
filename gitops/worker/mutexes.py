"""Who holds which mutex, computed from what the watches know: there are no lock objects to expire or to leak. Pure.

A mutex belongs to its holder from the claim until the operation has ended *and* its pod is proven finished or gone. A
pod that outlives its operation (deleted meanwhile, or its node does not answer) holds on; one that may still be created
does, too.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from gitops import api
from gitops.api.operation import Mutex, MutexMode
from gitops.objects import Manifest
from gitops.pods import marks, stage
from gitops.worker.roster import Roster, is_final


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """One holder: UID of the operation, and how to name it to people."""

    mutex: str
    mode: MutexMode
    uid: str
    who: str


def hold(operation: api.Operation) -> Hold | None:
    """What an operation holds while it is in progress; None if it needs no mutex."""
    mutex = operation.spec.mutex
    if mutex is None:
        return None
    who = f"operation {operation.metadata.name}"
    return Hold(mutex=mutex.name, mode=mutex.mode, uid=operation.metadata.uid, who=who)


def holds(operations: Iterable[api.Operation], pods: Iterable[Manifest]) -> Iterator[Hold]:
    """Every hold; the same one may come twice, by its operation and by its pod."""
    for operation in operations:
        mine = hold(operation)
        if mine is not None and operation.status.claim is not None and not is_final(operation):
            yield mine
    for pod in pods:
        found = _by_pod(pod)
        if found is not None:
            yield found


def outlives(operation: api.Operation) -> bool:
    """A deleted operation keeps its mutex for a while: its pod may be on the way, in whatever process."""
    status = operation.status
    return operation.spec.mutex is not None and status.claim is not None and not status.pod_uid


def compatible(one: MutexMode, other: MutexMode) -> bool:
    """Both may hold the mutex at the same time."""
    return one is other is MutexMode.SHARED


def in_the_way(mutex: Mutex, uid: str, taken: Iterable[Hold]) -> Hold | None:
    """The first hold of somebody else that keeps an operation from the mutex."""
    for one in taken:
        if one.mutex == mutex.name and one.uid != uid and not compatible(one.mode, mutex.mode):
            return one
    return None


def before(roster: Roster, mine: api.Operation) -> Hold | None:
    """A claim made before ours that ours must give way to; ask once the watch has shown our own claim.

    Two processes may claim at the same time. The order of the two writes decides, which both read from the watch.
    """
    mutex = mine.spec.mutex
    if mutex is None:
        return None
    version = int(mine.metadata.resource_version)
    claimed = (*roster.open.values(), *roster.left.values())
    rivals = (one for one in claimed if roster.claimed_at(one) < version)
    return in_the_way(mutex, mine.metadata.uid, holds(rivals, roster.pods.values()))


def _by_pod(pod: Manifest) -> Hold | None:
    metadata = pod["metadata"]
    mode, _, name = (metadata.get("annotations") or {}).get(marks.MUTEX, "").partition(" ")
    key = marks.key_of(pod)
    if not name or key is None or stage.of(pod).stage is stage.Stage.ENDED:
        return None
    return Hold(mutex=name, mode=MutexMode(mode), uid=key[0], who=f"pod {metadata['namespace']}/{metadata['name']}")
