from __future__ import annotations

import io
import shutil
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml as pyyaml

from gitops_cli import _edge, main

BASE = Path(__file__).parents[3] / "base"


@pytest.fixture(autouse=True)
def _place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    before = signal.getsignal(signal.SIGTERM)
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".git").mkdir()
    (tmp_path / "values.yaml").write_text("USER-SUPPLIED VALUES:\nagent: {worker: {enabled: true}}\n")
    yield
    signal.signal(signal.SIGTERM, before)


def gitops(*words: str) -> int:
    return _edge.run(main.group(), ["gitops", *words])


def test_objects_go_to_stdout_and_the_report_to_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    assert gitops("import", "helm", "values.yaml", "-n", "tools") == 0
    out, err = capsys.readouterr()
    found = list(pyyaml.safe_load_all(out))
    assert [one["kind"] for one in found] == ["Namespace", "WorkerPool", "Worker"]
    assert {one["metadata"].get("namespace", "tools") for one in found} == {"tools"}
    assert err.startswith("1 values: ")


def test_helms_output_can_be_piped_in(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"agent: {nmae: x}\n")))
    assert gitops("import", "helm", "-") == 0
    assert "stdin:1:15  agent.nmae: did you mean agent.name?" in capsys.readouterr().err


def test_a_directory_stands_alone_and_builds(capsys: pytest.CaptureFixture[str]) -> None:
    assert gitops("-q", "import", "helm", "values.yaml", "-o", "workers", "--pool", "linux") == 0
    assert capsys.readouterr() == ("10 files in workers; next: gitops build workers\n", "")
    assert gitops("build", "--no-expand", "workers") == 0
    kinds = [one["kind"] for one in pyyaml.safe_load_all(capsys.readouterr().out)]
    assert kinds.count("CustomResourceDefinition") == 4
    assert {"Namespace", "Worker", "WorkerPool"} < set(kinds)


def test_on_a_base_it_is_patches_and_takes_its_names(capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copytree(BASE, "base")
    assert gitops("-q", "import", "helm", "values.yaml", "-o", "overlays/octopus", "--base", "base") == 0
    assert sorted(path.name for path in Path("overlays/octopus").iterdir()) == [
        "kustomization.yaml",
        "pool-linux.yaml",
        "worker.yaml",
    ]
    capsys.readouterr()
    assert gitops("build", "--no-expand", "overlays/octopus") == 0
    objects = {one["kind"]: one for one in pyyaml.safe_load_all(capsys.readouterr().out)}
    assert objects["WorkerPool"]["spec"]["image"] == "octopusdeploy/worker-tools:ubuntu.24.04"
    assert objects["Worker"]["spec"]["image"] == "gitops-worker:0.1.0"
    assert objects["Worker"]["metadata"]["namespace"] == "gitops-worker"


def test_a_base_without_that_pool_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copytree(BASE, "base")
    assert gitops("import", "helm", "values.yaml", "-o", "o", "--base", "base", "--pool", "windows") == 2
    assert "the base base has WorkerPool linux" in capsys.readouterr().err
    assert not Path("o").exists()


def test_a_base_needs_a_directory(capsys: pytest.CaptureFixture[str]) -> None:
    assert gitops("import", "helm", "values.yaml", "--base", "base") == 2
    assert "add -o DIR" in capsys.readouterr().err


def test_files_of_others_are_not_replaced_without_being_asked(capsys: pytest.CaptureFixture[str]) -> None:
    words = ("-q", "import", "helm", "values.yaml", "-o", "workers")
    assert gitops(*words) == 0
    assert gitops(*words) == 0
    Path("workers/worker.yaml").write_text("mine\n")
    capsys.readouterr()
    assert gitops(*words) == 5
    assert "worker.yaml in workers would be replaced" in capsys.readouterr().err
    assert Path("workers/worker.yaml").read_text() == "mine\n"
    assert gitops(*words, "--overwrite") == 0
    assert "kind: Worker" in Path("workers/worker.yaml").read_text()


def test_broken_values_are_said_with_their_place(capsys: pytest.CaptureFixture[str]) -> None:
    Path("values.yaml").write_text("agent:\n  name: {\n")
    assert gitops("import", "helm", "values.yaml") == 2
    assert "--> values.yaml:3:1" in capsys.readouterr().err


def test_a_value_our_kinds_refuse_is_said_with_its_place(capsys: pytest.CaptureFixture[str]) -> None:
    Path("values.yaml").write_text("scriptPods:\n  metadata:\n    labels:\n      a: true\n")
    assert gitops("import", "helm", "values.yaml", "-o", "workers") == 2
    err = capsys.readouterr().err
    assert "--> values.yaml:4:10" in err
    assert "write it in quotes" in err
    assert not Path("workers").exists()


def test_a_missing_file_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert gitops("import", "helm", "nowhere.yaml") == 2
    assert "cannot read nowhere.yaml" in capsys.readouterr().err
