"""A saved plan is applied exactly, or refused: on another cluster, edited, or when something moved."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.integration.desk import Desk, ran
from tests.integration.test_turn_timeout import NEVER
from tests.integration.test_verbs import colour, desk, kinds, recolour

pytestmark = pytest.mark.integration
__all__ = ["desk", "kinds"]

Edit = Callable[[dict[str, Any]], Any]


def change(document: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = document["changes"][0]
    return found


EDITS: dict[str, tuple[Edit, str]] = {
    "patch": (lambda d: change(d)["patch"][0].update(value="blue"), "shows another 'patch'"),
    "tests": (lambda d: change(d)["tests"].clear(), "shows another 'tests'"),
    "inverse": (lambda d: change(d)["inverse"].clear(), "shows another 'inverse'"),
    "words": (lambda d: change(d)["effects"][0].update(words="nothing of note"), "shows another 'effects'"),
    "impact": (lambda d: d.update(impact="none!"), "shows another 'impact'"),
    "location": (lambda d: change(d).update(location="README.md:1:1"), "shows another 'location'"),
    "rights": (lambda d: d.update(rights=[{"account": "User nobody"}]), "shows another 'rights'"),
    "a change less": (lambda d: d["changes"].clear(), "would change now, and is not in the plan"),
    "fingerprint": (lambda d: change(d).update(fingerprint="0" * 64), "is not what was reviewed"),
    "cluster": (lambda d: d.update(cluster="another"), "made for another cluster"),
}


def test_a_plan_that_was_edited_is_refused_whatever_was_edited(desk: Desk) -> None:
    ran(desk.sync("sync"), 0)
    recolour(desk, "red")
    ran(desk.gitops("plan", "--sync", "main", "-n", desk.namespace, "--out", "plan.json"), 1)
    file = desk.clone / "plan.json"
    made = file.read_text()
    for edit, words in EDITS.values():
        document = json.loads(made)
        edit(document)
        file.write_text(json.dumps(document))
        refused = ran(desk.gitops("apply", "plan.json"), 5)
        assert words in refused.errors
        assert colour(desk) == "blue"
    file.write_text(made)
    ran(desk.gitops("apply", "plan.json"), 0)
    assert colour(desk) == "red"
    assert "needs no change any more" in ran(desk.gitops("apply", "plan.json"), 5).errors


def test_a_plan_binds_the_commit_and_not_the_branch(desk: Desk) -> None:
    ran(desk.sync("sync"), 0)
    recolour(desk, "red")
    ran(desk.gitops("plan", "--sync", "main", "-n", desk.namespace, "--out", "plan.json"), 1)
    recolour(desk, "green")

    ran(desk.gitops("apply", "plan.json"), 0)

    assert colour(desk) == "red"


def test_apply_waits_as_long_as_it_is_told(desk: Desk) -> None:
    """No controller runs here: the Deployment never becomes available."""
    desk.write(never=NEVER)
    desk.kustomization("settings", "never")
    desk.push("a Deployment")
    ran(desk.gitops("plan", "--sync", "main", "-n", desk.namespace, "--out", "plan.json"), 1)
    begun = time.monotonic()

    late = ran(desk.gitops("apply", "plan.json", "--timeout", "1s"), 124)

    assert "after 1 s still waiting" in late.errors
    assert time.monotonic() - begun < 30
    desk.server.kubectl("delete", "deployment", "never", "-n", desk.namespace)
    ran(desk.gitops("plan", "--sync", "main", "-n", desk.namespace, "--out", "plan.json"), 1)
    ran(desk.gitops("apply", "plan.json", "--no-wait"), 0)
