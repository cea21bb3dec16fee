"""Operation logs in a real S3 server that goes away, stands still, and refuses; writers that die or overlap."""

from __future__ import annotations

import asyncio
import logging
import secrets
import subprocess
import sys
import textwrap
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path

import pytest

from gitops import errors
from gitops.cluster.clock import SystemClock
from gitops.logstore import Retention, SegmentedStore, bucket
from gitops.logstore.bucket import Settings
from gitops.ports.logstore import Span
from gitops.runner import frames
from gitops.runner.frames import Frame
from tests.cluster.objectstore import ObjectStore

pytestmark = pytest.mark.integration

UID = "0e5b4f7e-8a4f-4d1c-9df5-2a4f3f0c9a11"
WAIT = 60


def made(first: int, count: int, width: int = 20) -> list[Frame]:
    text = b"x" * width
    return frames.Decoder(first - 1).feed(b"".join(b"%d|o|0|%s\n" % (n, text) for n in range(first, first + count)))


def settings(server: ObjectStore) -> Settings:
    name = f"logs-{secrets.token_hex(4)}"
    server.make_bucket(name)
    place = Settings(bucket=name, endpoint=server.endpoint, ca=server.ca_file, credentials=server.credentials)
    return replace(place, prefix="one")


def opened(place: Settings, retention: Retention | None = None) -> SegmentedStore:
    return SegmentedStore(bucket.connect(place), SystemClock(), retention=retention)


async def numbers(store: SegmentedStore, span: Span | None = None) -> list[int]:
    async with aclosing(store.read(UID, span or Span())) as batches:
        return [frame.seq async for batch in batches for frame in batch]


@pytest.fixture
def place(object_store: ObjectStore) -> Settings:
    return settings(object_store)


async def test_large_logs_are_few_objects_and_every_reader_sees_all(object_store: ObjectStore, place: Settings) -> None:
    store, other = opened(place), opened(place)
    writer = await store.writer(UID)
    follower = asyncio.create_task(numbers(store, Span(follow=True)))
    elsewhere = None
    for start in range(1, 50_001, 500):
        await writer.append(made(start, 500, width=80))
        if elsewhere is None and object_store.keys(place.bucket):
            elsewhere = asyncio.create_task(numbers(other, Span(follow=True)))
    await writer.close(finished=True)
    async with asyncio.timeout(WAIT):
        assert await follower == list(range(1, 50_001))
        assert elsewhere is not None
        assert await elsewhere == list(range(1, 50_001))
    assert await numbers(other, Span(tail=3)) == [49_998, 49_999, 50_000]
    keys = [key for key in object_store.keys(place.bucket) if not key.endswith("/end")]
    assert 8 <= len(keys) <= 14
    assert all(key.startswith(f"one/{UID}/") for key in keys)


async def test_a_quiet_log_is_one_object_however_often_it_is_stored(object_store: ObjectStore, place: Settings) -> None:
    writer = await opened(place).writer(UID)
    for number in range(1, 8):
        await writer.append(made(number, 1))
        await writer.sync()
    assert len(object_store.keys(place.bucket)) == 1
    await writer.close(finished=True)
    assert await numbers(opened(place)) == list(range(1, 8))


async def test_what_a_sync_waited_for_outlives_the_writer(object_store: ObjectStore, place: Settings) -> None:
    script = textwrap.dedent("""
        import asyncio, os, sys
        sys.path[:0] = [sys.argv[1]]
        from tests.integration.test_log_bucket import UID, made, opened
        from gitops.logstore.bucket import Settings
        from pathlib import Path

        async def main() -> None:
            bucket, endpoint, ca, credentials = sys.argv[2:]
            place = Settings(bucket=bucket, prefix="one", endpoint=endpoint, ca=Path(ca), credentials=Path(credentials))
            writer = await opened(place).writer(UID)
            await writer.append(made(1, 1000))
            await writer.sync()
            await writer.append(made(1001, 1000))
            os.kill(os.getpid(), 9)

        asyncio.run(main())
    """)
    root = str(Path(__file__).parents[2])
    arguments = [place.bucket, place.endpoint, str(place.ca), str(place.credentials)]
    command = [sys.executable, "-c", script, root, *arguments]
    done = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, check=False)
    assert done.returncode == -9, done.stderr
    store = opened(place)
    writer = await store.writer(UID)
    assert writer.tally.last >= 1000
    await writer.append(made(writer.tally.last + 1, 2000 - writer.tally.last))
    await writer.close(finished=True)
    assert await numbers(store) == list(range(1, 2001))
    assert writer.tally.missing == 0


@pytest.mark.parametrize("how", ["gone", "hung"])
async def test_a_store_that_does_not_answer_is_waited_for_in_bounded_memory(
    object_store: ObjectStore,
    place: Settings,
    how: str,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(bucket, "TIMEOUT", bucket.TIMEOUT / 20)
    store = opened(place)
    writer = await store.writer(UID)
    await writer.append(made(1, 10))
    await writer.sync()
    object_store.stop() if how == "gone" else object_store.hang()
    try:
        appended = 10

        async def write() -> None:
            nonlocal appended
            for start in range(11, 60_011, 500):
                await writer.append(made(start, 500, width=80))
                appended = start + 499
            await writer.close(finished=True)

        with caplog.at_level(logging.WARNING):
            writing = asyncio.create_task(write())
            async with asyncio.timeout(WAIT):
                while not caplog.messages:  # noqa: ASYNC110 - logging knows no events
                    await asyncio.sleep(0.05)
        assert not writing.done()
        assert 90 * (appended - 10) < 3 << 20
        with pytest.raises(errors.LogStoreUnavailable, match="cannot list the log store s3://"):
            await numbers(opened(place))
    finally:
        object_store.start() if how == "gone" else object_store.go_on()
    async with asyncio.timeout(WAIT):
        await writing
    assert await numbers(opened(place)) == list(range(1, 60_011))
    assert object_store.secret not in caplog.text


async def test_a_writer_that_was_replaced_and_does_not_know_it_takes_nothing_away(place: Settings) -> None:
    first = await opened(place).writer(UID)
    await first.append(made(1, 10))
    await first.sync()
    second = await opened(place).writer(UID)
    await second.append(made(11, 20))
    await second.sync()
    # It writes what it has read of the same pod, later and less of it, and stops as if it were the only one.
    await first.append(made(11, 5))
    await first.sync()
    await first.close(finished=False)
    await second.append(made(31, 10))
    await second.close(finished=True)
    assert await numbers(opened(place)) == list(range(1, 41))
    assert (await opened(place).writer(UID)).tally.missing == 0


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"bucket": "no-such-bucket"}, "NoSuchBucket"),
        ({"endpoint": "https://127.0.0.1:1"}, "at https://127.0.0.1:1: no connection: Connection refused"),
        ({"ca": None}, "its certificate is not trusted: UnknownIssuer"),
        ({"credentials": "wrong"}, "SignatureDoesNotMatch"),
    ],
)
async def test_what_is_wrong_is_said_without_secrets(
    place: Settings, tmp_path: Path, change: dict[str, object], words: str, object_store: ObjectStore
) -> None:
    if "credentials" in change:
        (tmp_path / "AWS_ACCESS_KEY_ID").write_text("writer\n")
        (tmp_path / "AWS_SECRET_ACCESS_KEY").write_text("not-the-secret\n")
        change = {"credentials": tmp_path}
    store = opened(replace(place, **change))  # type: ignore[arg-type]
    with pytest.raises(errors.LogStoreUnavailable, match=words) as caught:
        await store.check()
    told = f"{caught.value!r} {caught.value} {caught.value.hint}"
    assert object_store.secret not in told
    assert "not-the-secret" not in told
    assert "StringToSign" not in told


@pytest.mark.parametrize("missing", ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"])
def test_a_secret_without_its_keys_is_named(place: Settings, tmp_path: Path, missing: str) -> None:
    for name in {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"} - {missing}:
        (tmp_path / name).write_text("value-never-told")
    with pytest.raises(errors.ConfigError, match=missing) as caught:
        bucket.connect(replace(place, credentials=tmp_path))
    assert "value-never-told" not in f"{caught.value} {caught.value.hint}"


async def test_a_changed_secret_is_read_again(
    place: Settings, tmp_path: Path, object_store: ObjectStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bucket, "CREDENTIALS_FOR", bucket.CREDENTIALS_FOR * 0)
    (tmp_path / "AWS_ACCESS_KEY_ID").write_text("writer")
    (tmp_path / "AWS_SECRET_ACCESS_KEY").write_text("old")
    store = opened(replace(place, credentials=tmp_path))
    with pytest.raises(errors.LogStoreUnavailable):
        await store.check()
    (tmp_path / "AWS_SECRET_ACCESS_KEY").write_text(object_store.secret)
    await store.check()


async def test_old_logs_go_and_open_ones_and_those_of_others_stay(object_store: ObjectStore, place: Settings) -> None:
    store = opened(place, Retention(seconds=3600, bytes=2500))
    for name in ("a", "b", "c", "open"):
        writer = await store.writer(name)
        await writer.append(made(1, 40))
        await writer.close(finished=name != "open")
        await asyncio.sleep(1.1 if name in {"a", "b"} else 0)  # the store's times are whole seconds
    (object_store.buckets / place.bucket / "one" / "not-ours.txt").write_text("kept")
    assert await store.sweep() == 1
    assert await store.sweep() == 0
    left = object_store.keys(place.bucket)
    assert {key.split("/")[1] for key in left} == {"b", "c", "open", "not-ours.txt"}
    with pytest.raises(errors.ObjectMissing):
        async with aclosing(store.read("a", Span())) as batches:
            await anext(batches)
    assert await opened(place, Retention(seconds=-3600)).sweep() == 2


def test_a_process_that_used_it_ends_as_any_other(place: Settings) -> None:
    script = textwrap.dedent("""
        import asyncio, sys
        from pathlib import Path
        from gitops.logstore import bucket

        async def main() -> None:
            name, endpoint, ca, credentials = sys.argv[1:]
            place = bucket.Settings(bucket=name, endpoint=endpoint, ca=Path(ca), credentials=Path(credentials))
            found = bucket.connect(place)
            await found.put("a/b", b"x" * 100_000)
            assert await found.get("a/b") == b"x" * 100_000

        asyncio.run(main())
    """)
    arguments = [place.bucket, place.endpoint, str(place.ca), str(place.credentials)]
    for _ in range(3):
        done = subprocess.run([sys.executable, "-c", script, *arguments], capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (0, "")
