"""What the rights for people (`base/people.yaml`) are enough for: each verb by somebody who has them and no others."""

from __future__ import annotations

import json

import pytest

from gitops import api
from tests.integration.desk import ROOT, Desk, ran
from tests.integration.test_kinds import may
from tests.integration.test_verbs import SETTINGS, colour, desk, kinds, recolour

pytestmark = pytest.mark.integration
__all__ = ["desk", "kinds"]

OPERATIONS = f"operations.{api.GROUP}"
POOLS = f"workerpools.{api.GROUP}"


def person(desk: Desk, name: str, *roles: str) -> None:
    """From now on the desk is that of somebody with these of our roles in the namespace, and ConfigMaps and Secrets.

    This server runs no controllers, so nothing adds our roles to `view`, `edit` and `admin`: they are bound themselves.
    """
    bind = ("create", "rolebinding", "-n", desk.namespace, f"--user={name}")
    desk.server.kubectl("apply", "--server-side", "--force-conflicts", "-f", str(ROOT / "base" / "people.yaml"))
    for role in roles:
        desk.server.kubectl(*bind, f"{name}-{role}", f"--clusterrole=gitops-worker-{role}")
    if "operate" in roles:
        verbs = "--verb=get,list,watch,create,update,patch,delete"
        kinds = "--resource=configmaps,secrets,events"
        desk.server.kubectl("create", "role", name, "-n", desk.namespace, verbs, kinds)
        desk.server.kubectl(*bind, name, f"--role={name}")
    desk.kubeconfig = desk.server.user(name)


def test_an_operator_syncs_and_rolls_back_what_is_his_own(desk: Desk) -> None:
    person(desk, "olga", "view", "operate")
    ran(desk.sync("sync"), 0)
    recolour(desk, "red")
    ran(desk.sync("sync"), 0)
    ran(desk.sync("rollback"), 0)
    assert colour(desk) == "blue"
    status = desk.get("gitsync", "main")["status"]
    assert status["rollback"]["by"] == "olga"
    ran(desk.sync("suspend"), 0)
    ran(desk.sync("resume"), 0)


def test_who_may_look_may_not_change(desk: Desk) -> None:
    ran(desk.sync("sync"), 0)
    person(desk, "vera", "view")
    for verb in ("suspend", "sync"):
        done = ran(desk.sync(verb), 4)
        assert "forbidden" in done.errors
    desk.write(settings=SETTINGS.format(colour="green"))
    listed = desk.gitops("operation", "list", "-n", desk.namespace, "-o", "json")
    assert json.loads(ran(listed, 0).output)["items"] == []


def test_who_may_submit_makes_operations_and_changes_no_pool(desk: Desk) -> None:
    person(desk, "sam", "view", "submit")
    asked = {
        (verb, resource): may(desk.server, desk.kubeconfig, verb, f"{resource}.{api.GROUP}", desk.namespace)
        for verb, resource in (
            ("create", "operations"),
            ("use", "workerpools"),
            ("patch", "workerpools"),
            ("launch", "workerpools"),
            ("patch", "gitsyncs"),
        )
    }
    assert [right for right, held in asked.items() if held] == [("create", "operations"), ("use", "workerpools")]


def test_each_role_alone_is_enough_for_what_it_is_for(desk: Desk) -> None:
    person(desk, "lola", "logs")
    person(desk, "solo", "submit")
    tunnel = [("get", "pods/portforward"), ("create", "pods/portforward"), ("list", "pods"), ("watch", OPERATIONS)]
    wanted = {
        "lola": [*tunnel, ("get", OPERATIONS)],
        "solo": [*tunnel, ("create", OPERATIONS), ("delete", OPERATIONS), ("list", POOLS), ("use", POOLS)],
    }
    asked = {right for rights in wanted.values() for right in rights} | {("get", "secrets"), ("create", "pods/exec")}
    for name, rights in wanted.items():
        held = {right for right in asked if may(desk.server, desk.server.user(name), *right, desk.namespace)}
        assert held == {*rights, *([("get", OPERATIONS)] if name == "solo" else [])}
