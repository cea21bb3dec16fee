"""A word on the command line that may be a directory or a GitSync."""

from __future__ import annotations

import pytest

from tests.integration.desk import Desk, ran
from tests.integration.test_verbs import SETTINGS, colour, desk, kinds, recolour

pytestmark = pytest.mark.integration
__all__ = ["desk", "kinds"]


def test_a_directory_of_the_name_of_a_git_sync_is_not_taken_for_it(desk: Desk) -> None:
    ran(desk.sync("sync"), 0)
    here = desk.clone / "main"
    here.mkdir()
    (here / "settings.yaml").write_text(SETTINGS.format(colour="pink"))
    (here / "kustomization.yaml").write_text(f"namespace: {desk.namespace}\nresources: [settings.yaml]\n")

    for verb in ("sync", "drift", "history", "uninstall"):
        refused = ran(desk.sync(verb), 2).errors
        assert "write ./main for the directory, gitsync/main for the GitSync" in refused
    assert colour(desk) == "blue"

    recolour(desk, "red")
    where = ("-n", desk.namespace)
    ran(desk.gitops("sync", "gitsync/main", *where), 0)
    assert colour(desk) == "red"
    ran(desk.gitops("drift", "gitsync/main", *where), 0)
    assert len(ran(desk.gitops("history", "gitsync/main", *where), 0).output.splitlines()) == 2
    ran(desk.gitops("sync", "./main", "--inventory", "other", *where), 0)
    assert colour(desk) == "pink"


def test_verbs_that_know_only_git_syncs_take_the_name_as_it_is(desk: Desk) -> None:
    ran(desk.sync("sync"), 0)
    recolour(desk, "red")
    ran(desk.sync("sync"), 0)
    (desk.clone / "main").mkdir()

    ran(desk.sync("rollback"), 0)

    assert colour(desk) == "blue"
    ran(desk.sync("suspend"), 0)
    ran(desk.gitops("resume", "gitsync/main", "-n", desk.namespace), 0)
    ran(desk.sync("status"), 0, 1)
