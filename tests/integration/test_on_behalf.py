"""A GitSync that names an account: its commits are applied with the rights of that account and no others."""

from __future__ import annotations

import pytest

from tests.integration.desk import Desk
from tests.integration.test_verbs import colour, desk, kinds

pytestmark = pytest.mark.integration
__all__ = ["desk", "kinds"]

ROLE = "apiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nmetadata:\n  name: more\nrules: []\n"
VERBS = "--verb=get,list,watch,create,update,patch,delete"


def name_account(desk: Desk) -> None:
    desk.server.kubectl("create", "serviceaccount", "applier", "-n", desk.namespace)
    patch = '{"spec": {"serviceAccount": {"name": "applier"}}}'
    desk.server.kubectl("patch", "gitsync", "main", "-n", desk.namespace, "--type=merge", "-p", patch)


def grant(desk: Desk, name: str, resources: str) -> None:
    where = ("-n", desk.namespace)
    desk.server.kubectl("create", "role", name, *where, VERBS, f"--resource={resources}")
    desk.server.kubectl(
        "create", "rolebinding", name, *where, f"--role={name}", f"--serviceaccount={desk.namespace}:applier"
    )


async def test_commits_are_applied_with_the_rights_of_the_account(desk: Desk) -> None:
    name_account(desk)
    verdict = await desk.turn()
    assert verdict.reason == "ClusterDenied"
    assert f"system:serviceaccount:{desk.namespace}:applier" in verdict.message
    assert not desk.exists("configmap", "settings")

    grant(desk, "settings", "configmaps,gitsyncs.gitops-worker.io,gitsyncs.gitops-worker.io/status")
    assert (await desk.turn()).ready
    assert colour(desk) == "blue"

    desk.write(role=ROLE)
    desk.kustomization("settings", "role")
    desk.push("more rights")
    assert not (await desk.turn()).ready
    assert not desk.exists("role", "more")
