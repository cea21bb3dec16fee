"""A bucket as a log store: segments of about half a megabyte, written while the operation runs.

Durable is what a `sync` waited for. Between syncs, what is not stored yet is at most `FLUSH_AFTER` seconds old and
twice `SEGMENT` bytes large; a worker that dies with it reads it again from the pod, which keeps far more than that. A
store that does not answer is asked until it does: meanwhile nothing more is read from the pod than fits, and no
operation ends.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

from gitops import errors
from gitops.logstore import segments
from gitops.logstore.bucket import Bucket
from gitops.logstore.growing import Growing
from gitops.logstore.news import News
from gitops.logstore.retention import Kept, Retention
from gitops.logstore.segments import END, Segment
from gitops.ports.clock import Clock
from gitops.ports.logstore import LogWriter, Span
from gitops.runner.frames import Decoder, Frame
from gitops.runner.lines import LastLines
from gitops.runner.tally import Tally

_T = TypeVar("_T")
log = logging.getLogger(__name__)

SEGMENT: Final = 1 << 19
"""Bytes at which a segment is stored at once; a writer holds at most two in memory."""
SMALL: Final = 1 << 18
"""Bytes below which a stored segment still grows: a quiet script's log is few objects, not one every few seconds."""
FLUSH_AFTER: Final = 5.0
"""Seconds after which what came is stored however little it is."""
POLL: Final = 2.0
"""Seconds between two looks at a log that another process writes."""
FAREWELL: Final = 5.0
"""Seconds a writer that is told to stop has to store what it holds: the pod has it, too."""
_BLOCK: Final = 1 << 16
_AGAIN: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """What a listing of a log says."""

    segments: Sequence[Segment]
    ended: bool


class SegmentedStore:
    """See `gitops.ports.logstore.LogStore`. Any number of processes read; of those that write a log, the last wins."""

    def __init__(self, bucket: Bucket, clock: Clock, *, retention: Retention | None = None) -> None:
        self._bucket = bucket
        self._clock = clock
        self._retention = retention or Retention()
        self._news = News(clock)
        self._open: dict[str, _Writer] = {}

    async def writer(self, uid: str) -> LogWriter:
        """See the port."""
        _check(uid)
        self._open[uid] = writer = await self.persist(lambda: self._recover(uid))
        return writer

    async def _recover(self, uid: str) -> _Writer:
        known = await self._known(uid)
        tally, decoder, data = Tally(), Decoder(), b""
        for segment in known.segments:
            data = await self._segment(uid, segment)
            for start in range(0, len(data), _BLOCK):
                tally.add(decoder.feed(data[start : start + _BLOCK]))
        sealed, growing = list(known.segments), Growing(tally.last)
        if sealed and len(data) < SMALL:
            growing = Growing(tally.last, sealed.pop(), data)
        return _Writer(self, uid, sealed, growing, tally)

    async def end(self, uid: str) -> None:
        """See the port."""
        _check(uid)
        known = await self.persist(lambda: self._known(uid))
        if known.segments and not known.ended:
            await self.mark_ended(uid)
            self.announce(uid)

    async def read(self, uid: str, span: Span) -> AsyncGenerator[Sequence[Frame], None]:
        """See the port."""
        _check(uid)
        known = await self._look(uid)
        if uid not in self._open and not known.segments and not known.ended:
            raise errors.ObjectMissing(
                f"there is no log of operation {uid}", hint="it has not started yet, or its log is no longer kept"
            )
        decoder = Decoder(await self._start(uid, known, span))
        while True:
            news = self._news.of(uid)
            known = await self._look(uid)
            async with contextlib.aclosing(self._rest(uid, known, decoder)) as batches:
                async for frames in batches:
                    yield frames
            if known.ended or not span.follow:
                return
            await self._news.wait(news, most=POLL)

    async def sweep(self) -> int:
        """Remove what the retention no longer keeps; how many logs that were."""
        keys: dict[str, list[str]] = {}
        found: dict[str, Kept] = {}
        for item in await self._bucket.list(""):
            uid, _, name = item.key.rpartition("/")
            if name != END and segments.parse(name) is None:
                continue  # not ours
            before = found.get(uid)
            written, size = (max(before.written, item.written), before.bytes) if before else (item.written, 0)
            found[uid] = Kept(name=uid, written=written, bytes=size + item.bytes)
            keys.setdefault(uid, []).append(name)
        now = self._clock.now().timestamp()
        left = now - self._retention.abandoned
        ended = [
            kept for uid, kept in found.items() if uid not in self._open and (END in keys[uid] or kept.written < left)
        ]
        doomed = self._retention.doomed(ended, now=now)
        for uid in doomed:
            # The mark goes last: a sweep that is cut off is finished by the next.
            await self._bucket.delete([f"{uid}/{name}" for name in keys[uid] if name != END])
            await self._bucket.delete([f"{uid}/{END}"])
        return len(doomed)

    async def check(self) -> None:
        """Whether the bucket lets us in.

        Raises:
            LogStoreUnavailable: it does not.
        """
        await self._bucket.list("check")

    async def mark_ended(self, uid: str) -> None:
        """Nothing will be added from now on."""
        await self.persist(lambda: self._bucket.put(f"{uid}/{END}", b""))

    def announce(self, uid: str) -> None:
        """Something was appended, or the log ended."""
        self._news.announce(uid)

    def forget(self, uid: str, writer: LogWriter) -> None:
        """A writer stopped."""
        if self._open.get(uid) is writer:
            del self._open[uid]
        self.announce(uid)

    def now_ms(self) -> int:
        """Milliseconds since 1970."""
        return int(self._clock.now().timestamp() * 1000)

    async def sleep(self, seconds: float) -> None:
        """Let time pass."""
        await self._clock.sleep(seconds)

    async def persist(self, request: Callable[[], Awaitable[_T]]) -> _T:
        """Ask until the store answers."""
        pause = 1.0
        while True:
            try:
                return await request()
            except errors.LogStoreUnavailable as error:
                log.warning("%s; trying again", error)
            await self._clock.sleep(pause)
            pause = min(pause * 2, 30.0)

    async def store(self, uid: str, segment: Segment, data: bytes, *, instead: Segment | None) -> None:
        """Write a segment, then remove the shorter one it replaces."""
        await self.persist(lambda: self._bucket.put(f"{uid}/{segment.name}", data))
        if instead is not None and instead != segment:
            # Left behind it does no harm: it is never read beside the longer one.
            with contextlib.suppress(errors.LogStoreUnavailable):
                await self._bucket.delete([f"{uid}/{instead.name}"])

    async def _known(self, uid: str) -> _Known:
        names = [item.key.rpartition("/")[2] for item in await self._bucket.list(uid)]
        found = sorted(segment for segment in map(segments.parse, names) if segment)
        gone = set(segments.superseded(found))
        return _Known(segments=[segment for segment in found if segment not in gone], ended=END in names)

    async def _look(self, uid: str) -> _Known:
        """What there is to read besides what a writer of this process holds."""
        writer = self._open.get(uid)
        return _Known(segments=list(writer.sealed), ended=False) if writer else await self._known(uid)

    async def _rest(self, uid: str, known: _Known, decoder: Decoder) -> AsyncGenerator[Sequence[Frame], None]:
        """Everything behind the decoder's last frame, as far as it goes now."""
        misses = 0
        while True:
            writer = self._open.get(uid)
            segment = segments.after(writer.sealed if writer else known.segments, decoder.last)
            if segment is None:
                data = writer.growing.after(decoder.last) if writer else b""
            else:
                found = await self._bucket.get(f"{uid}/{segment.name}")
                if found is None:
                    # A longer one took its place meanwhile, or the whole log was swept.
                    misses += 1
                    known = await self._known(uid)
                    if misses > _AGAIN or not known.segments:
                        raise errors.ObjectMissing(f"the log of operation {uid} is no longer kept")
                    continue
                data = found
            before = decoder.last
            for start in range(0, len(data), _BLOCK):
                frames = decoder.feed(data[start : start + _BLOCK])
                if frames:
                    yield frames
            if segment is None:
                return
            decoder.last = max(decoder.last, segment.last)
            misses = misses if decoder.last == before else 0

    async def _segment(self, uid: str, segment: Segment) -> bytes:
        data = await self._bucket.get(f"{uid}/{segment.name}")
        if data is None:
            raise errors.LogStoreUnavailable(f"a part of the log of operation {uid} is gone", cause=segment.name)
        return data

    async def _start(self, uid: str, known: _Known, span: Span) -> int:
        """The last frame that is not asked for."""
        start = span.after
        if span.since is not None:
            start = max(start, await self._since(uid, known, int(span.since.timestamp() * 1000)))
        if span.tail is not None:
            start = max(start, await self._tail(uid, known, span.tail))
        return start

    async def _since(self, uid: str, known: _Known, when: int) -> int:
        writer = self._open.get(uid)
        earlier = [segment for segment in known.segments if segment.arrived < when]
        if writer and writer.growing.arrived is not None and writer.growing.arrived < when:
            data, start = writer.growing.after(0), writer.tally.last
        elif earlier:
            data, start = await self._segment(uid, earlier[-1]), earlier[-1].last
        else:
            return 0
        at = 0
        for line in data.splitlines(keepends=True):
            if line[:1] == b"@" and int(line[1:]) >= when:
                later = Decoder().feed(data[at:])
                return later[0].seq - 1 if later else start
            at += len(line)
        return start

    async def _tail(self, uid: str, known: _Known, count: int) -> int:
        writer = self._open.get(uid)
        if not count:
            return writer.tally.last if writer else max((each.last for each in known.segments), default=0)
        last, earliest = LastLines(count), 0
        held = [writer.growing.after(0)] if writer else []
        for index in range(len(held) + len(known.segments)):
            data = held[index] if index < len(held) else await self._segment(uid, known.segments[len(held) - 1 - index])
            found = [(each.stream, each.seq) for each in Decoder().feed(data) if not earliest or each.seq < earliest]
            begin = last.earlier(found)
            if begin is not None:
                return begin - 1
            earliest = found[0][1] if found else earliest
        return 0


class _Writer:
    """See `gitops.ports.logstore.LogWriter`."""

    def __init__(self, store: SegmentedStore, uid: str, sealed: list[Segment], growing: Growing, tally: Tally) -> None:
        self._store = store
        self._uid = uid
        self.sealed = sealed
        self.growing = growing
        self.tally = tally
        self._added = asyncio.Event()
        self._hurry = asyncio.Event()
        self._moved = asyncio.Event()
        self._task = asyncio.create_task(self._keep_storing())

    async def append(self, frames: Sequence[Frame]) -> None:
        """See the port."""
        self.growing.add(frames, self._store.now_ms())
        self.tally.add(frames)
        self._store.announce(self._uid)
        self._added.set()
        if self.growing.size >= SEGMENT:
            self._hurry.set()
        while self.growing.size >= 2 * SEGMENT:
            await self._progress()

    async def sync(self) -> None:
        """See the port."""
        wanted = self.tally.last
        while self.growing.stored < wanted:
            self._hurry.set()
            await self._progress()

    async def close(self, *, finished: bool) -> None:
        """See the port."""
        try:
            if finished:
                await self.sync()
                await self._store.mark_ended(self._uid)
            else:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self.sync(), FAREWELL)
        finally:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._store.forget(self._uid, self)

    async def _progress(self) -> None:
        """Until something more is stored."""
        moved = asyncio.create_task(self._moved.wait())
        try:
            await asyncio.wait({moved, self._task}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            moved.cancel()
        if self._task.done():
            self._task.result()

    async def _keep_storing(self) -> None:
        while True:
            await self._added.wait()
            await self._due()
            self._added.clear()
            self._hurry.clear()
            segment, data = self.growing.beginning(SEGMENT)
            await self._store.store(self._uid, segment, data, instead=self.growing.kept)
            if len(data) < SMALL:
                self.growing.keep(segment)
            else:
                self.sealed.append(segment)
                self.growing.seal(segment)
            if self.growing.unsaved:
                self._added.set()
            if self.growing.size >= SEGMENT:
                self._hurry.set()
            moved, self._moved = self._moved, asyncio.Event()
            moved.set()

    async def _due(self) -> None:
        """Until there is enough to store, somebody waits for it, or it has waited long enough."""
        hurry = asyncio.create_task(self._hurry.wait())
        late = asyncio.create_task(self._store.sleep(FLUSH_AFTER))
        try:
            await asyncio.wait({hurry, late}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            hurry.cancel()
            late.cancel()


def _check(uid: str) -> None:
    if not uid or not all(character.isalnum() or character == "-" for character in uid):
        raise errors.ObjectMissing(f"{uid!r} is no UID of an operation")
