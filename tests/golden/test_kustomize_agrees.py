"""Whole overlays drawn at random: `kubectl kustomize` and we print the same bytes, or both refuse."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, note, settings

from tests.golden import oracle, overlays

EXAMPLES = int(os.environ.get("GITOPS_FUZZ_EXAMPLES", "0"))
FEW, MANY = 8, EXAMPLES or 200
KEPT = sorted((Path(__file__).parent / "data" / "overlays").glob("*.json"))


def _agree(kubectl: Path, files: dict[str, str]) -> None:
    note(json.dumps(files, indent=1))
    with tempfile.TemporaryDirectory() as root:
        theirs, refused = oracle.theirs(kubectl, Path(root), files, "top")
    ours, why = oracle.ours(files, "top")
    assert bool(refused) == bool(why), refused or why
    assert ours == theirs


@settings(max_examples=FEW, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True, database=None)
@given(files=overlays.repositories())
def test_few_overlays(kubectl: Path, files: dict[str, str]) -> None:
    _agree(kubectl, files)


@pytest.mark.integration
@settings(max_examples=MANY, deadline=None, suppress_health_check=list(HealthCheck), print_blob=True)
@given(files=overlays.repositories())
def test_agrees_on_many_overlays(kubectl: Path, files: dict[str, str]) -> None:
    _agree(kubectl, files)


@pytest.mark.parametrize("path", KEPT, ids=[path.stem for path in KEPT])
def test_kept_counterexample(kubectl: Path, path: Path) -> None:
    """Overlays on which the two once disagreed."""
    _agree(kubectl, json.loads(path.read_text()))
