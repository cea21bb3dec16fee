"""The files of a log: recovering, reading from a point on, sweeping. Blocking; called from threads."""

from __future__ import annotations

import os
from collections.abc import Container, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, Final

from gitops.logstore.retention import Kept, Retention
from gitops.runner.frames import Decoder, Frame
from gitops.runner.lines import LastLines
from gitops.runner.tally import Tally

LOG: Final = ".log"
ENDED: Final = ".end"
_BLOCK: Final = 1 << 20
_BLOCK_BACK: Final = 1 << 16


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

    def __init__(self, path: Path, *, since: int = 0, tail: int | None = None, after: int = 0) -> None:
        self._file = path.open("rb")
        self._decoder = Decoder(after)
        start = _since(self._file, since) if since else 0
        if tail is not None:
            start = max(start, _tail(self._file, tail))
        self._file.seek(start)

    def next(self, size: int) -> Sequence[Frame]:
        """The next frames, about `size` bytes; none at the end of the file."""
        while True:
            start = self._file.tell()
            block = self._file.read(size)
            cut = block.rfind(b"\n") + 1
            self._file.seek(start + cut)
            if not cut:
                return ()
            frames = self._decoder.feed(block[:cut])
            if frames:
                return frames

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()


def _since(log: BinaryIO, when: int) -> int:
    """Where the first mark that is late enough stands; the end if there is none."""
    found = None
    for lines in _backwards(log):
        for offset, line in reversed(lines):
            if line[:1] == b"@":
                if int(line[1:]) < when:
                    return _end(log) if found is None else found
                found = offset
    return _end(log) if found is None else found


def _tail(log: BinaryIO, count: int) -> int:
    """Where the last `count` lines of output begin."""
    if not count:
        return _end(log)
    last = LastLines(count)
    for lines in _backwards(log):
        parts = ((offset, line.split(b"|", 2)) for offset, line in lines)
        start = last.earlier([(part[1][0], offset) for offset, part in parts if len(part) > 2 and part[1]])  # noqa: PLR2004
        if start is not None:
            return start
    return 0


def _end(log: BinaryIO) -> int:
    """Where the next line will begin."""
    for lines in _backwards(log):
        offset, line = lines[-1]
        return offset + len(line)
    return 0


def _backwards(log: BinaryIO) -> Iterator[list[tuple[int, bytes]]]:
    """The log's whole lines with their offsets, from its end in blocks, so that no log is ever held whole."""
    end, size = log.seek(0, os.SEEK_END), _BLOCK_BACK
    while end:
        begin = max(0, end - size)
        log.seek(begin)
        block = log.read(end - begin)
        # The part of a line before the first line feed belongs to the block before this one.
        skip = block.find(b"\n") + 1 if begin else 0
        if begin and skip in {0, len(block)}:
            size *= 2
            continue
        lines = _split(block[skip : block.rfind(b"\n") + 1], begin + skip)
        if lines:
            yield lines
        end = begin + skip


def _split(block: bytes, at: int) -> list[tuple[int, bytes]]:
    found = []
    for line in block.splitlines(keepends=True):
        found.append((at, line))
        at += len(line)
    return found


def sweep(root: Path, retention: Retention, *, now: float, busy: Container[str] = ()) -> int:
    """Remove what is no longer kept of the ended logs, and of those left open that are not `busy`; how many."""
    logs, orphans = [], []
    for mark in root.glob(f"*{ENDED}"):
        try:
            stat = mark.with_suffix(LOG).stat()
        except FileNotFoundError:
            # A process died between the two removals below.
            orphans.append(mark)
        else:
            logs.append(Kept(name=mark.stem, written=stat.st_mtime, bytes=stat.st_size))
    logs += _abandoned(root, busy, before=now - retention.abandoned)
    doomed = retention.doomed(logs, now=now)
    for name in doomed:
        (root / f"{name}{LOG}").unlink(missing_ok=True)
    for mark in [*orphans, *(root / f"{name}{ENDED}" for name in doomed)]:
        mark.unlink(missing_ok=True)
    return len(doomed)


def _abandoned(root: Path, busy: Container[str], *, before: float) -> Iterator[Kept]:
    for path in root.glob(f"*{LOG}"):
        stat = path.stat()
        if stat.st_mtime < before and path.stem not in busy and not path.with_suffix(ENDED).exists():
            yield Kept(name=path.stem, written=stat.st_mtime, bytes=stat.st_size)
