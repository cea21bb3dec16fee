"""Effective rights before and after, what is dangerous about them, and plans that would lock their reconciler out."""

from __future__ import annotations

from typing import Any

import pytest

from gitops.objects import Manifest, ref_of
from gitops.plan.change import Action, Change, Guard, Plan
from gitops.plan.order import stage_of
from gitops.ref import ResourceRef
from gitops.review import escalation, lockout, rbac, rights
from gitops.review.rbac import GROUP, Account, Permission

ROBOT = Account("ServiceAccount", "shop", "robot")


def role(*rules: dict[str, Any], kind: str = "Role", name: str = "robot", namespace: str = "shop") -> Manifest:
    metadata = {"name": name, **({"namespace": namespace} if kind == "Role" else {})}
    return {"apiVersion": f"{GROUP}/v1", "kind": kind, "metadata": metadata, "rules": list(rules)}


def rule(resource: str, *verbs: str, group: str = "", **more: Any) -> dict[str, Any]:
    return {"apiGroups": [group], "resources": [resource], "verbs": list(verbs), **more}


def binding(
    kind: str = "RoleBinding", to: str = "Role", name: str = "robot", account: Account = ROBOT, namespace: str = "shop"
) -> Manifest:
    metadata = {"name": name, **({"namespace": namespace} if kind == "RoleBinding" else {})}
    subject = {"kind": account.kind, "name": account.name, "namespace": account.namespace}
    return {
        "apiVersion": f"{GROUP}/v1",
        "kind": kind,
        "metadata": metadata,
        "roleRef": {"apiGroup": GROUP, "kind": to, "name": name},
        "subjects": [subject],
    }


def among(*manifests: Manifest) -> dict[ResourceRef, Manifest]:
    return {ref_of(one): one for one in manifests}


def test_a_role_binding_gives_a_cluster_roles_rights_in_its_namespace_only() -> None:
    found = rbac.effective(among(role(rule("pods", "get"), kind="ClusterRole"), binding(to="ClusterRole")))
    assert found.rights[ROBOT] == {Permission("shop", "", "pods", "", "get")}
    everywhere = among(role(rule("pods", "get"), kind="ClusterRole"), binding("ClusterRoleBinding", "ClusterRole"))
    assert rbac.effective(everywhere).rights[ROBOT] == {Permission("", "", "pods", "", "get")}


def test_a_bound_role_nobody_read_is_unknown_not_empty() -> None:
    found = rbac.effective(among(binding()))
    assert found.unknown == {ResourceRef(group=GROUP, kind="Role", namespace="shop", name="robot")}


def test_rights_of_several_bindings_add_up() -> None:
    one = among(role(rule("pods", "get")), binding())
    other = among(role(rule("secrets", "get"), name="more"), binding(name="more"))
    assert {right.resource for right in rbac.effective({**one, **other}).rights[ROBOT]} == {"pods", "secrets"}


@pytest.mark.parametrize(
    ("held", "wanted", "covered"),
    [
        (Permission("", "", "pods", "", "get"), Permission("shop", "", "pods", "", "get"), True),
        (Permission("shop", "", "pods", "", "get"), Permission("", "", "pods", "", "get"), False),
        (Permission("shop", "", "*", "", "*"), Permission("shop", "", "pods/exec", "", "create"), True),
        (Permission("shop", "apps", "*", "", "*"), Permission("shop", "", "pods", "", "get"), False),
        (Permission("shop", "", "*/scale", "", "get"), Permission("shop", "", "things/scale", "", "get"), True),
        (Permission("shop", "", "pods", "a", "get"), Permission("shop", "", "pods", "", "get"), False),
        (Permission("shop", "", "pods", "", "get"), Permission("shop", "", "pods", "a", "get"), True),
        (Permission("", rbac.URL, "/logs/*", "", "get"), Permission("", rbac.URL, "/logs/x", "", "get"), True),
        (Permission("", "*", "*", "", "*"), Permission("", rbac.URL, "/logs", "", "get"), False),
    ],
)
def test_what_covers_what(held: Permission, wanted: Permission, covered: bool) -> None:  # noqa: FBT001
    assert rbac.covers({held}, wanted) is covered


def test_what_a_wildcard_covered_already_is_no_gain() -> None:
    before = among(role(rule("*", "*")), binding())
    after = among(role(rule("*", "*"), rule("secrets", "get")), binding())
    (moved,) = rbac.compare(before, after)
    assert moved.gained == frozenset()


@pytest.mark.parametrize(
    ("permission", "words"),
    [
        (Permission("s", "", "secrets", "", "list"), "every Secret"),
        (Permission("s", "", "secrets", "key", "get"), "the Secret key"),
        (Permission("s", "", "*", "", "get"), "wildcard: every resource"),
        (Permission("s", "", "pods", "", "*"), "wildcard: every verb"),
        (Permission("", GROUP, "clusterroles", "", "escalate"), "rights it does not hold"),
        (Permission("", GROUP, "clusterroles", "", "bind"), "rights it does not hold"),
        (Permission("", "", "users", "", "impersonate"), "act as somebody else"),
        (Permission("s", "", "pods/exec", "", "create"), "gets into running pods"),
        (Permission("s", "", "serviceaccounts/token", "", "create"), "tokens of any account"),
    ],
)
def test_what_lets_an_account_get_more_is_said(permission: Permission, words: str) -> None:
    assert words in escalation.why(permission)


@pytest.mark.parametrize(
    "permission",
    [
        Permission("s", "", "pods", "", "create"),
        Permission("s", "", "configmaps", "", "get"),
        Permission("s", "", "secrets", "", "delete"),
        Permission("s", GROUP, "roles", "", "create"),
        Permission("", rbac.URL, "/metrics", "", "get"),
    ],
)
def test_ordinary_rights_are_no_escalation(permission: Permission) -> None:
    assert escalation.why(permission) == ""


def change(wanted: Manifest | None, ref: ResourceRef, action: Action, **more: Any) -> Change:
    version = f"{ref.group}/v1" if ref.group else "v1"
    return Change(
        ref=ref, api_version=version, action=action, stage=stage_of(ref), authored=ref, desired=wanted, **more
    )


def rules_patch(*rules: dict[str, Any]) -> tuple[dict[str, Any], ...]:
    return ({"op": "replace", "path": "/rules", "value": list(rules)},)


def test_a_review_gathers_verbs_and_puts_escalations_first() -> None:
    live = among(role(rule("pods", "get")), binding())
    wider = role(rule("pods", "get", "list", "create"), rule("secrets", "get"))
    found = change(wider, ref_of(wider), Action.UPDATE, patch=rules_patch(*wider["rules"]), verified=True)

    (review,) = rights.review(live, [found])

    assert review.account == ROBOT
    assert [(one.resource, one.verbs, bool(one.why)) for one in review.gained] == [
        ("secrets", ("get",), True),
        ("pods", ("list", "create"), False),
    ]
    assert review.grantable == "yes"


def test_a_refused_grant_is_reviewed_and_said_to_be_refused() -> None:
    made, bound = role(rule("*", "*")), binding()
    changes = [
        change(made, ref_of(made), Action.REFUSE, guard=Guard.DENIED, why="attempting to grant RBAC permissions"),
        change(bound, ref_of(bound), Action.CREATE),
    ]

    (review,) = rights.review({}, changes)

    assert review.grantable == "no"
    assert "attempting to grant" in review.refusal
    assert len(review.escalations) == 1


def test_no_right_moves_no_review() -> None:
    pod = ResourceRef(group="", kind="Pod", namespace="shop", name="x")
    assert rights.review(among(role(rule("pods", "get")), binding()), [change(None, pod, Action.DELETE)]) == ()


WORKER: Manifest = {
    "apiVersion": "gitops-worker.io/v1alpha1",
    "kind": "Worker",
    "metadata": {"name": "main", "namespace": "ci"},
    "spec": {"pools": ["linux"], "image": "x"},
}
MAIN = Account("ServiceAccount", "ci", "main")
HOME = (
    rule("configmaps", "get", "update", "patch"),
    rule("gitsyncs", "get", "list", "watch", group="gitops-worker.io"),
    rule("gitsyncs/status", "patch", group="gitops-worker.io"),
)
PLACES = {("", "ConfigMap"): lockout.Place("", "configmaps")}


def plan(*changes: Change, namespace: str = "ci") -> Plan:
    return Plan(name="it", namespace=namespace, revision="r", changes=changes, unchanged=0, entries={})


def live() -> dict[ResourceRef, Manifest]:
    return among(WORKER, role(*HOME, namespace="ci"), binding(account=MAIN, namespace="ci"))


def test_a_plan_that_deletes_its_reconcilers_binding_is_refused() -> None:
    bound = ref_of(binding(namespace="ci"))
    made = plan(change(None, bound, Action.DELETE))

    guarded = lockout.guard(made, live(), PLACES, consent=frozenset())

    (refused,) = guarded.refused
    assert refused.guard is Guard.RIGHTS
    assert "ServiceAccount ci/main" in refused.why
    assert "configmaps" in refused.why
    assert guarded.digest != made.digest


def test_a_right_the_rest_of_the_plan_needs_may_not_go() -> None:
    narrower = role(rule("configmaps", "get", "update"), *HOME[1:], namespace="ci")
    roles = change(narrower, ref_of(narrower), Action.UPDATE, patch=rules_patch(*narrower["rules"]))
    config = ResourceRef(group="", kind="ConfigMap", namespace="ci", name="settings")
    update = change({}, config, Action.UPDATE)

    assert lockout.guard(plan(roles), live(), PLACES, consent=frozenset()).refused == ()
    (refused,) = lockout.guard(plan(roles, update), live(), PLACES, consent=frozenset()).refused
    assert refused.ref == roles.ref
    assert "patch configmaps" in refused.why


def test_consent_to_the_binding_lets_it_go() -> None:
    bound = ref_of(binding(namespace="ci"))
    made = plan(change(None, bound, Action.DELETE))
    assert lockout.guard(made, live(), PLACES, consent=frozenset({"rolebinding/robot"})).refused == ()


def test_rights_that_stay_through_another_binding_are_not_lost() -> None:
    twice = {
        **live(),
        **among(role(*HOME, namespace="ci", name="more"), binding(account=MAIN, namespace="ci", name="more")),
    }
    made = plan(change(None, ref_of(binding(namespace="ci")), Action.DELETE))
    assert lockout.guard(made, twice, PLACES, consent=frozenset()) is made


def test_without_a_worker_nobody_is_locked_out() -> None:
    objects = among(role(*HOME, namespace="ci"), binding(account=MAIN, namespace="ci"))
    made = plan(change(None, ref_of(binding(namespace="ci")), Action.DELETE))
    assert lockout.guard(made, objects, PLACES, consent=frozenset()) is made
