"""`gitops lint`, `explain` and `schema` as commands: exit codes, what goes where, what is written to disk."""

from __future__ import annotations

import json
import stat
from collections.abc import Callable
from pathlib import Path

import jsonschema
import pytest
import yaml

from gitops.api import crds
from gitops_cli import _edge, main
from tests.unit.lint.trees import POOL, WORKER

Gitops = Callable[..., int]


@pytest.fixture
def gitops(monkeypatch: pytest.MonkeyPatch) -> Gitops:
    monkeypatch.setenv("NO_COLOR", "1")
    return lambda *words: _edge.run(main.group(), ["gitops", *words])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "kustomization.yaml").write_text("namespace: ci\nresources: [pool.yaml, worker.yaml]\n")
    (tmp_path / "pool.yaml").write_text(POOL)
    (tmp_path / "worker.yaml").write_text(WORKER)
    return tmp_path


Captured = pytest.CaptureFixture[str]


def test_nothing_found_is_exit_code_0_and_nothing_on_stdout(gitops: Gitops, folder: Path, capsys: Captured) -> None:
    assert gitops("lint", str(folder)) == 0
    assert capsys.readouterr() == ("", "nothing found in 3 files, 2 objects\n")


def test_findings_are_exit_code_1_unless_that_is_not_wanted(gitops: Gitops, folder: Path, capsys: Captured) -> None:
    (folder / "pool.yaml").write_text(POOL + "  suspended: yes\n")
    assert gitops("lint", str(folder)) == 1
    out, err = capsys.readouterr()
    assert "pool.yaml:10:14\n" in out
    assert "\n10 |   suspended: yes\n" in out
    assert err == "1 warning in 3 files, 2 objects; --fix mends 1\n"
    assert gitops("lint", str(folder), "--exit-zero", "-o", "json") == 0
    out, err = capsys.readouterr()
    [item] = json.loads(out)["items"]
    assert (item["code"], item["location"]["line"], item["fixable"], err) == ("GW111", 10, True, "")


def test_a_file_is_looked_at_within_its_kustomization(gitops: Gitops, folder: Path, capsys: Captured) -> None:
    (folder / "pool.yaml").write_text(POOL + "  suspended: yes\n")
    assert gitops("lint", str(folder / "worker.yaml")) == 0
    assert gitops("lint", str(folder / "pool.yaml")) == 1


def test_fix_writes_and_reports_what_is_left(gitops: Gitops, folder: Path, capsys: Captured) -> None:
    pool = folder / "pool.yaml"
    pool.write_text(POOL + "  suspended: yes  # for now\n  maxOperation: 3\n")
    pool.chmod(0o640)
    assert gitops("lint", str(folder), "--fix") == 1
    out, err = capsys.readouterr()
    assert err.startswith("mended pool.yaml\n")
    assert "GW111" not in out
    assert "GW101" in out
    assert pool.read_text() == POOL + "  suspended: true  # for now\n  maxOperation: 3\n"
    assert stat.S_IMODE(pool.stat().st_mode) == 0o640
    before = pool.stat().st_mtime_ns
    assert gitops("lint", str(folder), "--fix") == 1
    assert pool.stat().st_mtime_ns == before
    assert sorted(path.name for path in folder.iterdir()) == ["kustomization.yaml", "pool.yaml", "worker.yaml"]


def test_fix_follows_no_link_out_of_the_folder(
    gitops: Gitops, folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "pool.yaml"
    elsewhere.write_text(POOL + "  suspended: yes\n")
    (folder / "pool.yaml").unlink()
    (folder / "pool.yaml").symlink_to(elsewhere)
    assert gitops("lint", str(folder), "--fix") == 1
    assert elsewhere.read_text() == POOL + "  suspended: yes\n"


def test_a_commit_is_looked_at_and_never_mended(gitops: Gitops, folder: Path, capsys: Captured) -> None:
    import pygit2  # noqa: PLC0415  # only this test needs a repository

    (folder / "pool.yaml").write_text(POOL + "  suspended: yes\n")
    repository = pygit2.init_repository(str(folder), initial_head="main")
    repository.index.add_all()
    who = pygit2.Signature("a", "a@example.org")
    repository.create_commit("HEAD", who, who, "first", repository.index.write_tree(), [])
    (folder / "pool.yaml").write_text(POOL)
    assert gitops("lint", str(folder)) == 0
    assert gitops("lint", f"{folder}@main") == 1
    assert gitops("lint", f"{folder}@main", "--fix") == 2
    assert "is a commit, which cannot be changed" in capsys.readouterr().err


def test_values_of_secrets_are_not_shown(gitops: Gitops, folder: Path, capsys: Captured) -> None:
    (folder / "kustomization.yaml").write_text("namespace: ci\nresources: [pool.yaml, worker.yaml, secret.yaml]\n")
    (folder / "secret.yaml").write_text(
        "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\nstringData:\n  pin: 47114711\n  other: 0047114712\n"
    )
    for form in ("table", "json", "sarif", "junit", "github"):
        assert gitops("lint", str(folder), "-o", form) == 1
        out, err = capsys.readouterr()
        assert "secret.yaml" in out
        assert "4711" not in out + err


def test_explain_and_schema_answer_or_say_what_was_meant(gitops: Gitops, capsys: Captured) -> None:
    assert gitops("explain", "GW301") == 0
    assert capsys.readouterr().out.startswith("GW301 image-not-pinned  (warning)\n")
    assert gitops("explain", "GW31") == 2
    assert "did you mean GW301?" in capsys.readouterr().err
    assert gitops("schema", "workerpols") == 2
    assert "did you mean workerpool?" in capsys.readouterr().err


def test_schemas_are_schemas_and_definitions_are_definitions(gitops: Gitops, capsys: Captured) -> None:
    assert gitops("schema", "wp") == 0
    assert json.loads(capsys.readouterr().out)["title"] == "WorkerPool"
    assert gitops("schema") == 0
    everything = json.loads(capsys.readouterr().out)
    jsonschema.Draft202012Validator.check_schema(everything)
    validator = jsonschema.Draft202012Validator(everything)
    pool = yaml.safe_load(POOL)
    assert validator.is_valid(pool)
    assert not validator.is_valid({**pool, "kind": "Worker"})
    assert not validator.is_valid({**pool, "kind": "Other"})
    assert gitops("schema", "--crd") == 0
    assert list(yaml.safe_load_all(capsys.readouterr().out)) == list(crds.crds())
