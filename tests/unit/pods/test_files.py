"""Files an operation brings, and what runs its script."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from gitops import errors, runner
from gitops.pods import delivery, marks, render
from tests.unit.pods.test_render import container, launch


def volumes(pod: dict[str, Any]) -> dict[str, Any]:
    return {volume["name"]: volume for volume in pod["spec"]["volumes"]}


def test_small_files_travel_in_the_pod() -> None:
    content = bytes(range(256))
    pod = render.pod(
        launch(
            files=[
                {"path": "a b/c.txt", "text": "héllo\n", "executable": True},
                {"path": "raw", "base64": base64.b64encode(content).decode()},
            ]
        )
    )
    lines = pod["metadata"]["annotations"][marks.FILES].splitlines()
    found = [(mode, base64.b64decode(path), base64.b64decode(data)) for mode, path, data in map(str.split, lines)]
    assert found == [("755", b"a b/c.txt", "héllo\n".encode()), ("644", b"raw", content)]
    args = container(pod)["args"]
    assert args[args.index("--files") + 1] == "/opt/gitops/script/files"
    items = volumes(pod)["gitops-script"]["downwardAPI"]["items"]
    assert [item["path"] for item in items] == ["script", "files"]


def test_an_operation_without_files_carries_none() -> None:
    pod = render.pod(launch())
    assert marks.FILES not in pod["metadata"]["annotations"]
    assert "--files" not in container(pod)["args"]


def test_secrets_and_config_maps_are_mounted_and_secrets_masked() -> None:
    pod = render.pod(
        launch(
            filesFrom=[
                {"path": "keys", "secret": {"name": "deploy"}, "keys": ["id"]},
                {"path": "conf/site", "configMap": {"name": "site"}},
            ]
        )
    )
    made = volumes(pod)
    assert made["gitops-files-0"]["secret"] == {"secretName": "deploy", "items": [{"key": "id", "path": "id"}]}
    assert made["gitops-files-1"]["configMap"] == {"name": "site"}
    assert container(pod)["volumeMounts"][-2:] == [
        {"name": "gitops-files-0", "mountPath": "/workspace/keys", "readOnly": True},
        {"name": "gitops-files-1", "mountPath": "/workspace/conf/site", "readOnly": True},
    ]
    args = container(pod)["args"]
    assert [args[at + 1] for at, one in enumerate(args) if one == "--mask-directory"] == ["/workspace/keys"]


DIGEST = "sha256:" + "0" * 64
FETCHED = {"path": "big.tar", "url": "https://files.example/a?sig=s3cret", "digest": DIGEST}


def test_what_comes_from_urls_is_waited_for_and_not_mounted() -> None:
    pod = render.pod(
        launch(filesFrom=[FETCHED, {"path": "keys", "secret": {"name": "deploy"}}, {**FETCHED, "path": "b"}])
    )
    args = container(pod)["args"]
    assert args[: args.index("--")][:4] == ["--awaited", "2", "--await-timeout", "1020"]
    assert [name for name in volumes(pod) if name.startswith("gitops-files")] == ["gitops-files-1"]
    # Neither the address nor its query is in the pod.
    assert "files.example" not in str(pod)
    plain = render.pod(launch())
    assert "--awaited" not in container(plain)["args"]
    assert pod["spec"]["activeDeadlineSeconds"] - plain["spec"]["activeDeadlineSeconds"] == 1020


def test_the_runner_is_told_which_file_to_take() -> None:
    operation = launch(filesFrom=[{"path": "keys", "secret": {"name": "s"}}, {**FETCHED, "executable": True}]).operation
    (one,) = delivery.fetched(operation)
    start = ["/bin/sh", "/opt/gitops/runner/start"]
    assert delivery.receive(one) == [
        *start,
        *("--receive", "0", "--path", "big.tar", "--digest", "0" * 64, "--mode", "755", "--spool", "/opt/gitops/spool"),
    ]
    assert delivery.missing(1) == [*start, "--missing", "1", "--spool", "/opt/gitops/spool"]
    assert (one.shown, one.address.target) == ("https://files.example/a", "https://files.example/a?sig=s3cret")


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ({"filesFrom": [FETCHED, FETCHED]}, "big.tar is given twice"),
        ({"files": [{"path": "a", "text": ""}, {"path": "a", "text": "x"}]}, "a is given twice"),
        (
            {"files": [{"path": "a/b", "text": ""}], "filesFrom": [{"path": "a", "secret": {"name": "s"}}]},
            "a/b lies below a",
        ),
        ({"files": [{"path": "a", "base64": "AAA"}]}, "is not base64"),
        ({"files": [{"path": "a/../../etc/passwd", "text": ""}]}, "would leave the working directory"),
        ({"files": [{"path": "a", "text": "x" * 200_000}]}, "the script and its files are too long"),
    ],
)
def test_files_that_cannot_be_are_named(spec: dict[str, Any], words: str) -> None:
    with pytest.raises(errors.ConfigError) as caught:
        render.pod(launch(**spec))
    assert words in caught.value.message


@pytest.mark.parametrize(
    ("interpreter", "command", "file"),
    [
        ([], ["/bin/sh"], "script"),
        (["sh"], ["/bin/sh"], "script"),
        (["bash"], ["bash"], "script"),
        (["python"], ["python3", "-u"], "script.py"),
        (["pwsh"], ["pwsh", "-NoLogo", "-NoProfile", "-NonInteractive", "-File"], "script.ps1"),
        (["bash", "-eu"], ["bash", "-eu"], "script"),
        (["/usr/bin/ruby"], ["/usr/bin/ruby"], "script"),
    ],
)
def test_interpreters_by_name_or_as_written(interpreter: list[str], command: list[str], file: str) -> None:
    pod = render.pod(launch(interpreter=interpreter, arguments=["x"]))
    args = container(pod)["args"]
    assert args[args.index("--") + 1 :] == [*command, f"/opt/gitops/script/{file}", "x"]
    assert volumes(pod)["gitops-script"]["downwardAPI"]["items"][0]["path"] == file


def test_every_file_of_the_runner_has_a_place() -> None:
    items = volumes(render.pod(launch()))["gitops-runner"]["configMap"]["items"]
    assert {item["key"] for item in items} == set(runner.files())
