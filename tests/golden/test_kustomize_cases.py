"""kustomize's own end-to-end cases: same objects from the same files (origin: data/kustomize.ORIGIN.md)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from gitops import build, yaml
from gitops.source.tree import MemoryTree

CASES: list[dict[str, Any]] = json.loads((Path(__file__).parent / "data" / "kustomize.json").read_text())


def _sorted(manifests: list[Any]) -> list[str]:
    return sorted(json.dumps(manifest, sort_keys=True) for manifest in manifests)


@pytest.mark.parametrize("case", CASES, ids=[case["test"] for case in CASES])
def test_case(case: dict[str, Any]) -> None:
    tree = MemoryTree({path: content.encode() for path, content in case["files"].items()})
    folder = "" if case["target"] == "." else case["target"]
    built = build.build(tree, folder)
    expected = [document.value for document in yaml.load_all(case["expected"].encode(), "expected.yaml")]
    assert _sorted([rendered.manifest for rendered in built.objects]) == _sorted(expected)


def test_there_are_cases() -> None:
    assert len(CASES) == 41
