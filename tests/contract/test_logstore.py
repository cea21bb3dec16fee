"""The log store's promises, held by the directory store and by the fake."""

from __future__ import annotations

import asyncio
import os
import secrets
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from obstore.store import MemoryStore

from gitops import errors
from gitops.logstore import DirectoryStore, Retention, SegmentedStore, bucket
from gitops.logstore.bucket import Bucket
from gitops.ports.logstore import LogStore, Span
from gitops.runner import frames
from gitops.runner.frames import Frame
from gitops.testing.clock import FakeClock
from gitops.testing.logstore import FakeLogStore
from tests.cluster.objectstore import ObjectStore

UID = "0e5b4f7e-8a4f-4d1c-9df5-2a4f3f0c9a11"


def made(first: int, count: int, stream: str = "o") -> list[Frame]:
    decoder = frames.Decoder(first - 1)
    return decoder.feed(
        b"".join(b"%d|%s|%d|line %d\n" % (n, stream.encode(), n, n) for n in range(first, first + count))
    )


async def read(store: LogStore, span: Span | None = None) -> list[int]:
    async with aclosing(store.read(UID, span or Span())) as batches:
        return [frame.seq async for batch in batches for frame in batch]


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


def in_bucket(server: ObjectStore, name: str = "") -> bucket.Settings:
    """A bucket nobody used before."""
    name = name or f"logs-{secrets.token_hex(4)}"
    server.make_bucket(name)
    return bucket.Settings(
        bucket=name,
        prefix="team/logs",
        endpoint=server.endpoint,
        ca=server.ca_file,
        credentials=server.credentials,
    )


@pytest.fixture(params=["directory", "memory", pytest.param("s3", marks=pytest.mark.integration), "fake"])
def store(request: pytest.FixtureRequest, tmp_path: Path, clock: FakeClock) -> LogStore:
    match request.param:
        case "directory":
            return DirectoryStore(tmp_path, clock)
        case "memory":
            return SegmentedStore(Bucket(MemoryStore(), "memory"), clock)
        case "s3":
            return SegmentedStore(bucket.connect(in_bucket(request.getfixturevalue("object_store"))), clock)
    return FakeLogStore(clock)


async def test_what_was_appended_is_read(store: LogStore) -> None:
    writer = await store.writer(UID)
    await writer.append(made(1, 3))
    await writer.append(made(4, 2))
    await writer.sync()
    await writer.close(finished=True)
    assert await read(store) == [1, 2, 3, 4, 5]


async def test_a_log_goes_on_where_it_stopped(store: LogStore) -> None:
    writer = await store.writer(UID)
    await writer.append(made(1, 3))
    before = writer.tally.sha256
    await writer.close(finished=False)
    writer = await store.writer(UID)
    assert (writer.tally.last, writer.tally.sha256, writer.tally.missing) == (3, before, 0)
    await writer.append(made(4, 1))
    await writer.close(finished=True)
    assert await read(store) == [1, 2, 3, 4]


@settings(max_examples=30)
@given(cut=st.integers(0, 200))
def test_a_torn_write_costs_nothing_that_was_whole(tmp_path_factory: pytest.TempPathFactory, cut: int) -> None:
    async def check() -> None:
        folder = tmp_path_factory.mktemp("torn")
        store = DirectoryStore(folder, FakeClock())
        writer = await store.writer(UID)
        await writer.append(made(1, 10))
        await writer.close(finished=False)
        path = folder / f"{UID}.log"
        os.truncate(path, min(cut, path.stat().st_size))
        whole = [line for line in path.read_bytes().split(b"\n")[:-1] if not line.startswith(b"@")]
        writer = await store.writer(UID)
        assert writer.tally.last == len(whole)
        await writer.append(made(len(whole) + 1, 2))
        await writer.close(finished=True)
        assert await read(store) == list(range(1, len(whole) + 3))

    asyncio.run(check())


async def test_following_sees_what_comes_and_ends_with_the_log(store: LogStore) -> None:
    writer = await store.writer(UID)
    await writer.append(made(1, 1))
    reader = asyncio.create_task(read(store, Span(follow=True)))
    await asyncio.sleep(0.05)
    await writer.append(made(2, 2))
    await asyncio.sleep(0.05)
    assert not reader.done()
    await writer.close(finished=True)
    assert await asyncio.wait_for(reader, 5) == [1, 2, 3]


@pytest.mark.parametrize(("tail", "expected"), [(0, []), (1, [500]), (3, [498, 499, 500]), (9999, list(range(1, 501)))])
async def test_the_last_lines(store: LogStore, tail: int, expected: list[int]) -> None:
    writer = await store.writer(UID)
    await writer.append(made(1, 500))
    await writer.close(finished=True)
    assert await read(store, Span(tail=tail)) == expected


async def test_a_line_in_several_frames_is_one_line(store: LogStore) -> None:
    writer = await store.writer(UID)
    for part in (made(1, 2), made(3, 2, "O"), made(5, 1)):
        await writer.append(part)
    await writer.close(finished=True)
    assert await read(store, Span(tail=1)) == [3, 4, 5]


async def test_what_comes_after_a_frame(store: LogStore) -> None:
    writer = await store.writer(UID)
    await writer.append(made(1, 500))
    await writer.close(finished=True)
    assert await read(store, Span(after=497)) == [498, 499, 500]
    assert await read(store, Span(after=497, tail=9)) == [498, 499, 500]
    assert await read(store, Span(after=490, tail=2)) == [499, 500]
    assert await read(store, Span(after=500)) == []


async def test_since_a_time(store: LogStore, clock: FakeClock) -> None:
    writer = await store.writer(UID)
    await writer.append(made(1, 2))
    await clock.advance(60)
    await writer.append(made(3, 2))
    await writer.close(finished=True)
    assert await read(store, Span(since=clock.now() - timedelta(seconds=5))) == [3, 4]
    assert await read(store, Span(since=clock.now() + timedelta(seconds=5))) == []


async def test_a_log_that_is_not_there(store: LogStore) -> None:
    for uid in (UID, "../../etc/passwd", ""):
        with pytest.raises(errors.ObjectMissing):
            async with aclosing(store.read(uid, Span())) as batches:
                await anext(batches)


async def test_since_and_tail_are_both_kept(store: LogStore, clock: FakeClock) -> None:
    writer = await store.writer(UID)
    await writer.append(made(1, 5))
    await clock.advance(60)
    await writer.append(made(6, 300))
    await writer.close(finished=True)
    assert await read(store, Span(since=clock.now() - timedelta(seconds=5), tail=2)) == [304, 305]
    assert await read(store, Span(since=clock.now() - timedelta(seconds=5), tail=9999)) == list(range(6, 306))


async def test_a_log_is_ended_without_being_opened(store: LogStore) -> None:
    writer = await store.writer(UID)
    await writer.append(made(1, 2))
    await writer.close(finished=False)
    reader = asyncio.create_task(read(store, Span(follow=True)))
    await asyncio.sleep(0.05)
    assert not reader.done()
    await store.end(UID)
    await store.end("0e5b4f7e-no-such-log")
    assert await asyncio.wait_for(reader, 20) == [1, 2]
    with pytest.raises(errors.ObjectMissing):
        async with aclosing(store.read("0e5b4f7e-no-such-log", Span())) as batches:
            await anext(batches)


@settings(max_examples=30, deadline=None)
@given(
    batches=st.lists(st.tuples(st.integers(1, 40), st.sampled_from("oOeEsx")), min_size=1, max_size=20),
    tail=st.integers(0, 60),
)
def test_property_every_store_has_the_same_last_lines(
    tmp_path_factory: pytest.TempPathFactory, batches: list[tuple[int, str]], tail: int
) -> None:
    async def check() -> None:
        found, clock = [], FakeClock()
        for store in (
            DirectoryStore(tmp_path_factory.mktemp("tail"), clock),
            SegmentedStore(Bucket(MemoryStore(), "memory"), clock),
            FakeLogStore(clock),
        ):
            writer = await store.writer(UID)
            for count, stream in batches:
                await writer.append(made(writer.tally.last + 1, count, stream))
            await writer.close(finished=True)
            found.append(await read(store, Span(tail=tail)))
        assert found[0] == found[2]
        assert found[1] == found[2]

    asyncio.run(check())


async def test_a_log_that_was_left_open_goes_once_nobody_can_still_write_it(tmp_path: Path) -> None:
    clock = FakeClock()
    store = DirectoryStore(tmp_path, clock, retention=Retention(seconds=100))
    written = await store.writer("written")
    for name, days in (("written", 9), ("left", 9), ("new", 6)):
        if name != "written":
            await (await store.writer(name)).close(finished=False)
        when = clock.now().timestamp() - days * 86400
        os.utime(tmp_path / f"{name}.log", (when, when))
    assert await store.sweep() == 1
    assert sorted(entry.name for entry in os.scandir(tmp_path)) == ["new.log", "written.log"]
    await written.close(finished=False)
    assert await store.sweep() == 1


async def test_a_log_left_open_in_a_bucket_goes_too() -> None:
    memory, clock = MemoryStore(), FakeClock(datetime.now(UTC) + timedelta(days=9))
    store = SegmentedStore(Bucket(memory, "memory"), clock, retention=Retention(seconds=100))
    writer = await store.writer(UID)
    await writer.append(made(1, 3))
    await writer.sync()
    assert await store.sweep() == 0
    await writer.close(finished=False)
    assert await store.sweep() == 1


async def test_old_logs_go_and_open_ones_stay(tmp_path: Path) -> None:
    clock = FakeClock()
    store = DirectoryStore(tmp_path, clock, retention=Retention(seconds=100, bytes=10_000))
    for number, (age, ended) in enumerate([(50, True), (500, True), (500, False)]):
        writer = await store.writer(f"log-{number}")
        await writer.append(made(1, 3))
        await writer.close(finished=ended)
        when = clock.now().timestamp() - age
        os.utime(tmp_path / f"log-{number}.log", (when, when))
    assert await store.sweep() == 1
    with pytest.raises(errors.ObjectMissing):
        async with aclosing(store.read("log-1", Span())) as batches:
            await anext(batches)
    assert await anext(store.read("log-2", Span()))
