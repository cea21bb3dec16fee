"""Whole overlays drawn at random: `kubectl kustomize` and we print the same bytes, or both refuse."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from tests.golden import overlays, wild
from tests.golden.oracle import differences

EXAMPLES = int(os.environ.get("GITOPS_FUZZ_EXAMPLES", "0"))
FEW, MANY = 8, EXAMPLES or 200
overlays.FEATURES.update(wild.FEATURES)
FOLDER = Path(__file__).parent / "data" / "overlays"
KEPT = sorted(FOLDER.glob("*.json"))
FOUND = FOLDER / "found.json"
"""The smallest overlay of the last run on which the two disagree: give it a name, and it is a golden case."""
SECONDS = 90.0
"""A run ends by then even on a loaded machine, unless more examples than usual were asked for."""
SHRINKING = 180.0
ANYTHING = settings(deadline=None, suppress_health_check=list(HealthCheck), print_blob=True)


class Clock:
    """Ends a long run, and gives one that has failed the time to find its smallest example."""

    def __init__(self) -> None:
        self.end = float("inf") if EXAMPLES else time.monotonic() + SECONDS
        self.failed = False

    def over(self) -> bool:
        return time.monotonic() > self.end

    def extend(self) -> None:
        if not self.failed:
            self.failed, self.end = True, time.monotonic() + SHRINKING


@settings(ANYTHING, max_examples=FEW, derandomize=True, database=None)
@given(files=overlays.repositories())
def test_few_overlays(kubectl: Path, files: dict[str, str]) -> None:
    assert differences(kubectl, files) == ""


@pytest.mark.integration
def test_agrees_on_many_overlays(kubectl: Path) -> None:
    """A crash of ours is a failure like any other, and its overlay is kept too."""
    clock = Clock()

    @settings(ANYTHING, max_examples=MANY)
    @given(files=overlays.repositories())
    def agrees(files: dict[str, str]) -> None:
        if clock.over():
            return
        try:
            assert differences(kubectl, files) == ""
        except BaseException:
            clock.extend()
            FOUND.write_text(json.dumps(files, indent=1))
            raise

    agrees()


@pytest.mark.parametrize("path", KEPT, ids=[path.stem for path in KEPT])
def test_kept_counterexample(kubectl: Path, path: Path) -> None:
    """Overlays on which the two once disagreed."""
    assert differences(kubectl, json.loads(path.read_text())) == ""
