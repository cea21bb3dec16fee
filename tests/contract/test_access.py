"""The `Access` port: the fake and a real authorizer say the same."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from gitops import cluster
from gitops.ports.access import Access, Ask, Rule
from gitops.testing.access import FakeAccess
from tests.cluster.bare import BareApiServer

RULES = (
    Rule(verbs=("get", "list"), groups=("",), resources=("pods", "pods/log")),
    Rule(verbs=("update",), groups=("apps",), resources=("deployments",), names=("mine",)),
)


@pytest.fixture(params=["memory", pytest.param("real", marks=pytest.mark.integration)])
async def access(request: pytest.FixtureRequest) -> AsyncIterator[Access]:
    if request.param == "memory":
        yield FakeAccess(*RULES, user="asker", groups=("system:authenticated",))
        return
    bare: BareApiServer = request.getfixturevalue("bare")
    role = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "Role",
        "metadata": {"name": "asker", "namespace": "default"},
        "rules": [
            {
                "verbs": list(rule.verbs),
                "apiGroups": list(rule.groups),
                "resources": list(rule.resources),
                **({"resourceNames": list(rule.names)} if rule.names else {}),
            }
            for rule in RULES
        ],
    }
    binding = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "RoleBinding",
        "metadata": {"name": "asker", "namespace": "default"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "asker"},
        "subjects": [{"kind": "User", "apiGroup": "rbac.authorization.k8s.io", "name": "asker"}],
    }
    bare.apply([role, binding])
    config = cluster.load(kubeconfig=str(bare.user("asker")))
    async with cluster.connect(config, component="contract") as connected:
        yield connected.access


@pytest.mark.parametrize(
    ("ask", "allowed"),
    [
        (Ask(verb="get", plural="pods", namespace="default"), True),
        (Ask(verb="get", plural="pods/log", namespace="default"), True),
        (Ask(verb="delete", plural="pods", namespace="default"), False),
        (Ask(verb="get", plural="secrets", namespace="default"), False),
        (Ask(verb="update", plural="deployments", group="apps", namespace="default", name="mine"), True),
        (Ask(verb="update", plural="deployments", group="apps", namespace="default", name="other"), False),
        (Ask(verb="update", plural="deployments", group="apps", namespace="default"), False),
        (Ask(verb="update", plural="deployments", namespace="default", name="mine"), False),
    ],
)
async def test_what_the_account_may(access: Access, ask: Ask, allowed: bool) -> None:  # noqa: FBT001 - a table
    assert (await access.may(ask)).allowed is allowed


async def test_all_rules_of_the_account(access: Access) -> None:
    found = await access.rules("default")
    assert not found.incomplete
    rules = {(tuple(r.verbs), tuple(r.groups), tuple(r.resources), tuple(r.names)) for r in found.rules}
    assert {(tuple(r.verbs), tuple(r.groups), tuple(r.resources), tuple(r.names)) for r in RULES} <= rules


async def test_who_we_are(access: Access) -> None:
    user, groups = await access.whoami()
    assert user == "asker"
    assert "system:authenticated" in groups
