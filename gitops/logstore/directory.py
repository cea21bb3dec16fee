"""A directory as a log store.

`<uid>.log` holds frames, one a line as the runner wrote them, and marks `@<milliseconds>`: what follows arrived at or
after that time. `<uid>.end` exists once nothing will be added. A crash can only leave half a line at the end, which is
cut off when the log is opened again; what is missing is then read again from the pod.
"""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from collections.abc import AsyncGenerator, Sequence
from pathlib import Path

from gitops import errors
from gitops.logstore import file
from gitops.logstore.news import News
from gitops.logstore.retention import Retention
from gitops.ports.clock import Clock
from gitops.ports.logstore import LogWriter, Span
from gitops.runner.frames import Frame
from gitops.runner.tally import Tally

MARK_EVERY = 1.0
POLL = 1.0
BLOCK = 1 << 18


class DirectoryStore:
    """See `gitops.ports.logstore.LogStore`. One process writes a directory at a time."""

    def __init__(self, root: Path, clock: Clock, *, retention: Retention | None = None) -> None:
        self._root = root
        self._clock = clock
        self._retention = retention or Retention()
        self._news = News(clock)
        self._open: Counter[str] = Counter()
        root.mkdir(parents=True, exist_ok=True)

    async def writer(self, uid: str) -> LogWriter:
        """See the port."""
        path = self._path(uid)
        tally = await asyncio.to_thread(file.recover, path)
        self._open[uid] += 1
        return _Writer(self, uid, file.open_to_append(path), tally)

    async def read(self, uid: str, span: Span) -> AsyncGenerator[Sequence[Frame], None]:
        """See the port."""
        path = self._path(uid)
        if not path.exists():
            raise errors.ObjectMissing(
                f"there is no log of operation {uid}", hint="it has not started yet, or its log is no longer kept"
            )
        since = int(span.since.timestamp() * 1000) if span.since else 0
        cursor = file.Cursor(path, since=since, tail=span.tail, after=span.after)
        try:
            while True:
                news, ended = self._news.of(uid), self.ended(uid)
                while frames := await asyncio.to_thread(cursor.next, BLOCK):
                    yield frames
                if ended or not span.follow:
                    return
                await self._news.wait(news, most=POLL)
        finally:
            cursor.close()

    async def sweep(self) -> int:
        """Remove what the retention no longer keeps; how many logs that were."""
        now, busy = self._clock.now().timestamp(), frozenset(self._open)
        return await asyncio.to_thread(file.sweep, self._root, self._retention, now=now, busy=busy)

    async def check(self) -> None:
        """Whether the directory can be written.

        Raises:
            LogStoreUnavailable: it cannot.
        """
        probe = self._root / ".check"
        try:
            probe.touch()
            probe.unlink(missing_ok=True)
        except OSError as error:
            raise errors.LogStoreUnavailable(
                f"cannot write the log directory {self._root}", cause=error.strerror or ""
            ) from error

    def forget(self, uid: str) -> None:
        """A writer stopped."""
        self._open[uid] -= 1
        self._open += Counter()  # without those that are at zero

    def announce(self, uid: str) -> None:
        """Something was appended, or the log ended."""
        self._news.announce(uid)

    def ended(self, uid: str) -> bool:
        """Nothing will be added."""
        return self._path(uid).with_suffix(file.ENDED).exists()

    async def end(self, uid: str) -> None:
        """See the port."""
        path = self._path(uid)
        if path.exists():
            path.with_suffix(file.ENDED).touch()
        self.announce(uid)

    def now_ms(self) -> int:
        """Milliseconds since 1970."""
        return int(self._clock.now().timestamp() * 1000)

    def _path(self, uid: str) -> Path:
        if not uid or not all(character.isalnum() or character == "-" for character in uid):
            raise errors.ObjectMissing(f"{uid!r} is no UID of an operation")
        return self._root / f"{uid}{file.LOG}"


class _Writer:
    """See `gitops.ports.logstore.LogWriter`."""

    def __init__(self, store: DirectoryStore, uid: str, descriptor: int, tally: Tally) -> None:
        self._store = store
        self._uid = uid
        self._file = descriptor
        self._marked = 0
        self.tally = tally

    async def append(self, frames: Sequence[Frame]) -> None:
        """See the port. Into the page cache: `sync` makes it durable."""
        now, lines = self._store.now_ms(), []
        if now - self._marked >= MARK_EVERY * 1000:
            lines.append(b"@%d" % now)
            self._marked = now
        lines += [frame.line for frame in frames]
        file.write_all(self._file, b"\n".join(lines) + b"\n")
        self.tally.add(frames)
        self._store.announce(self._uid)

    async def sync(self) -> None:
        """See the port."""
        await asyncio.to_thread(os.fsync, self._file)

    async def close(self, *, finished: bool) -> None:
        """See the port."""
        os.close(self._file)
        self._store.forget(self._uid)
        if finished:
            await self._store.end(self._uid)
