"""`--at TAG`: a commit to compare with, or to apply, by the name of a release."""

from __future__ import annotations

import pytest

from tests.integration.desk import Desk, ran
from tests.integration.test_verbs import colour, desk, kinds, recolour

pytestmark = pytest.mark.integration
__all__ = ["desk", "kinds"]


def tag(desk: Desk, name: str, *options: str) -> None:
    desk.run_git("tag", "--force", *options, name)
    desk.run_git("push", "--quiet", "--force", desk.git.url(desk.clone.name), f"refs/tags/{name}")


def drifted(desk: Desk, at: str) -> dict[str, str]:
    """What Git wanted at that revision, by path; empty if nothing drifted."""
    found = ran(desk.sync("drift", "--at", at, "-o", "json"), 0, 1).json
    return {one["path"]: one["desired"] for one in found["drift"]}


@pytest.mark.parametrize("options", [(), ("--annotate", "--message", "a release")], ids=["light", "annotated"])
def test_drift_and_sync_at_a_tag(desk: Desk, options: tuple[str, ...]) -> None:
    tag(desk, "v1.0.0", *options)
    recolour(desk, "red")
    tag(desk, "release/two", *options)
    recolour(desk, "green")
    ran(desk.sync("sync"), 0)
    assert colour(desk) == "green"

    assert drifted(desk, "v1.0.0") == {"/data/colour": "blue"}
    assert drifted(desk, "release/two") == {"/data/colour": "red"}
    assert drifted(desk, "release/two~1") == {"/data/colour": "blue"}
    assert drifted(desk, "main") == {}

    ran(desk.sync("sync", "--at", "v1.0.0"), 0)
    assert colour(desk) == "blue"
    assert drifted(desk, "v1.0.0") == {}

    # A tag that was moved is where it is now, and one that is gone is said to be.
    tag(desk, "v1.0.0", *options)
    assert drifted(desk, "v1.0.0") == {"/data/colour": "green"}
    missing = ran(desk.sync("drift", "--at", "v9"), 2).errors
    assert "v9" in missing


def test_a_branch_comes_before_a_tag_of_its_name(desk: Desk) -> None:
    tag(desk, "both")
    recolour(desk, "red")
    desk.run_git("push", "--quiet", desk.git.url(desk.clone.name), "HEAD:refs/heads/both")
    ran(desk.sync("sync"), 0)

    assert drifted(desk, "both") == {}
