"""A real Kubernetes for the tests: two nodes in containers, or a bare API server as local processes.

`python -m tests.cluster up` brings up, or reuses, the two-node cluster; see
docs/contributing/test-cluster.md.
"""

from __future__ import annotations

from pathlib import Path

from tests.cluster import binary


def kubectl() -> Path:
    """Return the pinned kubectl, built if absent: the oracle for builds."""
    return binary.kubectl()
