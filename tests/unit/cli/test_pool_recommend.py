"""The commit that `gitops pool recommend` writes: the right file, comments kept, nothing else touched."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from gitops import errors
from gitops.git import checkout, commit
from gitops.git.tree import GitTree
from gitops_cli import _pool_edits

ROOT = Path(__file__).resolve().parents[3]
CHANGES: dict[tuple[str, ...], str] = {
    ("resources", "requests", "cpu"): "230m",
    ("resources", "limits", "memory"): "3Gi",
}


def git(folder: Path, *words: str) -> str:
    settings = ["-c", "user.name=Ada", "-c", "user.email=ada@example.org"]
    done = subprocess.run(["git", *settings, *words], cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout


@pytest.fixture
def clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("base", "overlays"):
        shutil.copytree(ROOT / name, tmp_path / name)
    git(tmp_path, "init", "--quiet", "--initial-branch=main")
    git(tmp_path, "config", "user.name", "Ada")
    git(tmp_path, "config", "user.email", "ada@example.org")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "--quiet", "-m", "first")
    return tmp_path


def written(clone: Path, overlay: str, branch: str) -> list[str]:
    opened = checkout.open_path(f"{clone / overlay}@HEAD")
    assert opened.revision is not None
    files = _pool_edits.files(opened.tree, opened.path, "linux", CHANGES)
    revision = commit.write(clone, opened.revision, files, "fit\n")
    _pool_edits.check(GitTree(clone, revision.commit), opened.path, "linux", CHANGES)
    commit.branch(clone, branch, revision)
    return git(clone, "diff", "--name-only", "main", branch).split()


def test_the_overlays_own_patch_is_edited_and_its_comments_stay(clone: Path) -> None:
    (clone / "base" / "pool-linux.yaml").write_text("not: committed\n")
    before = git(clone, "status", "--porcelain")

    assert written(clone, "overlays/production", "fit") == ["overlays/production/pool-linux.yaml"]

    assert git(clone, "status", "--porcelain") == before
    lines = [line for line in git(clone, "diff", "-U0", "main", "fit").splitlines() if line[:1] in "+-"]
    assert lines[2:] == ["-      cpu: 500m", "+      cpu: 230m", "-      memory: 2Gi", "+      memory: 3Gi"]
    assert "# Not free in its namespace" in git(clone, "show", "fit:overlays/production/pool-linux.yaml")
    assert git(clone, "log", "-1", "--format=%an %P", "fit").split()[0] == "Ada"


def test_an_overlay_without_a_file_about_the_pool_gets_a_patch(clone: Path) -> None:
    overlay = clone / "overlays" / "small"
    overlay.mkdir()
    (overlay / "kustomization.yaml").write_text("# ours\nnamespace: small\nresources:\n  - ../../base\n")
    git(clone, "add", ".")
    git(clone, "commit", "--quiet", "-m", "small")

    assert written(clone, "overlays/small", "fit") == [
        "overlays/small/kustomization.yaml",
        "overlays/small/pool-linux-resources.yaml",
    ]
    assert git(clone, "show", "fit:overlays/small/kustomization.yaml").startswith("# ours\n")


def test_what_a_later_patch_sets_is_said_and_no_branch_is_made(clone: Path) -> None:
    overlay = clone / "overlays" / "production" / "kustomization.yaml"
    operation = "{op: add, path: /spec/resources/requests/cpu, value: 9}"
    patch = f"  - target: {{kind: WorkerPool}}\n    patch: |\n      - {operation}\n"
    overlay.write_text(overlay.read_text() + patch)
    git(clone, "commit", "--quiet", "-am", "late")

    with pytest.raises(errors.ConfigError, match="cannot be set") as raised:
        written(clone, "overlays/production", "fit")
    assert "it is 9 after the change" in raised.value.cause
    assert git(clone, "branch", "--list", "fit") == ""


def test_a_branch_is_never_moved(clone: Path) -> None:
    git(clone, "branch", "fit")
    with pytest.raises(errors.ConfigError, match="there is a branch 'fit' already"):
        written(clone, "overlays/production", "fit")


def test_an_overlay_without_the_pool_is_refused(clone: Path) -> None:
    opened = checkout.open_path(f"{clone}/overlays/production@HEAD")
    with pytest.raises(errors.ConfigError, match="builds no WorkerPool gpu"):
        _pool_edits.files(opened.tree, opened.path, "gpu", CHANGES)
