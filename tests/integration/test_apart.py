"""Builds in a process of their own: what they give, and what hostile input does to them."""

from __future__ import annotations

from pathlib import Path

import pytest

from gitops import errors
from gitops.git.worktree import WorkTree
from gitops_cli import _apart

pytestmark = pytest.mark.integration

ROOT = Path(__file__).resolve().parents[2]


async def test_a_build_apart_is_the_build() -> None:
    made = await _apart.Builder().render(WorkTree(ROOT), "overlays/dev")

    assert {one.ref.kind for one in made} >= {"WorkerPool", "Worker", "Deployment", "Namespace"}
    assert all(one.location is not None for one in made)


async def test_an_error_comes_back_with_its_place(tmp_path: Path) -> None:
    (tmp_path / "kustomization.yaml").write_text("resources:\n  - missing.yaml\n")

    with pytest.raises(errors.ConfigError) as raised:
        await _apart.Builder().render(WorkTree(tmp_path), "")

    assert str(raised.value.location).startswith("kustomization.yaml:2:")


async def test_several_errors_come_back_as_several(tmp_path: Path) -> None:
    (tmp_path / "kustomization.yaml").write_text("resources: 7\nnamePrefix: []\n")

    with pytest.raises(errors.SeveralErrors) as raised:
        await _apart.Builder().render(WorkTree(tmp_path), "")

    assert [str(one.location) for one in raised.value.errors] == ["kustomization.yaml:1:12", "kustomization.yaml:2:1"]


async def test_a_build_that_wants_too_much_memory_is_stopped_by_name(tmp_path: Path) -> None:
    (tmp_path / "kustomization.yaml").write_text("resources:\n" + "".join(f"  - m{n}.yaml\n" for n in range(4)))
    for n in range(4):
        values = "".join(f"  k{i}: v{i:0150}\n" for i in range(45_000))
        (tmp_path / f"m{n}.yaml").write_text(
            f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: m{n}}}\ndata:\n{values}"
        )

    with pytest.raises(errors.BuildError, match=r"the build (died|was stopped)|more memory than"):
        await _apart.Builder(limits=_apart.Limits(memory=128 << 20)).render(WorkTree(tmp_path), "")


async def test_a_build_that_does_not_end_is_stopped_by_name(tmp_path: Path) -> None:
    (tmp_path / "kustomization.yaml").write_text("resources: []\n")

    with pytest.raises(errors.BuildError, match="did not end within 0 s"):
        await _apart.Builder(limits=_apart.Limits(seconds=0.0)).render(WorkTree(tmp_path), "")
