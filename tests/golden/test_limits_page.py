"""The page about overlays states the limits that hold."""

from __future__ import annotations

from pathlib import Path

import pytest

from gitops.build import budget, files, kustomization, load, patterns, selectors, target
from gitops.yaml import reader

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "overlays.md"


@pytest.mark.parametrize(
    ("row", "limit"),
    [
        ("one file", f"{reader.MAX_BYTES >> 20} MiB"),
        ("values in one document", f"{reader.MAX_NODES:,}"),
        ("documents in one file", f"{reader.MAX_DOCUMENTS:,}"),
        ("levels of nesting", f"{reader.MAX_DEPTH}"),
        ("files a build reads", f"{files.MAX_FILES:,}"),
        ("bytes a build reads", f"{files.MAX_BYTES >> 20} MiB"),
        ("objects of a build", f"{load.MAX_OBJECTS:,}"),
        ("values in all manifests", f"{budget.MAX_VALUES:,}"),
        ("folders a build enters", f"{target.MAX_FOLDERS:,}; {target.MAX_DEPTH}"),
        ("entries of one list", f"{kustomization.MAX_ENTRIES:,}"),
        ("steps of a build", f"{budget.MAX_STEPS:,}"),
        ("a pattern", f"{patterns.MAX_LENGTH:,}; {selectors.MAX_LENGTH:,}; {files.MAX_PATH:,}"),
    ],
)
def test_the_page_states_the_limit(row: str, limit: str) -> None:
    found = [line for line in PAGE.read_text().splitlines() if line.startswith(f"| {row}")]
    assert len(found) == 1
    assert limit in found[0]
