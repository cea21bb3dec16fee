"""`gitops init`: what it writes builds and is free of findings; what a person wrote is never replaced."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from gitops import build
from gitops.git import checkout
from gitops.yaml import roundtrip
from gitops_cli import _edge, main


def gitops(*words: str) -> int:
    return _edge.run(main.group(), ["gitops", *words])


def built(overlay: Path) -> dict[str, dict[str, Any]]:
    opened = checkout.open_path(str(overlay), describe=False)
    manifests = [one.manifest for one in build.build(opened.tree, opened.path).objects]
    return {f"{one['kind']}/{one['metadata']['name']}": one for one in manifests}


def contents(directory: Path) -> dict[str, bytes]:
    return {str(path.relative_to(directory)): path.read_bytes() for path in directory.rglob("*") if path.is_file()}


def test_the_options_arrive_in_what_is_built(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    given = (
        "--image",
        "registry.example:5000/tools:4",
        "--program-image",
        "registry.example/worker@sha256:" + "a" * 64,
    )

    assert gitops("init", str(tmp_path), "-n", "ci-workers", *given) == 0

    objects = built(tmp_path / "overlays" / "dev")
    pool, worker = objects["WorkerPool/linux"], objects["Worker/worker"]
    assert pool["spec"]["image"] == "registry.example:5000/tools:4"
    assert worker["spec"]["image"] == "registry.example/worker@sha256:" + "a" * 64
    assert pool["metadata"]["namespace"] == worker["metadata"]["namespace"] == "ci-workers"
    assert "Namespace/ci-workers" in objects


@pytest.mark.parametrize("topology", ["embedded", "split"])
def test_lint_finds_nothing(tmp_path: Path, topology: str) -> None:
    (tmp_path / ".git").mkdir()
    assert gitops("init", str(tmp_path), "--overlay", "blue", "--topology", topology) == 0

    assert gitops("lint", str(tmp_path / "overlays" / "blue")) == 0
    worker = built(tmp_path / "overlays" / "blue")["Worker/worker"]
    assert worker["spec"]["topology"] == topology
    assert worker["metadata"]["labels"]["app.kubernetes.io/environment"] == "blue"


def test_editors_find_the_schemas(tmp_path: Path) -> None:
    assert gitops("init", str(tmp_path)) == 0

    for path in (tmp_path / "base").glob("*.yaml"):
        first = path.read_text().splitlines()[0]
        if "$schema=" in first:
            schema = (path.parent / first.partition("$schema=")[2]).resolve()
            assert json.loads(schema.read_text())["$schema"]


def test_a_second_overlay_joins_the_first(tmp_path: Path) -> None:
    assert gitops("init", str(tmp_path)) == 0
    before = contents(tmp_path)

    assert gitops("init", str(tmp_path), "--overlay", "production", "--topology", "split") == 0

    assert before.items() < contents(tmp_path).items()


def test_nothing_is_written_when_one_file_is_in_the_way(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    mine = tmp_path / "overlays" / "dev" / "worker.yaml"
    mine.parent.mkdir(parents=True)
    mine.write_text("mine\n")

    assert gitops("init", str(tmp_path)) == 5

    assert contents(tmp_path) == {"overlays/dev/worker.yaml": b"mine\n"}
    assert "overlays/dev/worker.yaml" in capsys.readouterr().err


def test_an_upgrade_leaves_the_overlays_alone(tmp_path: Path) -> None:
    assert gitops("init", str(tmp_path)) == 0
    shipped = contents(tmp_path)
    pool, base = tmp_path / "overlays" / "dev" / "pool-linux.yaml", tmp_path / "base" / "worker.yaml"
    pool.write_bytes(roundtrip.put(pool.read_bytes(), ["spec", "maxOperations"], 9, file="pool-linux.yaml"))
    base.write_text("an older version's\n")
    mine = pool.read_bytes()

    assert gitops("init", str(tmp_path), "--upgrade") == 0

    assert contents(tmp_path) == shipped | {"overlays/dev/pool-linux.yaml": mine}


@pytest.mark.parametrize("words", [("--image", "tools"), ("--overlay", "../up"), ("--program-image", ":1")])
def test_an_option_that_cannot_be_used_writes_nothing(tmp_path: Path, words: tuple[str, ...]) -> None:
    assert gitops("init", str(tmp_path), *words) == 2
    assert contents(tmp_path) == {}
