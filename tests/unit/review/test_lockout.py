"""A plan may take rights away only after everything that needs them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from gitops.objects import Manifest, inventory, ref_of
from gitops.plan.change import Action, Change, Guard, Plan
from gitops.plan.order import stage_of
from gitops.ref import ResourceRef
from gitops.review import lockout

RBAC = "rbac.authorization.k8s.io"
PLACES = {
    ("", "ConfigMap"): lockout.Place("", "configmaps"),
    (RBAC, "RoleBinding"): lockout.Place(RBAC, "rolebindings"),
    (RBAC, "Role"): lockout.Place(RBAC, "roles"),
}
WORKER = {
    "apiVersion": "gitops-worker.io/v1alpha1",
    "kind": "Worker",
    "metadata": {"name": "worker", "namespace": "home"},
    "spec": {"pools": ["linux"], "image": "gitops-worker:1"},
}


def role(namespace: str, verbs: list[str]) -> Manifest:
    rules = [{"apiGroups": [""], "resources": ["configmaps"], "verbs": verbs}]
    return {
        "apiVersion": f"{RBAC}/v1",
        "kind": "Role",
        "metadata": {"name": "writer", "namespace": namespace},
        "rules": rules,
    }


def binding(namespace: str) -> Manifest:
    return {
        "apiVersion": f"{RBAC}/v1",
        "kind": "RoleBinding",
        "metadata": {"name": "writer", "namespace": namespace},
        "roleRef": {"apiGroup": RBAC, "kind": "Role", "name": "writer"},
        "subjects": [{"kind": "ServiceAccount", "name": "worker", "namespace": "home"}],
    }


def settings(namespace: str) -> Manifest:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings", "namespace": namespace}}


def change(manifest: Manifest, action: Action) -> Change:
    ref = ref_of(manifest)
    desired: dict[str, Any] = {} if action is Action.DELETE else {"desired": manifest}
    return Change(
        ref=ref,
        api_version=manifest["apiVersion"],
        action=action,
        stage=stage_of(ref),
        authored=ref,
        uid="u",
        **desired,
    )


def guarded(live: list[Manifest], *changes: Change) -> Plan:
    plan = Plan(
        name="dev",
        namespace="home",
        revision="",
        changes=changes,
        unchanged=0,
        entries=dict[ResourceRef, inventory.Entry](),
    )
    return lockout.guard(plan, {ref_of(one): one for one in [WORKER, *live]}, PLACES, consent=frozenset())


ALL = ["get", "create", "patch", "update", "delete"]


def test_a_namespace_that_goes_as_a_whole_takes_its_binding_along() -> None:
    live = [role("ops", ALL), binding("ops"), settings("ops")]

    made = guarded(live, *(change(one, Action.DELETE) for one in live))

    assert made.refused == ()


def test_a_role_made_smaller_before_a_write_that_needs_it_is_refused() -> None:
    live = [role("ops", ALL), binding("ops"), settings("ops")]

    smaller = replace(
        change(role("ops", ["get"]), Action.UPDATE),
        patch=({"op": "replace", "path": "/rules/0/verbs", "value": ["get"]},),
    )
    made = guarded(live, smaller, change(settings("ops"), Action.UPDATE))

    assert [(one.ref.kind, one.guard) for one in made.refused] == [("Role", Guard.RIGHTS)]
    assert "would lose the right to patch configmaps in ops" in made.refused[0].why


def test_the_right_to_tell_how_it_ended_must_stay() -> None:
    live = [role("home", ALL), binding("home")]

    made = guarded(live, change(binding("home"), Action.DELETE))

    assert [one.ref.kind for one in made.refused] == ["RoleBinding"]
    assert "gitops uninstall" in made.refused[0].why
