"""The demo is a promise of the README: it plays to its end on a real cluster."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.cluster.cluster import Cluster

pytestmark = pytest.mark.e2e

ROOT = Path(__file__).resolve().parents[2]


def test_the_demo_plays_to_its_end(cluster: Cluster) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.demo"], cwd=ROOT, capture_output=True, text=True, timeout=900, check=False
    )

    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    assert "The main job is done" in done.stdout
    assert "0 of them writes" in done.stdout
    assert cluster.git.token not in done.stdout + done.stderr
