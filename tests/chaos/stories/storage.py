"""Where logs are kept in a story: on a volume that stays when its process dies, or in a bucket that all share."""

from __future__ import annotations

import asyncio
import errno
from collections.abc import AsyncGenerator, Sequence

from gitops import errors
from gitops.logstore import SegmentedStore
from gitops.logstore.bucket import Bucket, Item
from gitops.ports.clock import Clock
from gitops.ports.logstore import LogStore, LogWriter, Span
from gitops.runner.frames import Frame
from gitops.runner.tally import Tally
from gitops.testing.logstore import FakeLogStore
from tests.chaos.stories.line import Line


class Objects:
    """What a bucket holds, and whether it answers."""

    def __init__(self) -> None:
        self.content: dict[str, bytes] = {}
        self.away = False


class LineBucket(Bucket):
    """The bucket as one process reaches it."""

    def __init__(self, line: Line, objects: Objects) -> None:
        self._line = line
        self._objects = objects

    async def _request(self, label: str) -> None:
        self._line.note(label)
        await asyncio.sleep(0.005)
        if self._objects.away:
            raise errors.LogStoreUnavailable("cannot reach the log store", cause="no connection")

    async def put(self, key: str, data: bytes) -> None:
        await self._request("put")
        self._objects.content[key] = data
        self._line.note("put", after=True)

    async def get(self, key: str) -> bytes | None:
        await self._request("get")
        return self._objects.content.get(key)

    async def list(self, folder: str, *, after: str = "") -> list[Item]:
        await self._request("list")
        found = self._objects.content.items()
        return [
            Item(key, 0.0, len(data))
            for key, data in sorted(found)
            if (not folder or key.startswith(f"{folder}/")) and key > after
        ]

    async def delete(self, keys: Sequence[str]) -> None:
        await self._request("drop")
        for key in keys:
            self._objects.content.pop(key, None)


def bucket(line: Line, objects: Objects, clock: Clock) -> LogStore:
    return SegmentedStore(LineBucket(line, objects), clock)


class LineStore:
    """A volume as the process that has mounted it writes it."""

    def __init__(self, line: Line, volume: Volume) -> None:
        self._line = line
        self._volume = volume

    async def writer(self, uid: str) -> LogWriter:
        self._line.note("open log")
        writer = await self._volume.store.writer(uid)
        self._line.note("open log", after=True)
        return _Writer(self._line, self._volume, writer)

    async def end(self, uid: str) -> None:
        self._line.note("end log")
        await self._volume.store.end(uid)

    def read(self, uid: str, span: Span) -> AsyncGenerator[Sequence[Frame], None]:
        return self._volume.store.read(uid, span)


class Volume:
    """A disk."""

    def __init__(self, clock: Clock) -> None:
        self.store = FakeLogStore(clock)
        self.full = False


class _Writer:
    def __init__(self, line: Line, volume: Volume, writer: LogWriter) -> None:
        self._line = line
        self._volume = volume
        self._writer = writer

    @property
    def tally(self) -> Tally:
        return self._writer.tally

    async def append(self, frames: Sequence[Frame]) -> None:
        self._line.note("append")
        if self._volume.full:
            raise OSError(errno.ENOSPC, "No space left on device")
        await self._writer.append(frames)
        self._line.note("append", after=True)

    async def sync(self) -> None:
        self._line.note("sync")
        await self._writer.sync()
        self._line.note("sync", after=True)

    async def close(self, *, finished: bool) -> None:
        self._line.note("close log")
        await self._writer.close(finished=finished)
        self._line.note("close log", after=True)
