"""What `gitops operation run` makes of a command line, and how it reads a log through a tunnel."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from gitops import errors
from gitops_cli import _tunnel, operation_list, operation_run


def _options(**given: Any) -> operation_run.Options:
    return operation_run.Options(
        **{
            "pool": "linux",
            "file": "",
            "words": (),
            "name": "",
            "env": (),
            "interpreter": "",
            "timeout": "",
            "step": "",
            "labels": (),
            "image": "",
            "service_account": "",
            "platform": None,
            "priority": 0,
            "mutex": "",
            "shared": False,
            "idempotent": False,
            "ttl": "",
            "resources": (),
            "limits": (),
            "follow": False,
            "wait": False,
            "exit_code": "verdict",
            "output": "name",
            **given,
        }
    )


def test_a_command_keeps_its_words_as_they_are() -> None:
    spec = operation_run.specification(_options(words=("echo", "a b", "$HOME", "-o")), "")
    assert spec == {"pool": "linux", "script": 'exec "$@"\n', "arguments": ["echo", "a b", "$HOME", "-o"]}


def test_what_differs_from_the_pool_is_in_the_spec() -> None:
    given = {"image": "tools:2", "service_account": "deployer", "platform": "linux/arm64", "priority": 5, "ttl": "1h"}
    more = {
        "mutex": "production",
        "shared": True,
        "idempotent": True,
        "resources": ("cpu=2",),
        "limits": ("memory=4Gi",),
    }
    spec = operation_run.specification(_options(words=("x",), **given, **more), "")
    assert {key: value for key, value in spec.items() if key not in {"pool", "script", "arguments"}} == {
        "image": "tools:2",
        "serviceAccount": "deployer",
        "platform": "linux/arm64",
        "priority": 5,
        "ttlAfterFinished": "1h",
        "mutex": {"name": "production", "mode": "shared"},
        "idempotent": True,
        "resources": {"requests": {"cpu": "2"}, "limits": {"memory": "4Gi"}},
    }


def test_a_step_is_a_label() -> None:
    found = operation_run.labels(_options(step="deploy", labels=("project=shop", "environment=test")))
    assert found == {"gitops-worker.io/step": "deploy", "project": "shop", "environment": "test"}
    with pytest.raises(errors.ConfigError, match="not a label: 'project'"):
        operation_run.labels(_options(labels=("project",)))
    with pytest.raises(errors.ConfigError, match="--shared says how"):
        operation_run.specification(_options(words=("x",), shared=True), "")


@pytest.mark.parametrize(
    ("text", "asked", "expected"),
    [
        ("#!/usr/bin/env python3\nprint(1)\n", "", ["/usr/bin/env", "python3"]),
        ("#! /bin/bash -eu\r\necho\r\n", "", ["/bin/bash", "-eu"]),
        ("#!/bin/bash\n", "pwsh -File", ["pwsh", "-File"]),
        ("echo no first line\n", "", None),
        ("# a comment\n", "", None),
    ],
)
def test_a_script_says_what_runs_it(text: str, asked: str, expected: list[str] | None) -> None:
    spec = operation_run.specification(_options(file="x", interpreter=asked), text)
    assert spec.get("interpreter") == expected
    assert spec["script"] == text


def test_variables_may_hold_anything_but_need_a_name() -> None:
    spec = operation_run.specification(_options(words=("x",), env=("A=1", "B=x=y z", "C=")), "")
    assert spec["env"] == [
        {"name": "A", "value": "1"},
        {"name": "B", "value": "x=y z"},
        {"name": "C", "value": ""},
    ]
    for wrong in ("A", "=x"):
        with pytest.raises(errors.ConfigError, match="not an environment variable"):
            operation_run.specification(_options(words=("x",), env=(wrong,)), "")


def test_a_timeout_is_checked_before_anything_is_created() -> None:
    assert operation_run.specification(_options(words=("x",), timeout="1h30m"), "")["timeout"] == "1h30m"
    with pytest.raises(errors.ConfigError, match="not a duration"):
        operation_run.specification(_options(words=("x",), timeout="soon"), "")


def test_what_is_no_script_is_refused(tmp_path: Path) -> None:
    script = tmp_path / "script"
    for content, words in (
        (b"\xff\xfe", "is no text"),
        (b" \n", "is empty"),
        (b"x" * (operation_run.LARGEST + 1), "is too large"),
    ):
        script.write_bytes(content)
        with pytest.raises(errors.ConfigError, match=words):
            operation_run.script(str(script))
    with pytest.raises(errors.ConfigError, match="cannot read"):
        operation_run.script(str(tmp_path / "none"))


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(0, "0s"), (119, "119s"), (200, "3m"), (3_700, "1h1m"), (90_000, "1d1h"), (10**6, "11d"), (-5, "0s")],
)
def test_ages(seconds: int, shown: str) -> None:
    now = datetime(2026, 6, 1, tzinfo=UTC)
    since = datetime.fromtimestamp(now.timestamp() - seconds, tz=UTC)
    assert operation_list.age(since.strftime("%Y-%m-%dT%H:%M:%SZ"), now) == shown


class Stream:
    """Plays back an answer and keeps what was asked."""

    def __init__(self, *pieces: bytes) -> None:
        self.pieces = list(pieces)
        self.sent = b""

    async def write(self, data: bytes, /) -> None:
        self.sent += data

    async def read(self) -> bytes:
        return self.pieces.pop(0) if self.pieces else b""


async def _get(*pieces: bytes) -> bytes:
    stream = Stream(*pieces)
    found = [block async for block in _tunnel.get(stream, "/logs/x?follow=1", what="read the log")]
    assert stream.sent.startswith(b"GET /logs/x?follow=1 HTTP/1.1\r\nHost: ")
    return b"".join(found)


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
WHOLE = CHUNKED + b"5\r\nhello\r\n6;x=y\r\n world\r\n0\r\n\r\n"


@pytest.mark.parametrize(
    "answer",
    [
        WHOLE,
        b"HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\nhello world",
        b"HTTP/1.0 200 OK\r\n\r\nhello world",
    ],
)
@pytest.mark.parametrize("size", [1, 3, 1000])
async def test_a_body_comes_whole_however_it_is_sent(answer: bytes, size: int) -> None:
    assert await _get(*(answer[at : at + size] for at in range(0, len(answer), size))) == b"hello world"


async def test_an_endless_body_is_read_as_it_comes() -> None:
    stream = Stream(CHUNKED, b"5\r\nfirst\r\n")
    blocks = _tunnel.get(stream, "/", what="read")
    assert await anext(blocks) == b"first"
    stream.pieces.append(b"4\r\nnext\r\n")
    assert await anext(blocks) == b"next"
    await blocks.aclose()


@pytest.mark.parametrize("end", range(len(WHOLE) - len(b"\r\n\r\n") - 1))
async def test_what_broke_off_is_never_taken_for_the_end(end: int) -> None:
    with pytest.raises(errors.ClusterUnavailable):
        await _get(WHOLE[:end])


@pytest.mark.parametrize(
    ("answer", "error", "words"),
    [
        (b"HTTP/1.1 404 Not Found\r\n\r\n", errors.ObjectMissing, "no such log"),
        (b"HTTP/1.1 500 Oops\r\n\r\n", errors.ClusterUnavailable, "answers 500"),
        (b"SSH-2.0-x\r\n", errors.ClusterUnavailable, "not HTTP"),
        (CHUNKED + b"zz\r\n", errors.ClusterUnavailable, "to its end"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhel", errors.ClusterUnavailable, "6 bytes are missing"),
        (b"HTTP/1.1 200 OK\r\n" + b"".join(b"X%d: y\r\n" % n for n in range(300)), errors.ClusterUnavailable, "end"),
    ],
)
async def test_a_bad_answer_is_no_log(answer: bytes, error: type[errors.GitOpsError], words: str) -> None:
    with pytest.raises(error) as caught:
        await _get(answer)
    assert words in str(caught.value)
