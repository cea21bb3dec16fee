"""The files of a log: recovering, reading from a point on, sweeping. Blocking; called from threads."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO, Final

from gitops.runner.frames import WHOLE, Decoder, Frame
from gitops.runner.tally import Tally

LOG: Final = ".log"
ENDED: Final = ".end"
MARK: Final = ord("@")
_BLOCK: Final = 1 << 20


def open_to_append(path: Path) -> int:
    """A descriptor at the file's end; the directory entry is made durable with it."""
    new = not path.exists()
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o640)
    if new:
        directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)
    return descriptor


def write_all(descriptor: int, data: bytes) -> None:
    """Write everything, or raise OSError."""
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def recover(path: Path) -> Tally:
    """Cut off half a line at the end; what is stored before it."""
    tally, decoder, whole = Tally(), Decoder(), 0
    if not path.exists():
        return tally
    with path.open("r+b") as log:
        while block := log.read(_BLOCK):
            cut = block.rfind(b"\n") + 1
            if not cut:
                break
            tally.add(decoder.feed(block[:cut]))
            whole += cut
            log.seek(whole)
        if whole != path.stat().st_size:
            log.truncate(whole)
    return tally


class Cursor:
    """Reads a log's frames from a point on; `next` goes on where it stopped, also when the file has grown."""

    def __init__(self, path: Path, *, since: int = 0, tail: int | None = None) -> None:
        self._file = path.open("rb")
        self._decoder = Decoder()
        self._since = since
        if tail is not None:
            self._file.seek(_tail(self._file, tail))

    def next(self, size: int) -> Sequence[Frame]:
        """The next frames, about `size` bytes; none at the end of the file."""
        while True:
            start = self._file.tell()
            block = self._file.read(size)
            cut = block.rfind(b"\n") + 1
            if not cut:
                self._file.seek(start)
                return ()
            self._file.seek(start + cut)
            block = block[:cut]
            if self._since:
                block = self._after(block)
            frames = self._decoder.feed(block)
            if frames:
                return frames

    def _after(self, block: bytes) -> bytes:
        """What stands behind the first mark that is late enough; nothing if there is none."""
        at = 0
        for line in block.splitlines(keepends=True):
            if line[0] == MARK and int(line[1:]) >= self._since:
                self._since = 0
                return block[at:]
            at += len(line)
        return b""

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()


def _tail(log: BinaryIO, lines: int) -> int:
    """Where the last `lines` lines of output begin; a long line cut into frames counts once."""
    size, want = log.seek(0, os.SEEK_END), max(lines, 1) * 256
    while True:
        begin = max(0, size - want)
        log.seek(begin)
        block = log.read(size - begin)
        skip = block.find(b"\n") + 1 if begin else 0
        starts = _line_starts(block[skip:])
        if len(starts) > lines or not begin:
            return begin + skip + (starts[-lines] if 0 < lines <= len(starts) else 0 if lines else len(block) - skip)
        want *= 4


def _line_starts(block: bytes) -> list[int]:
    """Offsets at which lines of output begin."""
    starts, at, fresh = [], 0, True
    for line in block.splitlines(keepends=True):
        parts = line.split(b"|", 2)
        if len(parts) > 1 and parts[1][:1] in {b"o", b"e", b"O", b"E", b"s"}:
            if fresh:
                starts.append(at)
            fresh = parts[1][0] in WHOLE or parts[1][:1] == b"s"
        at += len(line)
    return starts


def sweep(root: Path, *, before: float, bytes_kept: int) -> int:
    """Remove ended logs last written before a time, then the oldest until the rest fits."""
    ended = [path.with_suffix(LOG) for path in root.glob(f"*{ENDED}")]
    found = sorted(((path.stat().st_mtime, path) for path in ended if path.exists()), reverse=True)
    total, removed = 0, 0
    for written, path in found:
        total += path.stat().st_size
        if written < before or total > bytes_kept:
            path.unlink()
            path.with_suffix(ENDED).unlink()
            removed += 1
    return removed
