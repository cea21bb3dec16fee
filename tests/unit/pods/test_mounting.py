"""What a kubelet's events say of a pod that it cannot prepare."""

from __future__ import annotations

from typing import Any

import pytest

from gitops.pods import mounting
from gitops.pods.stage import Stage


def event(reason: str, message: str, at: str = "2026-01-01T00:00:00Z") -> dict[str, Any]:
    return {"reason": reason, "message": message, "lastTimestamp": at}


@pytest.mark.parametrize(
    ("reason", "message", "expected", "missing"),
    [
        ("FailedMount", 'MountVolume.SetUp failed for volume "f" : secret "x" not found', "VolumeNotMounted", True),
        ("FailedMount", "configmap references non-existent config key: site.conf", "VolumeNotMounted", True),
        ("FailedMount", "references non-existent secret key: token", "VolumeNotMounted", True),
        ("FailedMount", "failed to sync configmap cache: timed out", "VolumeNotMounted", False),
        ("FailedAttachVolume", "Multi-Attach error for volume", "VolumeNotMounted", False),
        ("FailedCreatePodSandBox", 'plugin type="bridge" failed', "SandboxNotMade", False),
    ],
)
def test_what_holds_it_is_named_and_only_what_is_missing_is_given_up_on(
    reason: str, message: str, expected: str, *, missing: bool
) -> None:
    found = mounting.explain([event("Scheduled", "x"), event(reason, message)], "ci-linux-ops")
    assert found is not None
    assert (found.stage, found.reason, found.patience is not None) == (Stage.STARTING, expected, missing)
    assert found.message == (f"{message} in namespace ci-linux-ops" if missing else message)


def test_the_newest_counts_and_nothing_once_the_image_is_pulled() -> None:
    old, new = event("FailedMount", "a"), event("FailedMount", "b", "2026-01-01T00:00:09Z")
    found = mounting.explain([new, old], "ns")
    assert found is not None
    assert found.message == "b"
    assert mounting.explain([new, event("Pulling", "x")], "ns") is None
    assert mounting.explain([event("Scheduled", "x")], "ns") is None
