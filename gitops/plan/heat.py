"""How hot an object is: corrections that do not last mean that somebody else writes what Git says otherwise.

The first correction comes at once, each later one waits twice as long as the one before, up to `LONGEST`. After `LIMIT`
corrections in a row it is a fight: nobody wins it by writing once more, so correction of the object stops until a
person acts. An object that stays as it should for long enough is cool again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

FIRST: Final = 60
LONGEST: Final = 1800
COOL: Final = 3600
LIMIT: Final = 5
ROOM: Final = 500
"""So many objects are remembered, the hottest; what is not remembered counts as cool."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Heat:
    """One object: `count` corrections in a row, the last at `at`.

    `path` is the first that differed, `manager` who wrote there, empty if nobody can be named.
    """

    object: str
    count: int
    at: datetime
    path: str = ""
    manager: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """An object that differs now: the first path, and who wrote there."""

    path: str = ""
    manager: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What to do about the objects that differ: `due` are corrected now, `waiting` at a later moment, `fights` not."""

    due: tuple[str, ...] = ()
    waiting: Mapping[str, datetime]
    fights: tuple[Heat, ...] = ()
    known: tuple[Heat, ...] = ()


def delay(count: int) -> timedelta:
    """How long to wait after so many corrections in a row."""
    return timedelta(seconds=min(LONGEST, FIRST * 2 ** min(max(count - 1, 0), 16)))


def cooling(interval: int) -> timedelta:
    """How long an object has to stay as it should to be cool; `interval` is the seconds between two looks."""
    return timedelta(seconds=max(COOL, 4 * interval))


def judge(seen: Mapping[str, Seen], known: Sequence[Heat], *, now: datetime, interval: int) -> Judged:
    """Judge what differs now by what was corrected before."""
    kept = {one.object: one for one in known if one.object in seen or now - one.at < cooling(interval)}
    due: list[str] = []
    waiting: dict[str, datetime] = {}
    fights: list[Heat] = []
    for name, found in seen.items():
        heat = kept.get(name)
        if heat is None:
            due.append(name)
        elif heat.count >= LIMIT:
            fights.append(replace(heat, path=found.path, manager=found.manager or heat.manager))
        elif now < heat.at + delay(heat.count):
            waiting[name] = heat.at + delay(heat.count)
        else:
            due.append(name)
    return Judged(due=tuple(due), waiting=waiting, fights=tuple(fights), known=tuple(kept.values()))


def corrected(judged: Judged, seen: Mapping[str, Seen], *, now: datetime) -> tuple[Heat, ...]:
    """What to remember after the due objects were corrected: hottest first, then latest."""
    heats = {one.object: one for one in judged.known}
    for name in judged.due:
        old = heats.get(name)
        found = seen[name]
        manager = found.manager or (old.manager if old else "")
        heats[name] = Heat(object=name, count=old.count + 1 if old else 1, at=now, path=found.path, manager=manager)
    ranked = sorted(heats.values(), key=lambda one: (-one.count, -one.at.timestamp(), one.object))
    return tuple(ranked[:ROOM])
