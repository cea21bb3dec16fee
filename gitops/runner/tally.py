"""What is known of the output received so far, to be held against the end record."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from gitops.runner.frames import END, OUTPUT, Frame
from gitops.runner.record import EndRecord, read


class Tally:
    """Counts and digests frames in their order. `last` is the last number, `record` the end record once it came."""

    def __init__(self) -> None:
        self.last = 0
        self.bytes = 0
        self.missing = 0
        self.record: EndRecord | None = None
        self._digest = hashlib.sha256()

    def add(self, frames: Iterable[Frame]) -> None:
        """Take in frames; their numbers rise, and a skipped one is missing."""
        payloads: list[bytes] = []
        for frame in frames:
            self.missing += frame.seq - self.last - 1
            self.last = frame.seq
            if frame.stream in OUTPUT:
                payloads.append(frame.payload)
            elif frame.stream == END:
                self.record = read(frame.text)
        data = b"".join(payloads)
        self._digest.update(data)
        self.bytes += len(data)

    @property
    def sha256(self) -> str:
        """Digest of the output received."""
        return self._digest.hexdigest()

    def missing_of(self, record: EndRecord) -> int:
        """Frames that did not come, of those the record speaks of; the last one is the record itself."""
        return self.missing + max(0, record.last_seq - 1 - self.last)

    def complete(self, record: EndRecord) -> bool:
        """Every byte the runner wrote has come, in order."""
        return self.missing == 0 and self.bytes == record.bytes and self.sha256 == record.sha256
