"""How a log lies in a bucket: as segments, objects named by what they hold, and never written twice.

    <uid>/<first>-<last>-<arrived>   frames `first` to `last` as the runner wrote them, with the marks of a directory's
                                     log; `arrived`: when the first of them did, in milliseconds since 1970
    <uid>/end                        nothing will be added

An object store has no append, so a segment that may still grow is put again under a longer name, and then the shorter
one is deleted. What a name says never changes, and a segment goes only when a longer one is there: a writer that was
replaced and does not know it yet can take nothing away, without any help of the store such as conditional writes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

END: Final = "end"
_NAME: Final = re.compile(r"(\d{12})-(\d{12})-(\d{13})")


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Segment:
    """One object: the frames from `first` to `last`; in order, a longer one of the same beginning comes later."""

    first: int
    last: int
    arrived: int

    @property
    def name(self) -> str:
        """Its key, below the log's."""
        return f"{self.first:012d}-{self.last:012d}-{self.arrived:013d}"


def parse(name: str) -> Segment | None:
    """The segment of that name; None if it is none."""
    match = _NAME.fullmatch(name)
    if match is None:
        return None
    first, last, arrived = (int(part) for part in match.groups())
    return Segment(first=first, last=last, arrived=arrived)


def after(segments: Iterable[Segment], last: int) -> Segment | None:
    """Where to read on behind frame `last`: of those that begin first, the longest."""
    found = [segment for segment in segments if segment.last > last]
    if not found:
        return None
    # What begins at or before the wanted frame serves it equally well, however far before.
    return min(found, key=lambda segment: (max(segment.first, last + 1), -segment.last))


def superseded(segments: Iterable[Segment]) -> list[Segment]:
    """Those that another one holds whole: left by a process that died before it could delete them."""
    found: list[Segment] = []
    reach = 0
    for segment in sorted(segments, key=lambda segment: (segment.first, -segment.last)):
        if segment.last <= reach:
            found.append(segment)
        reach = max(reach, segment.last)
    return found
