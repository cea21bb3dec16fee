"""What `gitops operation run` makes of a command line, and how it reads a log through a tunnel."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from gitops import errors, yaml
from gitops.api import crds
from gitops_cli import _edge, _specification, _tunnel, main, operation_list


def _options(**given: Any) -> _specification.Options:
    return _specification.Options(
        **{
            "pool": "linux",
            "script": "",
            "words": (),
            "name": "",
            "env": (),
            "env_from": (),
            "files": (),
            "files_from": (),
            "fetch": (),
            "interpreter": "",
            "timeout": "",
            "step": "",
            "labels": (),
            "image": "",
            "image_pull_secrets": (),
            "service_account": "",
            "platform": None,
            "priority": 0,
            "mutex": "",
            "shared": False,
            "mutex_wait": "",
            "idempotent": False,
            "ttl": "",
            "resources": (),
            "limits": (),
            **given,
        }
    )


def test_a_command_keeps_its_words_as_they_are() -> None:
    spec = _specification.specification(_options(words=("echo", "a b", "$HOME", "-o")), "")
    assert spec == {"pool": "linux", "script": 'exec "$@"\n', "arguments": ["echo", "a b", "$HOME", "-o"]}


def test_what_differs_from_the_pool_is_in_the_spec() -> None:
    given = {"image": "tools:2", "service_account": "deployer", "platform": "linux/arm64", "priority": 5, "ttl": "1h"}
    more = {
        "mutex": "production",
        "shared": True,
        "mutex_wait": "10m",
        "image_pull_secrets": ("team", "other"),
        "idempotent": True,
        "resources": ("cpu=2",),
        "limits": ("memory=4Gi",),
    }
    spec = _specification.specification(_options(words=("x",), **given, **more), "")
    assert {key: value for key, value in spec.items() if key not in {"pool", "script", "arguments"}} == {
        "image": "tools:2",
        "serviceAccount": "deployer",
        "platform": "linux/arm64",
        "priority": 5,
        "ttlAfterFinished": "1h",
        "imagePullSecrets": ["team", "other"],
        "mutex": {"name": "production", "mode": "shared", "wait": "10m"},
        "idempotent": True,
        "resources": {"requests": {"cpu": "2"}, "limits": {"memory": "4Gi"}},
    }


HEX = "0123456789abcdef" * 4


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        (f"https://h/a/big.tar@sha256:{HEX}", {"path": "big.tar", "url": "https://h/a/big.tar"}),
        (f"https://h:8443/big.tar?x=/y@sha256:{HEX}", {"path": "big.tar", "url": "https://h:8443/big.tar?x=/y"}),
        (f"https://h/a@b@sha256:{HEX}:bin/tool:x", {"path": "bin/tool", "url": "https://h/a@b", "executable": True}),
    ],
)
def test_a_file_from_a_url(given: str, wanted: dict[str, Any]) -> None:
    made = _specification.operation(_options(words=("x",), fetch=(given,), files_from=("secret/s:keys",)))
    assert made["spec"]["filesFrom"][1] == {**wanted, "digest": f"sha256:{HEX}"}


@pytest.mark.parametrize(
    "given", ["https://h/a", f"https://h/a@sha256:{HEX}:p:y", "https://h/a@sha256:00", "h/a@sha256:x"]
)
def test_a_file_from_a_url_needs_its_digest(given: str) -> None:
    with pytest.raises(errors.GitOpsError, match=r"digest|sha256|url"):
        _specification.operation(_options(words=("x",), fetch=(given,)))


def test_a_step_is_a_label() -> None:
    found = _specification.labels(_options(step="deploy", labels=("project=shop", "environment=test")))
    assert found == {"gitops-worker.io/step": "deploy", "project": "shop", "environment": "test"}
    with pytest.raises(errors.ConfigError, match="not a label: 'project'"):
        _specification.labels(_options(labels=("project",)))
    with pytest.raises(errors.ConfigError, match="--shared says how"):
        _specification.specification(_options(words=("x",), shared=True), "")
    with pytest.raises(errors.ConfigError, match="--mutex-wait says how"):
        _specification.specification(_options(words=("x",), mutex_wait="1m"), "")


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
    spec = _specification.specification(_options(script="x", interpreter=asked), text)
    assert spec.get("interpreter") == expected
    assert spec["script"] == text


def test_variables_may_hold_anything_but_need_a_name() -> None:
    spec = _specification.specification(_options(words=("x",), env=("A=1", "B=x=y z", "C=")), "")
    assert spec["env"] == [
        {"name": "A", "value": "1"},
        {"name": "B", "value": "x=y z"},
        {"name": "C", "value": ""},
    ]
    for wrong in ("A", "=x"):
        with pytest.raises(errors.ConfigError, match="not an environment variable"):
            _specification.specification(_options(words=("x",), env=(wrong,)), "")


def test_variables_and_files_come_from_secrets_and_configmaps() -> None:
    given = {
        "env": ("STAGE=test",),
        "env_from": ("TOKEN=secret/deploy:token", "SITE=ConfigMap/site.v1:site.conf"),
        "files_from": ("secret/deploy:keys", "configmap/site:etc/conf:a.conf,b.conf"),
    }
    spec = _specification.specification(_options(words=("x",), **given), "")
    assert spec["env"] == [
        {"name": "STAGE", "value": "test"},
        {"name": "TOKEN", "secret": {"name": "deploy", "key": "token"}},
        {"name": "SITE", "configMap": {"name": "site.v1", "key": "site.conf"}},
    ]
    assert spec["filesFrom"] == [
        {"path": "keys", "secret": {"name": "deploy"}},
        {"path": "etc/conf", "configMap": {"name": "site"}, "keys": ["a.conf", "b.conf"]},
    ]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"env_from": ("TOKEN",)}, "not an environment variable: 'TOKEN'"),
        ({"env_from": ("TOKEN=deploy:token",)}, "not a Secret or ConfigMap: 'deploy'"),
        ({"env_from": ("TOKEN=pod/deploy:token",)}, "not a Secret or ConfigMap: 'pod/deploy'"),
        ({"env_from": ("TOKEN=secret/deploy",)}, "secret/deploy has many keys"),
        ({"env": ("A=1",), "env_from": ("A=secret/a:b",)}, "A is given twice"),
        ({"files_from": ("secret/:x",)}, "not a Secret or ConfigMap: 'secret/'"),
        ({"files_from": ("secret/x",)}, "where do the files of secret/x go?"),
    ],
)
def test_what_names_no_key_says_how_to_write_it(given: dict[str, Any], words: str) -> None:
    with pytest.raises(errors.ConfigError) as caught:
        _specification.specification(_options(words=("x",), **given), "")
    assert words in str(caught.value)


def test_files_are_brought_as_they_are(tmp_path: Path) -> None:
    contents = {"plain.yaml": b"a: \xc3\xa4\n", "tool": b"\x7fELF\x00\xff", "a:b": b"", "dos": b"x\r\n"}
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    (tmp_path / "tool").chmod(0o755)
    given = [f"{tmp_path}/{name}" for name in contents]
    given[1] += ":bin/tool"
    spec = _specification.specification(_options(words=("x",), files=given), "")
    assert spec["files"] == [
        {"path": "plain.yaml", "text": "a: \u00e4\n"},
        {"path": "bin/tool", "base64": "f0VMRgD/", "executable": True},
        {"path": "a:b", "text": ""},
        {"path": "dos", "base64": "eA0K"},
    ]


def test_what_is_too_much_for_a_pod_is_said_before_anything_is_created(tmp_path: Path) -> None:
    def files(size: int, count: int) -> tuple[str, ...]:
        folder = tmp_path / f"{size}"
        folder.mkdir()
        for number in range(count):
            (folder / f"{number}").write_bytes(b"\xff" * size)
        return tuple(f"{folder}/{number}" for number in range(count))

    assert _specification.operation(_options(words=("x",), files=files(185_000, 1)))["spec"]["files"]
    for given, words in (
        (files(196_609, 1), r"/0 is too large: .* 196608 bytes"),
        (files(100_000, 2), r"the script and its files are too long .* 26\d{4} bytes of files in base64"),
        (files(1, 65), r"/spec/files: .*64"),
        ((f"{tmp_path}/1/0", f"{tmp_path}/1/0"), "the file 0 is given twice"),
        ((f"{tmp_path}/1/0:../up",), "/spec/files/0/path: path stays inside"),
        ((f"{tmp_path}/none:x",), "cannot read .*/none"),
        ((f"{tmp_path}",), "Is a directory"),
    ):
        with pytest.raises(errors.ConfigError, match=words):
            _specification.operation(_options(words=("x",), files=given))


def test_every_field_of_an_operation_has_an_option(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("x")
    given = {
        "words": ("x",),
        "interpreter": "bash",
        "env": ("A=1",),
        "files": (f"{tmp_path}/a",),
        "files_from": ("secret/s:b",),
        "image": "i",
        "image_pull_secrets": ("p",),
        "resources": ("cpu=1",),
        "platform": "linux/amd64",
        "service_account": "s",
        "priority": 1,
        "mutex": "m",
        "mutex_wait": "1m",
        "timeout": "1m",
        "idempotent": True,
        "ttl": "1h",
    }
    kind = crds.kind_named("Operation")
    assert kind is not None
    fields = crds.schema(kind)["properties"]["spec"]["properties"]
    made = _specification.operation(_options(**given))["spec"]
    assert made.keys() == fields.keys()
    assert made["mutex"].keys() == fields["mutex"]["properties"].keys()


def test_every_mistake_is_said_at_once() -> None:
    with pytest.raises(errors.SeveralErrors) as caught:
        _specification.operation(_options(words=("x",), resources=("cpu=much",), image="x" * 600))
    assert {str(one).partition(":")[0] for one in errors.singles(caught.value)} == {
        "/spec/resources/requests/cpu",
        "/spec/image",
    }


def test_a_dry_run_prints_what_kubectl_can_create(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    script = tmp_path / "deploy.sh"
    script.write_text("#!/bin/bash\necho '\u202bhidden\u200b'\tend\n")
    words = ["gitops", "operation", "run", "--pool", "linux", "-f", str(script), "--dry-run", "-n", "ci", "-o"]
    for form in ("yaml", "json", "name"):
        assert _edge.run(main.group(), [*words, form, "--", "a b"]) == 0
        documents = list(yaml.load_all(capfd.readouterr().out.encode(), file="stdout"))
        assert [one.value for one in documents] == [
            {
                "apiVersion": "gitops-worker.io/v1alpha1",
                "kind": "Operation",
                "metadata": {"generateName": "linux-", "namespace": "ci"},
                "spec": {
                    "pool": "linux",
                    "script": script.read_text(),
                    "arguments": ["a b"],
                    "interpreter": ["/bin/bash"],
                },
            }
        ]
    assert _edge.run(main.group(), [*words, "yaml", "--follow"]) == 2


def test_a_timeout_is_checked_before_anything_is_created() -> None:
    assert _specification.specification(_options(words=("x",), timeout="1h30m"), "")["timeout"] == "1h30m"
    with pytest.raises(errors.ConfigError, match="not a duration"):
        _specification.specification(_options(words=("x",), timeout="soon"), "")


def test_what_is_no_script_is_refused(tmp_path: Path) -> None:
    script = tmp_path / "script"
    for content, words in (
        (b"\xff\xfe", "is no text"),
        (b" \n", "is empty"),
        (b"x" * (_specification.LARGEST + 1), "is too large"),
    ):
        script.write_bytes(content)
        with pytest.raises(errors.ConfigError, match=words):
            _specification.script(str(script))
    with pytest.raises(errors.ConfigError, match="cannot read"):
        _specification.script(str(tmp_path / "none"))


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
