"""Writing an Operation's status: always by compare-and-swap, never over somebody else's end."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from functools import partial
from typing import Any

from gitops import api, errors
from gitops.api.operation import Claim
from gitops.worker.persist import persist
from gitops.worker.roster import Roster, is_final, read
from gitops.worker.station import Station

Content = Callable[[api.Operation], dict[str, Any]]


async def swap(station: Station, roster: Roster, operation: api.Operation, status: dict[str, Any]) -> api.Operation:
    """Write the status if the operation is still as we know it.

    Raises:
        VersionConflict: it is not.
        ObjectMissing: it was deleted.
    """
    operation = read(api.Operation, await station.ports.door.write(operation, status))
    roster.put_operation(operation)
    return operation


async def fresh(station: Station, metadata: api.Metadata) -> api.Operation | None:
    """The operation as the front door keeps it; None if it was deleted, or is another one of the same name."""
    found = await persist(station.ports.clock, lambda: station.ports.door.read(metadata))
    return read(api.Operation, found) if found is not None else None


class Written(StrEnum):
    """What became of a write."""

    DONE = "done"
    FINAL = "final"
    """It has ended already; after a lost answer, by this very write."""
    DELETED = "deleted"
    TAKEN = "taken"
    """Another process claimed it: it is not ours to write, nor its pod ours to delete."""


async def write(
    station: Station, roster: Roster, operation: api.Operation, content: Content, *, claim: Claim | None
) -> Written:
    """Write what `content` makes of the operation as long as `claim` holds, reading it again after a conflict."""
    current: api.Operation | None = operation
    while current is not None:
        if is_final(current):
            return Written.FINAL
        if not same_claim(current.status.claim, claim):
            return Written.TAKEN
        attempt = partial(swap, station, roster, current, content(current))
        try:
            await persist(station.ports.clock, attempt)
        except errors.ObjectMissing:
            return Written.DELETED
        except errors.VersionConflict:
            current = await fresh(station, current.metadata)
            if current is not None:
                roster.put_operation(current)
        else:
            return Written.DONE
    return Written.DELETED


def same_claim(one: Claim | None, other: Claim | None) -> bool:
    """The same process claimed the same attempt. Two that follow one pod write the same end: the first counts."""
    if one is None or other is None:
        return one is other
    return (one.worker, one.attempt) == (other.worker, other.attempt)
