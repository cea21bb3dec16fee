"""The end of a log in a bucket: the segment that may still grow, in memory."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from gitops.logstore.segments import Segment
from gitops.runner.frames import Frame

MARK_EVERY_MS = 1000


@dataclass(frozen=True, slots=True)
class Part:
    """Frames appended at once; `data` is them as the runner wrote them, after a mark if one was due."""

    first: int
    last: int
    arrived: int
    data: bytes


class Growing:
    """Parts in order; those up to `stored` are in the bucket too, as `kept`."""

    def __init__(self, stored: int = 0, kept: Segment | None = None, data: bytes = b"") -> None:
        self.stored = stored
        self.kept = kept
        self._parts: deque[Part] = deque()
        self._marked = 0
        self.size = 0
        if kept:
            self._add(Part(kept.first, kept.last, kept.arrived, data))

    @property
    def unsaved(self) -> bool:
        """Something is in memory only."""
        return bool(self._parts) and self._parts[-1].last > self.stored

    @property
    def arrived(self) -> int | None:
        """When the first frame did, in milliseconds; None without any."""
        return self._parts[0].arrived if self._parts else None

    def add(self, frames: Sequence[Frame], now: int) -> None:
        """Take in frames that arrived now (milliseconds)."""
        lines = [frame.line for frame in frames]
        if not self._parts or now - self._marked >= MARK_EVERY_MS:
            lines.insert(0, b"@%d" % now)
            self._marked = now
        lines.append(b"")
        self._add(Part(frames[0].seq, frames[-1].seq, now, b"\n".join(lines)))

    def _add(self, part: Part) -> None:
        self._parts.append(part)
        self.size += len(part.data)

    def beginning(self, most: int) -> tuple[Segment, bytes]:
        """The segment to store next: all, or as many parts as reach `most` bytes."""
        chosen: list[Part] = []
        size = 0
        for part in self._parts:
            chosen.append(part)
            size += len(part.data)
            if size >= most:
                break
        first = chosen[0]
        mark = b"" if first.data.startswith(b"@") else b"@%d\n" % first.arrived
        segment = Segment(first=first.first, last=chosen[-1].last, arrived=first.arrived)
        return segment, b"".join((mark, *(part.data for part in chosen)))

    def seal(self, segment: Segment) -> None:
        """A segment is stored for good: forget what it holds."""
        while self._parts and self._parts[0].last <= segment.last:
            self.size -= len(self._parts.popleft().data)
        self.stored, self.kept = segment.last, None

    def keep(self, segment: Segment) -> None:
        """A segment is stored, and will be again when it has grown."""
        self.stored, self.kept = segment.last, segment

    def after(self, last: int) -> bytes:
        """What there is behind a frame; may begin before it."""
        return b"".join(part.data for part in self._parts if part.last > last)
