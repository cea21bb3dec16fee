"""Files sent into the pod: the runner that has the script waits, others receive."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.integration.runnerbench import Bench, emulated, ran

pytestmark = pytest.mark.integration

EXAMPLES = int(os.environ.get("GITOPS_FUZZ_EXAMPLES", "40"))
RECEIVED, BROKEN, DIFFERENT, UNWRITTEN = 0, 10, 11, 12
END = b"\0\0\0\0"


def block(content: bytes) -> bytes:
    return len(content).to_bytes(4, "big") + content


def sent(content: bytes, size: int = 50_000) -> bytes:
    """A whole file as the worker sends it."""
    return b"".join(block(content[at : at + size]) for at in range(0, len(content), size)) + END


@dataclass
class Desk:
    """Receivers beside a runner: `work` is the working directory, `spool` where the marks are."""

    program: Sequence[str]
    work: Path
    spool: Path

    def open(self, path: str, digest: str, *, index: int = 0, mode: str = "644") -> subprocess.Popen[bytes]:
        given = {"--receive": str(index), "--path": path, "--digest": digest, "--mode": mode, "--spool": self.spool}
        return subprocess.Popen(
            [*self.program, *(str(part) for pair in given.items() for part in pair)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=self.work,
        )

    def send(
        self, path: str, stream: bytes, digest: str = "", *, index: int = 0, mode: str = "644"
    ) -> tuple[int, bytes]:
        process = self.open(path, digest or digest_of(stream), index=index, mode=mode)
        out, said = process.communicate(stream, timeout=60)
        assert out == b""
        return process.returncode, said

    def missing(self, count: int) -> list[int]:
        found = subprocess.run(
            [*self.program, "--missing", str(count), "--spool", str(self.spool)], check=True, capture_output=True
        )
        return [int(line) for line in found.stdout.split()]

    def left(self) -> list[str]:
        return sorted(str(one.relative_to(self.work)) for one in self.work.rglob("*") if one.is_file())


def digest_of(stream: bytes) -> str:
    """Of what the blocks of a stream hold."""
    digest, at = hashlib.sha256(), 0
    while at + 4 <= len(stream):
        size = int.from_bytes(stream[at : at + 4], "big")
        digest.update(stream[at + 4 : at + 4 + size])
        at += 4 + size
    return digest.hexdigest()


@pytest.fixture
def desk(program: Path, tmp_path: Path) -> Desk:
    (tmp_path / "work").mkdir()
    (tmp_path / "spool").mkdir()
    return Desk([str(program)], tmp_path / "work", tmp_path / "spool")


@pytest.mark.parametrize("size", [0, 1, 55, 56, 63, 64, 65, 119, 120, 65_535, 65_536, 65_537, 3_000_000])
@pytest.mark.parametrize("blocks", [1 << 20, 997])
def test_a_file_arrives_whatever_its_size(desk: Desk, size: int, blocks: int) -> None:
    content = os.urandom(size)
    assert desk.send("deep/er/big", sent(content, blocks), hashlib.sha256(content).hexdigest()) == (RECEIVED, b"")
    assert (desk.work / "deep/er/big").read_bytes() == content
    assert desk.left() == ["deep/er/big"]
    assert desk.missing(2) == [1]


# FIPS 180-4's own examples.
VECTORS = {
    b"abc": "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
    b"": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    b"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq": (
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
    ),
    b"a" * 1_000_000: "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0",
}


@pytest.mark.parametrize(("content", "digest"), VECTORS.items(), ids=lambda one: str(len(one)))
def test_the_digest_is_the_standards(desk: Desk, content: bytes, digest: str) -> None:
    assert desk.send("x", sent(content), digest) == (RECEIVED, b"")


def test_the_mode_is_what_was_asked_for(desk: Desk) -> None:
    desk.send("tool", sent(b"#!/bin/sh\n"), mode="755")
    assert (desk.work / "tool").stat().st_mode & 0o777 == 0o755


@pytest.mark.parametrize("stream", [b"", b"\0", b"\0\0\0\x05ab", block(b"whole"), block(b"a" * 70_000)[:-1]])
def test_a_stream_that_breaks_leaves_nothing_and_is_sent_again(desk: Desk, stream: bytes) -> None:
    code, said = desk.send("sub/x", stream)
    assert (code, desk.left(), desk.missing(1)) == (BROKEN, [], [0])
    assert b"sub/x: the stream broke off" in said
    assert desk.send("sub/x", sent(b"again"))[0] == RECEIVED


def test_other_content_leaves_nothing_and_says_its_digest(desk: Desk) -> None:
    code, said = desk.send("x", sent(b"other"), hashlib.sha256(b"expected").hexdigest())
    assert (code, desk.left(), desk.missing(1)) == (DIFFERENT, [], [0])
    assert hashlib.sha256(b"other").hexdigest().encode() in said


@pytest.mark.parametrize("path", ["../out", "/out", "a/../../out", "", "file/x"])
def test_a_place_that_cannot_be_is_named(desk: Desk, path: str) -> None:
    (desk.work / "file").touch()
    code, said = desk.send(path, sent(b"x"))
    assert (code, desk.left(), desk.missing(1)) == (UNWRITTEN, ["file"], [0])
    assert said.startswith(path.encode())


def test_no_room_is_told_and_leaves_nothing(desk: Desk) -> None:
    limited = Desk(["bash", "-c", 'ulimit -f 100; trap "" XFSZ; exec "$0" "$@"', *desk.program], desk.work, desk.spool)
    code, said = limited.send("x", sent(bytes(300_000)))
    assert (code, desk.left(), desk.missing(1)) == (UNWRITTEN, [], [0])
    assert b"x: File too large" in said


@pytest.mark.parametrize("path", ["file/x", "/out"])
def test_what_has_no_place_is_read_to_its_end(desk: Desk, path: str) -> None:
    """Whoever ends before its input does may not be heard."""
    (desk.work / "file").touch()
    process = desk.open(path, "0" * 64)
    assert process.stdin is not None
    for _ in range(40):
        process.stdin.write(block(bytes(50_000)))
        process.stdin.flush()
    assert process.poll() is None
    assert process.communicate(END, timeout=10)[1].startswith(path.encode())
    assert process.returncode == UNWRITTEN


def test_two_who_send_at_once_do_no_harm(desk: Desk) -> None:
    content = os.urandom(400_000)
    digest, stream = hashlib.sha256(content).hexdigest(), sent(content)
    slow, fast = desk.open("x", digest), desk.open("x", digest)
    assert slow.stdin is not None
    slow.stdin.write(stream[:100_000])
    slow.stdin.flush()
    fast.communicate(stream, timeout=30)
    assert fast.returncode == RECEIVED
    (desk.work / "x").write_bytes(b"the script's own by now")
    assert slow.communicate(stream[100_000:], timeout=30) == (b"", b"")
    assert slow.returncode == RECEIVED
    assert (desk.work / "x").read_bytes() == b"the script's own by now"
    assert desk.left() == ["x"]


def test_what_is_there_is_not_taken_again_and_its_sender_told_at_once(desk: Desk) -> None:
    desk.send("x", sent(b"content"))
    (desk.work / "x").unlink()
    late = desk.open("x", digest_of(sent(b"content")))
    assert late.wait(10) == RECEIVED
    late.communicate()
    assert desk.left() == []


def test_what_a_killed_receiver_left_goes_when_the_file_comes(desk: Desk) -> None:
    stream = sent(os.urandom(300_000))
    killed = desk.open("sub/x", digest_of(stream))
    assert killed.stdin is not None
    killed.stdin.write(stream[:200_000])
    killed.stdin.flush()
    deadline = time.monotonic() + 10
    while not desk.left():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    killed.kill()
    killed.communicate()
    assert desk.left()[0].startswith("sub/.gitops-part-0-")
    desk.send("sub/x", stream)
    assert desk.left() == ["sub/x"]


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(stream=st.binary(max_size=400), path=st.text(st.characters(exclude_characters="\0", codec="utf-8"), max_size=40))
def test_fuzz_rubbish_does_no_harm(desk: Desk, stream: bytes, path: str) -> None:
    assert desk.send(path, stream, "0" * 64)[0] in {BROKEN, DIFFERENT, UNWRITTEN}
    assert desk.left() == []


def awaiting(bench: Bench, script: str, count: int, *options: str) -> subprocess.Popen[bytes]:
    (bench.folder / "spool").mkdir()
    return bench.start(script, "--awaited", str(count), "--spool", str(bench.folder / "spool"), *options)


def test_the_script_starts_when_every_file_is_there(bench: Bench) -> None:
    process = awaiting(bench, "sha256sum < a; cat sub/b", 2, "--timeout", "2")
    desk = Desk([str(bench.program)], bench.folder, bench.folder / "spool")
    content = os.urandom(1_000_000)
    desk.send("a", sent(content), index=0)
    # Longer than the script's own time: that begins with the script.
    time.sleep(2.5)
    assert process.poll() is None
    desk.send("sub/b", sent(b"second\n"), index=1)
    done = ran(process, bench.folder / "record")
    assert done.output.decode().split() == [hashlib.sha256(content).hexdigest(), "-", "second"]
    assert (done.code, done.record.files_awaited, done.record.timed_out) == (0, False, False)
    assert b"waiting for files" in done.remarks


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_told_to_end_while_it_waits_it_starts_nothing_and_says_so(bench: Bench, number: signal.Signals) -> None:
    process = awaiting(bench, "echo started", 1)
    time.sleep(0.5)
    process.send_signal(number)
    done = ran(process, bench.folder / "record", timeout=5)
    assert (done.code, done.record.files_awaited, done.output) == (126, True, b"")


def test_told_to_end_just_as_the_last_file_comes_it_starts_nothing(bench: Bench) -> None:
    process = awaiting(bench, "echo started; sleep 20", 1)
    time.sleep(0.5)
    process.send_signal(signal.SIGSTOP)
    process.send_signal(signal.SIGTERM)
    Desk([str(bench.program)], bench.folder, bench.folder / "spool").send("a", sent(b"content"))
    process.send_signal(signal.SIGCONT)
    done = ran(process, bench.folder / "record", timeout=10)
    assert (done.record.files_awaited, done.output) == (True, b"")


def test_the_wait_has_an_end_and_gives_signs_of_life(bench: Bench) -> None:
    begun = time.monotonic()
    process = awaiting(bench, "echo started", 1, "--await-timeout", "2", "--heartbeat", "1")
    assert process.stdout is not None
    done = ran(process, bench.folder / "record", timeout=10)
    assert 1.9 < time.monotonic() - begun < 5
    assert (done.code, done.record.files_awaited, done.output) == (126, True, b"")
    assert b"|h|" in done.raw


def test_the_other_architecture_receives_emulated(tmp_path: Path) -> None:
    desk = Desk(emulated(tmp_path), tmp_path / "work", tmp_path / "spool")
    desk.work.mkdir()
    desk.spool.mkdir()
    content = os.urandom(200_001)
    assert desk.send("a/b", sent(content), hashlib.sha256(content).hexdigest()) == (RECEIVED, b"")
    assert (desk.work / "a/b").read_bytes() == content
    assert desk.send("c", sent(content), "0" * 64, index=1)[0] == DIFFERENT
    assert desk.missing(3) == [1, 2]
