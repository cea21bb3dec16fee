"""How long a turn of the reconciler waits is what the GitSync says."""

from __future__ import annotations

import time

import pytest

from tests.integration.desk import Desk
from tests.integration.test_verbs import desk, kinds

pytestmark = pytest.mark.integration
__all__ = ["desk", "kinds"]

NEVER = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: never
spec:
  selector: {matchLabels: {app: never}}
  template:
    metadata: {labels: {app: never}}
    spec:
      containers: [{name: main, image: "registry.example/never:1"}]
"""


async def test_a_turn_waits_as_long_as_the_sync_says(desk: Desk) -> None:
    """No controller runs here: the Deployment never becomes available."""
    desk.write(never=NEVER)
    desk.kustomization("settings", "never")
    desk.push("a Deployment")
    patch = '{"spec": {"timeout": "1s"}}'
    desk.server.kubectl("patch", "gitsync", "main", "-n", desk.namespace, "--type=merge", "-p", patch)
    begun = time.monotonic()

    verdict = await desk.turn()

    assert verdict.reason == "TimedOut"
    assert "after 1 s still waiting" in verdict.message
    assert time.monotonic() - begun < 15
