"""`gitops pool add`: what it writes builds, and what people wrote stays."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from gitops import build, errors, yaml
from gitops.git import checkout
from gitops.yaml import roundtrip
from gitops_cli import _edge, main

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def configuration(tmp_path: Path) -> Path:
    for name in ("base", "overlays"):
        shutil.copytree(ROOT / name, tmp_path / name)
    (tmp_path / ".git").mkdir()
    return tmp_path


def add(*words: str) -> int:
    return _edge.run(main.group(), ["gitops", "pool", "add", *words])


def built(overlay: Path) -> dict[str, dict[str, object]]:
    opened = checkout.open_path(str(overlay), describe=False)
    manifests = [one.manifest for one in build.build(opened.tree, opened.path).objects]
    return {f"{one['kind']}/{one['metadata']['name']}": one for one in manifests}


def test_the_overlay_has_the_pool_and_its_worker_serves_it(configuration: Path) -> None:
    overlay = configuration / "overlays" / "dev"
    before = (overlay / "kustomization.yaml").read_text()

    assert add("gpu", str(overlay), "--image", "cuda:12", "--max-operations", "2") == 0

    after = built(overlay)
    spec = after["WorkerPool/gpu"]["spec"]
    assert isinstance(spec, dict)
    assert (spec["image"], spec["maxOperations"]) == ("cuda:12", 2)
    worker = after["Worker/worker"]["spec"]
    assert isinstance(worker, dict)
    assert worker["pools"] == ["linux", "gpu"]
    text = (overlay / "kustomization.yaml").read_text()
    assert text.splitlines()[0] == before.splitlines()[0]
    assert [line for line in before.splitlines() if line not in text.splitlines()] == []


def test_a_second_pool_joins_the_first(configuration: Path) -> None:
    overlay = configuration / "overlays" / "production"

    assert add("gpu", str(overlay), "--image", "cuda:12") == 0
    assert add("arm", str(overlay), "--image", "tools:1") == 0

    worker = built(overlay)["Worker/worker"]["spec"]
    assert isinstance(worker, dict)
    assert worker["pools"] == ["linux", "gpu", "arm"]


def test_a_pool_that_is_there_is_refused_and_nothing_is_written(
    configuration: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    overlay = configuration / "overlays" / "dev"
    before = {path: path.read_bytes() for path in overlay.iterdir()}

    assert add("linux", str(overlay), "--image", "tools:1") == 2

    assert "has a WorkerPool linux already" in capsys.readouterr().err
    assert {path: path.read_bytes() for path in overlay.iterdir()} == before


def test_comments_quotes_and_order_stay() -> None:
    content = b'# why\nb: "1"   # kept\nresources:\n  # ours\n  - a.yaml\na: 0644\n'

    made = roundtrip.append(content, ["resources"], "b.yaml", file="k.yaml")

    assert made == b'# why\nb: "1"   # kept\nresources:\n  # ours\n  - a.yaml\n  - b.yaml\na: 0644\n'


def test_a_value_that_is_there_is_not_added_again() -> None:
    content = b"resources:\n- a.yaml\n"

    assert roundtrip.append(content, ["resources"], "a.yaml", file="k.yaml") == content


def test_something_else_in_the_way_is_said_with_its_place() -> None:
    with pytest.raises(errors.ConfigError, match="resources is not a list") as raised:
        roundtrip.append(b"kind: X\nresources: yes\n", ["resources"], "a.yaml", file="k.yaml")

    assert str(raised.value.location) == "k.yaml:2:1"


def test_what_is_written_reads_the_same_in_our_dialect() -> None:
    made = roundtrip.put(b"mode: 0644\nwhen: 2024-01-02\n", ["spec", "pools"], ["a"], file="k.yaml")

    assert yaml.load_all(made, "k.yaml")[0].value == {
        **yaml.load_all(b"mode: 0644\nwhen: 2024-01-02\n", "k.yaml")[0].value,
        "spec": {"pools": ["a"]},
    }
