r"""What the runner writes, and how it is read back.

One frame is one line of at most 16 KiB (a longer line would be cut by containerd):

    frame  = seq "|" stream "|" offset "|" text LF
    seq    = 1*DIGIT     ; from 1, one more with each frame; a heartbeat repeats the last one
    stream = "o" / "e"   ; a line of standard output, of standard error, without its line feed
           / "O" / "E"   ; the same, but the line goes on in the stream's next frame, or had no line feed at the end
           / "s"         ; a remark of the runner's
           / "h"         ; heartbeat: silence so far, text is empty
           / "x"         ; the end record, JSON; the last numbered frame
    offset = 1*DIGIT     ; bytes of output (o, O, e, E; line feeds counted) before this frame
    text   = *( byte / "\\" / "\r" / "\x" 2HEXDIG )

Escaped are the backslash, carriage return, control characters except tab, and bytes that are not UTF-8. The digest in
the end record is SHA-256 over the output in the order of the frames.

A log may be read again from any earlier point: numbers already seen are dropped, so nothing comes twice, and a number
that is skipped is counted, so nothing is missed silently.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

import msgspec

OUTPUT = frozenset(b"oOeE")
WHOLE = frozenset(b"oe")
END = ord("x")
HEARTBEAT = ord("h")
SYSTEM = ord("s")

LONGEST = 65536
"""More bytes without a line feed than any frame has: not a frame."""
FOREIGN_LIMIT = 4096

_ESCAPE = re.compile(rb"\\(\\|r|x[0-9a-f]{2})")


class Frame(msgspec.Struct, frozen=True, gc=False):
    """One frame; `text` is still escaped, `line` is how it was written, without the line feed."""

    seq: int
    stream: int
    offset: int
    text: bytes
    line: bytes

    @property
    def payload(self) -> bytes:
        """The bytes the script wrote, its line feed included."""
        text = unescape(self.text)
        return text + b"\n" if self.stream in WHOLE else text


def unescape(text: bytes) -> bytes:
    """The bytes behind an escaped text."""
    return _ESCAPE.sub(_plain, text) if b"\\" in text else text


def _plain(match: re.Match[bytes]) -> bytes:
    escaped = match[1]
    if escaped == b"r":
        return b"\r"
    return bytes((int(escaped[1:], 16),)) if len(escaped) > 1 else b"\\"


def parse(line: bytes) -> Frame | None:
    """One line without its line feed; None if it is no frame."""
    try:
        seq, stream, offset, text = line.split(b"|", 3)
        return Frame(int(seq), stream[0], int(offset), text, line) if len(stream) == 1 else None
    except ValueError:
        return None


class Decoder:
    """Bytes of a log, cut anywhere, to frames in order and without doubles.

    `last` is the number of the last frame given out, `missing` how many were skipped before it, `foreign` the beginning
    of what was no frame (a shell that could not start the runner), `heard` the highest number any line spoke of.
    """

    def __init__(self, last: int = 0) -> None:
        self.last = last
        self.heard = last
        self.missing = 0
        self.foreign = b""
        self._rest = b""

    def restart(self) -> None:
        """The log is read again from an earlier point: forget the half line."""
        self._rest = b""

    def feed(self, chunk: bytes) -> list[Frame]:
        """The new frames that end in this chunk; heartbeats only move `heard`."""
        lines = (self._rest + chunk).split(b"\n")
        self._rest = lines.pop()
        found: list[Frame] = []
        for line in lines:
            frame = parse(line)
            if frame is None:
                self._keep_foreign(line)
            elif frame.stream == HEARTBEAT:
                self.heard = max(self.heard, frame.seq)
            elif frame.seq > self.last:
                self.missing += frame.seq - self.last - 1
                self.last = frame.seq
                found.append(frame)
        self.heard = max(self.heard, self.last)
        if len(self._rest) > LONGEST:
            self._keep_foreign(self._rest)
            self._rest = b""
        return found

    def finish(self) -> None:
        """The stream ended: a half line can only be foreign text or a frame that will be read again."""
        if self._rest and parse(self._rest) is None:
            self._keep_foreign(self._rest)
        self._rest = b""

    def _keep_foreign(self, line: bytes) -> None:
        if line and len(self.foreign) < FOREIGN_LIMIT and line not in self.foreign:
            self.foreign = (self.foreign + line + b"\n")[:FOREIGN_LIMIT]


def render(frames: Iterable[Frame]) -> bytes:
    """What a person reads: the output itself; the runner's remarks on lines of their own."""
    parts: list[bytes] = []
    for frame in frames:
        if frame.stream in OUTPUT:
            parts.append(frame.payload)
        elif frame.stream == SYSTEM:
            parts.append(b"runner: " + frame.payload + b"\n")
    return b"".join(parts)
