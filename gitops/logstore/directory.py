"""A directory as a log store.

`<uid>.log` holds frames, one a line as the runner wrote them, and marks `@<milliseconds>`: what follows arrived at or
after that time. `<uid>.end` exists once nothing will be added. A crash can only leave half a line at the end, which is
cut off when the log is opened again; what is missing is then read again from the pod.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from pathlib import Path

from gitops import errors
from gitops.logstore import file
from gitops.ports.clock import Clock
from gitops.ports.logstore import LogWriter, Span
from gitops.runner.frames import Frame
from gitops.runner.tally import Tally

MARK_EVERY = 1.0
POLL = 1.0
BLOCK = 1 << 18


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """How long ended logs are kept, and how many bytes all together; the oldest go first."""

    seconds: float = 30 * 86400.0
    bytes: int = 10 * 1024**3


class DirectoryStore:
    """See `gitops.ports.logstore.LogStore`. One process writes a directory at a time."""

    def __init__(self, root: Path, clock: Clock, *, retention: Retention | None = None) -> None:
        self._root = root
        self._clock = clock
        self._retention = retention or Retention()
        self._news: dict[str, asyncio.Event] = {}
        root.mkdir(parents=True, exist_ok=True)

    async def writer(self, uid: str) -> LogWriter:
        """See the port."""
        path = self._path(uid)
        tally = await asyncio.to_thread(file.recover, path)
        return _Writer(self, uid, file.open_to_append(path), tally)

    async def read(self, uid: str, span: Span) -> AsyncGenerator[Sequence[Frame], None]:
        """See the port."""
        path = self._path(uid)
        if not path.exists():
            raise errors.ObjectMissing(
                f"there is no log of operation {uid}", hint="it has not started yet, or its log is no longer kept"
            )
        since = int(span.since.timestamp() * 1000) if span.since else 0
        cursor = file.Cursor(path, since=since, tail=span.tail)
        try:
            while True:
                news, ended = self.news(uid), self.ended(uid)
                while frames := await asyncio.to_thread(cursor.next, BLOCK):
                    yield frames
                if ended or not span.follow:
                    return
                await self._wait(news)
        finally:
            cursor.close()

    async def sweep(self) -> int:
        """Remove what the retention no longer keeps; how many logs that were."""
        limits = self._retention
        return await asyncio.to_thread(
            file.sweep, self._root, before=self._clock.now().timestamp() - limits.seconds, bytes_kept=limits.bytes
        )

    async def _wait(self, news: asyncio.Event) -> None:
        """Until something is appended, or a moment passed: another process may be the one that ends it."""
        waits = {asyncio.create_task(news.wait()), asyncio.create_task(self._clock.sleep(POLL))}
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in waits:
                task.cancel()

    def news(self, uid: str) -> asyncio.Event:
        """Set at the next append."""
        return self._news.setdefault(uid, asyncio.Event())

    def announce(self, uid: str) -> None:
        """Something was appended, or the log ended."""
        event = self._news.pop(uid, None)
        if event is not None:
            event.set()

    def ended(self, uid: str) -> bool:
        """Nothing will be added."""
        return self._path(uid).with_suffix(file.ENDED).exists()

    def finish(self, uid: str) -> None:
        """Nothing will be added from now on."""
        self._path(uid).with_suffix(file.ENDED).touch()
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

    def append(self, frames: Sequence[Frame]) -> None:
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
        if finished:
            self._store.finish(self._uid)
