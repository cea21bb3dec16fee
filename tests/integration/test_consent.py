"""Consent in a commit's trailer, in the ways commits arrive: several in a push, and by a merge."""

from __future__ import annotations

import pytest

from tests.integration.desk import Desk, ran
from tests.integration.test_verbs import colour, desk, kinds, recolour

pytestmark = pytest.mark.integration
__all__ = ["desk", "kinds"]

SECRET = "apiVersion: v1\nkind: Secret\nmetadata:\n  name: key\nstringData:\n  word: hidden-value\n"


def with_secret(desk: Desk) -> None:
    desk.write(key=SECRET)
    desk.kustomization("settings", "key")
    desk.push("a secret")
    ran(desk.sync("sync"), 0)
    assert desk.exists("secret", "key")


async def test_the_consent_of_an_earlier_commit_of_a_push_holds(desk: Desk) -> None:
    with_secret(desk)
    desk.kustomization("settings")
    desk.push("without it\n\nGitOps-Delete: secret/key\n")
    recolour(desk, "red")

    plan = ran(desk.gitops("plan", "--sync", "main", "-n", desk.namespace), 1).output
    assert "- Secret" in plan
    assert (await desk.turn()).ready

    assert not desk.exists("secret", "key")
    assert colour(desk) == "red"


def test_the_consent_of_a_commit_that_is_merged_holds(desk: Desk) -> None:
    with_secret(desk)
    desk.run_git("checkout", "--quiet", "-b", "topic")
    desk.kustomization("settings")
    desk.run_git("commit", "--quiet", "--all", "--message", "without it\n\nGitOps-Delete: secret/key\n")
    desk.run_git("checkout", "--quiet", "main")
    desk.run_git("merge", "--quiet", "--no-ff", "--message", "Merge pull request #1", "topic")
    desk.push("nothing more")

    ran(desk.sync("sync"), 0)

    assert not desk.exists("secret", "key")


def test_consent_is_used_up_when_it_was_acted_on(desk: Desk) -> None:
    with_secret(desk)
    desk.kustomization("settings")
    desk.push("without it\n\nGitOps-Delete: secret/key\n")
    ran(desk.sync("sync"), 0)
    with_secret(desk)
    desk.kustomization("settings")
    desk.push("without it again")

    assert "secret/key" in ran(desk.sync("sync"), 5).errors
    assert desk.exists("secret", "key")
