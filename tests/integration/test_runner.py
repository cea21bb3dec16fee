"""The runner as a program: compiled for this machine with the address and undefined-behaviour sanitizers."""

from __future__ import annotations

import base64
import hashlib
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gitops import runner
from tests.integration.runnerbench import SOURCES, Bench, compiled, emulated, ran

pytestmark = pytest.mark.integration

SPOOL = ("--spool-bytes", "4000000")
LEAPS = [(1970, 1, 1), (1999, 12, 31), (2000, 2, 28), (2000, 2, 29), (2024, 2, 28), (2100, 2, 28), (2199, 12, 31)]
EXAMPLES = int(os.environ.get("GITOPS_FUZZ_EXAMPLES", "40"))


@pytest.mark.parametrize("code", [0, 1, 3, 125, 255])
def test_the_exit_code_is_the_scripts(bench: Bench, code: int) -> None:
    done = bench.run(f"echo out; echo err >&2; exit {code}")
    assert (done.code, done.record.exit_code, done.record.signal) == (code, code, 0)
    assert sorted(done.output.split(b"\n")) == [b"", b"err", b"out"]
    assert done.record.lines == 2


def test_death_by_signal_is_told_as_a_shell_tells_it(bench: Bench) -> None:
    done = bench.run("kill -SEGV $$")
    assert (done.code, done.record.signal) == (128 + signal.SIGSEGV, signal.SIGSEGV)


def test_any_bytes_arrive_as_they_were(bench: Bench, tmp_path: Path) -> None:
    blob = os.urandom(300_000) + b"\n\r\0\\x41" + "äöü€😀".encode() * 50 + b"\n\n" + bytes(range(256))
    (tmp_path / "blob").write_bytes(blob)
    done = bench.run(f"cat {tmp_path / 'blob'}")
    assert done.output == blob
    assert max(map(len, done.raw.split(b"\n"))) < 16384


def test_a_line_of_ten_megabytes_is_cut_into_frames(bench: Bench) -> None:
    done = bench.run("head -c 10485760 /dev/zero | tr '\\0' a; echo; echo next")
    assert done.output == b"a" * 10485760 + b"\nnext\n"
    assert done.record.lines == 2


def test_a_prompt_without_a_newline_is_shown_at_once(bench: Bench) -> None:
    process = bench.start("printf 'sure? '; sleep 1; echo yes")
    assert process.stdout is not None
    begin = time.monotonic()
    assert os.read(process.stdout.fileno(), 4096) == b"1|O|0|sure? \n"
    assert time.monotonic() - begin < 0.9
    rest, _ = process.communicate(timeout=10)
    assert rest.startswith(b"2|o|6|yes\n")


def test_secrets_do_not_leave(bench: Bench) -> None:
    secret = {"TOKEN": "s3cret-value\n", "KEY": "first line\nsecond line\n", "SHORT": "ab"}
    script = (
        'echo "x${TOKEN}y"; echo "$KEY"; echo $KEY; printf "s3cret-"; sleep 0.5; echo value; echo ab; printf s3cret-val'
    )
    done = bench.run(script, "--mask", "TOKEN", "--mask", "KEY", "--mask", "SHORT", "--mask", "ABSENT", env=secret)
    assert b"s3cret-value" not in done.raw
    assert b"second line" not in done.raw
    assert done.output == b"x***\ny\n***\n\n*** ***\n***\nab\ns3cret-val"


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    secret=st.text("ab\n ", max_size=9),
    pieces=st.lists(
        st.one_of(st.binary(max_size=80), st.sampled_from([b"a", b"b", b"\n", b" ", b"x" * 5000])), max_size=60
    ),
    spool=st.sampled_from([0, 1000, 100_000]),
)
def test_property_any_output_arrives_and_no_secret_does(
    bench: Bench, *, secret: str, pieces: list[bytes], spool: int
) -> None:
    (bench.folder / "blob").write_bytes(b"".join(pieces))
    options = ["--spool", str(bench.folder), "--spool-bytes", str(spool), "--mask", "S"]
    done = bench.run(f"cat {bench.folder / 'blob'}", *options, env={"S": secret})
    value = secret.rstrip("\n").encode()
    hidden = [part for part in {value, *value.split(b"\n")} if len(part) >= 4] if len(value) >= 4 else []
    assert not any(part in done.output for part in hidden)
    if not hidden:
        assert done.output == b"".join(pieces)


@pytest.mark.parametrize(
    ("script", "kept", "dropped"),
    [
        ("seq 3; seq 100000", b"1\n2\n3\n1\n2\n", 99_998),
        ("echo 0123456789", b"", 1),
        ("printf 012345678", b"012345678", 0),
        ("printf 0123456789", b"", 1),
        ("echo 12345678", b"12345678\n", 0),
    ],
)
def test_of_a_log_with_a_limit_the_beginning_is_kept(bench: Bench, script: str, kept: bytes, dropped: int) -> None:
    done = bench.run(script, "--log-limit", "10")
    assert (done.output, done.record.dropped, done.code) == (kept, dropped, 0)
    assert (b"reached its limit" in done.remarks) == bool(dropped)
    assert done.record.bytes == len(kept)


def test_sigterm_goes_to_the_script_and_the_last_lines_arrive(bench: Bench) -> None:
    process = bench.start("trap 'echo cleaning; exit 5' TERM; echo ready; while :; do sleep 0.1; done", "--grace", "10")
    time.sleep(0.7)
    process.send_signal(signal.SIGTERM)
    done = ran(process, bench.folder / "record")
    said = [frame.text for frame in done.frames if frame.stream == ord("o")]
    assert said == [b"ready", b"cleaning"]
    assert (done.code, done.record.terminated) == (5, True)


def test_a_script_deaf_to_sigterm_is_killed_after_the_grace(bench: Bench) -> None:
    process = bench.start("trap '' TERM INT; echo deaf; sleep 60", "--grace", "1")
    time.sleep(0.5)
    begin = time.monotonic()
    process.send_signal(signal.SIGTERM)
    done = ran(process, bench.folder / "record")
    assert 0.8 < time.monotonic() - begin < 5
    assert (done.code, done.record.signal, done.record.terminated) == (137, signal.SIGKILL, True)


def test_the_scripts_own_clock(bench: Bench) -> None:
    done = bench.run("echo a; sleep 60", "--timeout", "1", "--grace", "1")
    assert done.record.timed_out
    assert not done.record.terminated
    assert b"time is up" in done.remarks


def test_what_outlives_the_script_is_read_for_a_while_then_killed(bench: Bench) -> None:
    done = bench.run("(sleep 0.3; echo late) & (setsid sleep 60) & exit 0", "--drain", "1")
    assert done.output == b"late\n"
    assert done.record.left_behind >= 1
    assert b"outlived" in done.remarks


def test_a_process_substitution_still_gets_its_lines_out(bench: Bench) -> None:
    done = bench.run("exec > >(sed 's/^/> /'); for i in $(seq 500); do echo $i; done")
    assert done.record.lines == 500
    assert done.record.left_behind == 0


def test_an_interpreter_that_is_not_there(program: Path, tmp_path: Path) -> None:
    process = subprocess.Popen(
        [program, "--record", tmp_path / "record", "--", "nonesuch", "x"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    done = ran(process, tmp_path / "record")
    assert (done.code, done.record.start_error) == (127, 2)
    assert done.remarks == b"cannot start nonesuch: No such file or directory"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount")
@pytest.mark.parametrize("option", ["noexec", "exec"])
def test_a_working_directory_where_nothing_can_be_executed_is_told(program: Path, tmp_path: Path, option: str) -> None:
    folder, record = tmp_path / "workspace", tmp_path / "record"
    folder.mkdir()
    inside = 'mount -t tmpfs -o "$1" none "$2" && cd "$2" && shift 2 && exec "$@"'
    runs = [str(program), "--record", str(record), "--", "bash", "-c", "exit 126"]
    with subprocess.Popen(
        ["unshare", "--mount", "sh", "-c", inside, "sh", option, str(folder), *runs],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        found = ran(process, record)
    assert (found.code, found.record.noexec) == (126, option == "noexec")


def test_silence_is_broken_by_heartbeats(bench: Bench) -> None:
    done = bench.run("echo one; sleep 2.5; echo two", "--heartbeat", "1")
    assert done.raw.count(b"1|h|4|\n") == 2


def test_it_stays_until_its_pipe_is_read_empty(bench: Bench) -> None:
    process = bench.start("head -c 30000 /dev/zero | tr '\\0' a")
    assert process.stdout is not None
    deadline = time.monotonic() + 30
    while not (bench.folder / "record").exists() or not (bench.folder / "record").read_bytes():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    time.sleep(0.5)
    assert process.poll() is None
    raw, _ = process.communicate(timeout=10)
    assert process.returncode == 0
    assert raw.splitlines()[-1].startswith(b"9|x|30000|")


def test_the_window_counts_what_the_runtime_adds_to_a_line(bench: Bench) -> None:
    written = len(bench.run("seq 1000").raw)
    process = bench.start("seq 1000", "--window", str(written + 40_000), "--linger", "60")
    assert process.stdout is not None
    assert any(line.startswith(b"1001|x|") for line in iter(process.stdout.readline, b""))
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(1.5)
    process.terminate()
    process.communicate(timeout=10)


def test_it_lingers_only_past_the_window_and_until_told(bench: Bench) -> None:
    begin = time.monotonic()
    bench.run("seq 100", "--window", "100000", "--linger", "20")
    assert time.monotonic() - begin < 5
    process = bench.start("seq 5000", "--window", "100", "--linger", "20", "--heartbeat", "1")
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(1.5)
    process.send_signal(signal.SIGTERM)
    raw, _ = process.communicate(timeout=5)
    assert process.returncode == 0
    assert b'"lines":5000' in raw


def test_the_spool_is_bounded_and_gives_frames_back(bench: Bench) -> None:
    done = bench.run("seq 60000", "--spool", str(bench.folder), "--spool-bytes", "400000")
    kept = sum(path.stat().st_size for path in bench.folder.glob("frames*"))
    assert 100_000 < kept <= 400_000
    again = subprocess.run(
        [bench.program, "--replay", "59990", "--spool", bench.folder], capture_output=True, check=True
    )
    assert again.stdout == done.raw[done.raw.index(b"\n59990|") + 1 :]


def test_a_replay_from_any_frame_gives_what_was_written_from_there(bench: Bench) -> None:
    done = bench.run("seq 30000; head -c 70000 /dev/zero | tr '\\0' '\\1'", "--spool", str(bench.folder), *SPOOL)
    for first in (0, 1, 2, 4095, 29_999, 30_001, 30_017, done.record.last_seq, done.record.last_seq + 1):
        command = [str(bench.program), "--replay", str(first), "--spool", str(bench.folder)]
        again = subprocess.run(command, capture_output=True, check=True).stdout
        assert again == b"".join(frame.line + b"\n" for frame in done.frames if frame.seq >= first)


@pytest.mark.parametrize("text", ["", "x", "-1", "1x", " 1", "18446744073709551616", "9223372036854775807"])
def test_only_a_number_of_seconds_is_one(program: Path, text: str) -> None:
    done = subprocess.run([program, "--timeout", text, "--", "true"], capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (2, b"runner: wrong argument: --timeout\n")


DRIVER = """
#include <stdlib.h>
#include <unistd.h>
#include "record.c"
int main(int argc, char **argv) {
    for (int at = 1; at < argc; at++) {
        char space[64];
        struct text text;
        struct timespec when = {.tv_sec = atoll(argv[at]), .tv_nsec = 7000000};
        text_begin(&text, space, sizeof space);
        add_time(&text, &when);
        text_add(&text, "\\n");
        if (write(1, space, (size_t)(text.at - space)) < 0) return 1;
    }
    return 0;
}
"""


def test_times_are_those_of_the_calendar(tmp_path: Path) -> None:
    driver = tmp_path / "driver.c"
    driver.write_text(DRIVER)
    others = [path for path in SOURCES.glob("*.c") if path.stem not in {"main", "record"}]
    compiled(tmp_path / "driver", driver, *others)
    named = [datetime(year, month, day, 23, 59, 59, tzinfo=UTC) for year, month, day in LEAPS]
    spread = [datetime.fromtimestamp(step * 86_400 * 13 + step * 997, UTC) for step in range(4000)]
    moments = [*named, *(moment + timedelta(seconds=1) for moment in named), *spread]
    seconds = [str(int(moment.timestamp())) for moment in moments]
    told = subprocess.run([tmp_path / "driver", *seconds], capture_output=True, text=True, check=True).stdout
    assert told.splitlines() == [f'"{moment:%Y-%m-%dT%H:%M:%S}.007Z"' for moment in moments]


def test_wrong_arguments_are_named(program: Path) -> None:
    for arguments in (["--grace"], ["--grace", "x", "--", "true"], ["--nonsense", "1", "--", "true"], []):
        done = subprocess.run([program, *arguments], capture_output=True, check=False)
        assert done.returncode == 2
        assert done.stderr.startswith(b"runner: ")


def laid_out(folder: Path) -> Mapping[str, bytes]:
    shipped = runner.files()
    for name, content in shipped.items():
        path = folder / runner.LAYOUT[name]
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
        path.chmod(0o555)
    return shipped


DOCKER_SCRIPT = "docker build . || echo gave up; exit 3"


@pytest.mark.parametrize(
    ("present", "host", "asked"), [(False, "", True), (True, "", False), (False, "tcp://engine:2375", False)]
)
def test_a_docker_that_is_not_there_is_stood_in_for(tmp_path: Path, *, present: bool, host: str, asked: bool) -> None:
    laid_out(tmp_path)
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in ("sh", "uname", "cat"):
        (tools / name).symlink_to(shutil.which(name) or "")
    if present:
        (tools / "docker").write_text("#!/bin/sh\necho the real one\n")
        (tools / "docker").chmod(0o755)
    process = subprocess.Popen(
        [
            *(tmp_path / runner.START, "--record", tmp_path / "record", "--docker-mark", tmp_path / "asked"),
            *("--", "sh", "-c", DOCKER_SCRIPT),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={"PATH": str(tools), **({"DOCKER_HOST": host} if host else {})},
    )
    done = ran(process, tmp_path / "record")
    assert (done.code, done.record.docker_asked) == (3, asked)
    assert (b"buildah" in done.output) is asked
    assert (b"the real one" in done.output) is present


def listed(folder: Path, *files: tuple[str, str, bytes]) -> str:
    """A list of files as the worker writes it."""
    lines = (
        f"{mode} {base64.b64encode(path.encode()).decode()} {base64.b64encode(content).decode()}\n"
        for mode, path, content in files
    )
    (folder / "list").write_text("".join(lines))
    return str(folder / "list")


def test_files_are_written_first_whatever_is_in_them(bench: Bench) -> None:
    content = bytes(range(256)) * 7
    names = listed(
        bench.folder,
        ("644", "deep/er/raw", content),
        ("755", "run me", b"#!/bin/sh\necho ran\n"),
        ("644", "empty", b""),
    )
    done = bench.run("./run* && sha256sum < deep/er/raw && stat -c %s empty", "--files", names)
    assert done.output.decode().split() == ["ran", hashlib.sha256(content).hexdigest(), "-", "0"]


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    content=st.binary(max_size=3000),
    name=st.text(st.characters(codec="utf-8", exclude_characters="/\0"), min_size=1, max_size=30),
)
def test_property_any_file_arrives(bench: Bench, *, content: bytes, name: str) -> None:
    path = f"sub/f{name}"
    done = bench.run("cat sub/*; rm -r sub", "--files", listed(bench.folder, ("600", path, content)))
    assert done.output == content


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("../out", b"Invalid argument"),
        ("a/../../out", b"Invalid argument"),
        ("/out", b"Invalid argument"),
        ("record/x", b"Not a directory"),
    ],
)
def test_a_file_that_cannot_be_written_is_named_and_the_script_not_started(
    bench: Bench, path: str, said: bytes
) -> None:
    (bench.folder / "record").touch()
    done = bench.run("echo started", "--files", listed(bench.folder, ("644", path, b"x")))
    assert done.code == 126
    assert done.record.files_error
    assert done.output == b""
    assert path.encode() in done.remarks
    assert said in done.remarks


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rubbish=st.binary(max_size=200))
def test_fuzz_a_list_of_rubbish_does_no_harm(bench: Bench, rubbish: bytes) -> None:
    (bench.folder / "list").write_bytes(rubbish.replace(b"\0", b""))
    bench.run("true", "--files", str(bench.folder / "list"))


def test_what_a_mounted_secret_holds_does_not_leave(bench: Bench) -> None:
    secret = bench.folder / "secret"
    secret.mkdir()
    (secret / "token").write_text("hunter2-hunter2\n")
    (secret / "key").write_text("apiVersion: v1\nQUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVo=\n")
    (secret / "..data").symlink_to(".")
    done = bench.run("cat secret/token; tail -1 secret/key; head -1 secret/key", "--mask-directory", str(secret))
    assert done.output == b"***\n***\napiVersion: v1\n"


def test_the_shipped_binary_runs_through_its_launcher(tmp_path: Path) -> None:
    shipped = laid_out(tmp_path)
    assert shipped["runner-arm64"][:20].endswith(b"\xb7\x00")
    process = subprocess.Popen(
        [tmp_path / runner.START, "--record", tmp_path / "record", "--", "sh", "-c", "echo hi; exit 4"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    done = ran(process, tmp_path / "record")
    assert (done.code, done.output) == (4, b"hi\n")


def test_the_other_architecture_runs_emulated(tmp_path: Path) -> None:
    script = "printf 'a\\rb'; echo err >&2; sleep 0.3; head -c 100000 /dev/zero | tr '\\0' x; kill -TERM $$"
    options = ["--record", str(tmp_path / "record"), "--spool", str(tmp_path), "--spool-bytes", "50000"]
    process = subprocess.Popen(
        [*emulated(tmp_path), *options, "--", "sh", "-c", script],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    done = ran(process, tmp_path / "record")
    assert (done.code, done.record.signal) == (128 + signal.SIGTERM, signal.SIGTERM)
    assert done.record.bytes == len("a\rb") + len("err\n") + 100_000
