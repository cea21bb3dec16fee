"""Hand edits, refusals, missing rights, outages and kills on a real API server."""

from __future__ import annotations

import asyncio
import copy
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gitops import errors
from gitops.objects import Manifest, ref_of
from gitops.plan.change import Action, Guard
from gitops.plan.drift import Manner, Severity
from gitops.ports.objects import Applied, DeleteOptions, Listing, Objects, Resource
from gitops.sync import story
from gitops.sync.means import Means
from tests.cluster import webhook
from tests.cluster.bare import BareApiServer
from tests.integration import syncing

pytestmark = pytest.mark.integration

RBAC = "rbac.authorization.k8s.io/v1"


def config_map(namespace: str, name: str, **data: str) -> Manifest:
    metadata = {"name": name, "namespace": namespace}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data or {"a": "1"}}


def deployment(namespace: str, **container: Any) -> Manifest:
    main = {"name": "main", "image": "registry.example/worker:1", "env": [{"name": "A", "value": "1"}], **container}
    labels = {"app": "worker"}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "worker", "namespace": namespace},
        "spec": {
            "replicas": 0,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [main]}},
        },
    }


def patch(server: BareApiServer, namespace: str, name: str, value: Any, *, manager: str = "kubectl-edit") -> None:
    options = (f"--field-manager={manager}", "--type=strategic", "-p", json.dumps(value))
    server.kubectl("patch", "deployment", name, "-n", namespace, *options)


async def test_a_hand_edit_is_found_with_manager_and_path_and_is_taken_back(bare: BareApiServer) -> None:
    name = syncing.fresh("edit")
    wanted = [syncing.namespace_of(name), deployment(name)]
    async with syncing.connected(bare.kubeconfig, name) as sync:
        await sync.apply(wanted)
        container = {"name": "main", "image": "registry.example/evil:1", "env": [{"name": "A", "value": "2"}]}
        sidecar = {"name": "side", "image": "x"}
        spec = {"replicas": 3, "template": {"spec": {"containers": [container, sidecar], "hostNetwork": True}}}
        patch(bare, name, "worker", {"spec": spec})

        found = await sync.drift(wanted)
        # A strategic merge puts a new item first; blame and path follow the items to where they are now.
        told = {one.path: (one.manner, one.severity, one.desired, one.live) for one in found.drifts}
        pod = "/spec/template/spec"
        assert {one.manager for drift in found.drifts for one in drift.owners} == {"kubectl-edit"}
        assert all(owner.certain and owner.operation == "Update" for one in found.drifts for owner in one.owners)
        assert told["/spec/replicas"] == (Manner.CHANGED, Severity.CAPACITY, 0, 3)
        changed = {key: one[2:] for key, one in told.items() if key.endswith(("/image", "/value"))}
        assert set(changed.values()) == {("registry.example/worker:1", "registry.example/evil:1"), ("1", "2")}
        assert told[f"{pod}/hostNetwork"][:2] == (Manner.ADDED, Severity.SECURITY)
        assert sum(1 for one in told.values() if one[0] is Manner.ADDED) == 2

        unforced = await sync.plan(wanted)
        assert [(one.action, one.guard) for one in unforced.plan.changes] == [(Action.REFUSE, Guard.CONFLICT)]
        assert "kubectl-edit" in unforced.plan.changes[0].why

        planned, outcome = await sync.apply(wanted, force=True)
        assert {one.manager for one in planned.plan.changes[0].taken} == {"kubectl-edit"}
        assert outcome.moved == 1
        # What somebody else added cannot be applied away: it is still said, and it is all that is.
        left = await sync.drift(wanted)
        assert {one.manner for one in left.drifts} == {Manner.ADDED}
        assert (await sync.plan(wanted)).plan.changes == ()


async def test_a_removal_by_hand_names_candidates_only(bare: BareApiServer) -> None:
    name = syncing.fresh("removal")
    wanted = [
        syncing.namespace_of(name),
        deployment(name, env=[{"name": "A", "value": "1"}, {"name": "B", "value": "1"}]),
    ]
    async with syncing.connected(bare.kubeconfig, name) as sync:
        await sync.apply(wanted)
        env = [{"name": "B", "$patch": "delete"}]
        patch(bare, name, "worker", {"spec": {"template": {"spec": {"containers": [{"name": "main", "env": env}]}}}})
        (found,) = (await sync.drift(wanted)).drifts
        assert (found.manner, found.path) == (Manner.REMOVED, "/spec/template/spec/containers/0/env/1")
        assert not any(one.certain for one in found.owners)
        planned, _ = await sync.apply(wanted)
        assert [one.action for one in planned.plan.changes] == [Action.UPDATE]
        assert (await sync.drift(wanted)).drifts == ()


async def test_an_immutable_field_is_a_replacement_with_consent(bare: BareApiServer) -> None:
    name = syncing.fresh("immutable")
    fixed = {**config_map(name, "fixed"), "immutable": True}
    old = [syncing.namespace_of(name), deployment(name), fixed]
    new = copy.deepcopy(old)
    new[1]["spec"]["selector"]["matchLabels"] = {"app": "other"}
    new[1]["spec"]["template"]["metadata"]["labels"] = {"app": "other"}
    new[2]["data"] = {"a": "2"}
    async with syncing.connected(bare.kubeconfig, name) as sync:
        await sync.apply(old)
        planned = await sync.plan(new)
        assert {one.ref.kind: one.guard for one in planned.plan.changes} == {
            "Deployment": Guard.IMMUTABLE,
            "ConfigMap": Guard.IMMUTABLE,
        }
        with pytest.raises(errors.Refused, match=r"consent by naming deployment/worker"):
            await story.carry_out(sync.means, planned)
        consent = frozenset({"deployment/worker", "configmap/fixed"})
        planned, outcome = await sync.apply(new, consent=consent)
        assert {one.action for one in planned.plan.changes} == {Action.REPLACE}
        assert outcome.moved == 2
        assert (await sync.plan(new)).plan.changes == ()


async def test_who_may_only_read_gets_a_plan_marked_unverified_and_cannot_apply(bare: BareApiServer) -> None:
    name = syncing.fresh("viewer")
    old = [syncing.namespace_of(name), config_map(name, "a"), config_map(name, "b")]
    new = [old[0], config_map(name, "a", a="2"), old[2], config_map(name, "c")]
    async with syncing.connected(bare.kubeconfig, name) as sync:
        await sync.apply(old)
    async with syncing.connected(bare.viewer, name) as sync:
        same = await sync.plan(old)
        assert (same.plan.changes, same.plan.unchanged) == ((), 3)
        planned = await sync.plan(new)
        assert [(one.action, one.ref.name, one.verified) for one in planned.plan.changes] == [
            (Action.UPDATE, "a", False),
            (Action.CREATE, "c", False),
        ]
        assert "no right to ask the server" in planned.plan.changes[0].why
        assert planned.plan.changes[0].patch == ({"op": "replace", "path": "/data/a", "value": "2"},)
        assert (await sync.drift(old)).drifts == ()
        with pytest.raises(errors.ClusterDenied, match='User "viewer" cannot') as raised:
            await story.carry_out(sync.means, planned)
        assert raised.value.exit_code == 4
        secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s", "namespace": name}, "data": {}}
        blind = await sync.plan([*old, secret])
        assert [one.guard for one in blind.plan.changes] == [Guard.DENIED]
        assert list((await sync.drift([*old, secret])).unreadable) == [ref_of(secret)]
    async with syncing.connected(bare.kubeconfig, name) as sync:
        assert (await sync.plan(old)).plan.changes == ()


async def test_rights_the_plan_itself_gives_are_used_by_it(bare: BareApiServer) -> None:
    """An account that may write roles and bindings, but objects of a namespace only through a binding of the plan."""
    name = syncing.fresh("rights")
    home, inside = f"{name}-home", f"{name}-inside"
    bare.kubectl("create", "namespace", home)
    rules = [
        {"apiGroups": [""], "resources": ["namespaces"], "verbs": ["get", "list", "create", "patch"]},
        {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get", "list"]},
        {"apiGroups": ["rbac.authorization.k8s.io"], "resources": ["roles", "rolebindings"], "verbs": ["*"]},
    ]
    write = {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get", "list", "create", "patch", "update"]}
    manifests: list[Manifest] = [
        {"apiVersion": RBAC, "kind": "ClusterRole", "metadata": {"name": name}, "rules": rules},
        _binding("ClusterRoleBinding", {"name": name}, {"kind": "ClusterRole", "name": name}, name),
        {"apiVersion": RBAC, "kind": "Role", "metadata": {"name": name, "namespace": home}, "rules": [write]},
        _binding("RoleBinding", {"name": name, "namespace": home}, {"kind": "Role", "name": name}, name),
    ]
    bare.kubectl("apply", "-f", "-", stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": manifests}))
    wanted = [
        syncing.namespace_of(inside),
        {"apiVersion": RBAC, "kind": "Role", "metadata": {"name": "r", "namespace": inside}, "rules": [write]},
        _binding("RoleBinding", {"name": "r", "namespace": inside}, {"kind": "Role", "name": "r"}, name),
        config_map(inside, "a"),
    ]
    async with syncing.connected(bare.user(name), home) as sync:
        _, outcome = await sync.apply(wanted)
        assert outcome.moved == 4
        assert (await sync.plan(wanted)).plan.changes == ()


def _binding(kind: str, metadata: dict[str, str], role: dict[str, str], user: str) -> Manifest:
    return {
        "apiVersion": RBAC,
        "kind": kind,
        "metadata": metadata,
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", **role},
        "subjects": [{"kind": "User", "name": user, "apiGroup": "rbac.authorization.k8s.io"}],
    }


async def test_a_definition_and_its_objects_in_one_plan(bare: BareApiServer) -> None:
    """Several times: the server serves a new kind a moment after it says so."""
    for _ in range(3):
        name = syncing.fresh("kind")
        kinds = {"CustomResourceDefinition", "Thing", "Namespace"}
        wanted = [one for one in syncing.kinds(name) if one["kind"] in kinds]
        async with syncing.connected(bare.kubeconfig, name) as sync:
            _, outcome = await sync.apply(wanted)
            assert outcome.moved == 3
            assert [(one.patch, one.why) for one in (await sync.plan(wanted)).plan.changes] == []


@pytest.fixture
def own(tmp_path: Path) -> Iterator[BareApiServer]:
    with BareApiServer(tmp_path) as server:
        yield server


class Gate:
    """Objects of a real server, with something done at one of the requests."""

    def __init__(self, objects: Objects, place: int, act: Any) -> None:
        self._objects = objects
        self._left = place
        self._act = act
        self.count = 0

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._objects, name)

        async def call(*args: Any, **options: Any) -> Applied | Listing | Manifest | Resource | bool | None:
            self.count += name != "resource"
            if self.count == self._left and name != "resource":
                await self._act()
            found: Applied | Listing | Manifest | Resource | bool | None = await method(*args, **options)
            return found

        return call


def _thirty(name: str) -> list[Manifest]:
    inside = [config_map(f"{name}-in", f"c{i}") for i in range(14)]
    return [
        *(syncing.namespace_of(one) for one in (name, f"{name}-in")),
        *inside,
        *(config_map(name, f"h{i}") for i in range(14)),
    ]


async def test_an_api_server_that_goes_away_in_the_middle_and_comes_back(own: BareApiServer) -> None:
    name = syncing.fresh("away")
    wanted = _thirty(name)
    async with syncing.connected(own.kubeconfig, name) as sync:
        gate = Gate(sync.means.objects, 20, lambda: asyncio.to_thread(own.stop))
        means = Means(objects=gate, clock=sync.means.clock, patience=5.0)
        broken = syncing.Sync(means=means, namespace=name)
        with pytest.raises((errors.ClusterUnavailable, errors.SeveralErrors)) as raised:
            await broken.apply(wanted)
        assert raised.value.retry
        assert raised.value.exit_code == 3
        await asyncio.to_thread(own.start)
        await sync.apply(wanted)
        again = await sync.plan(wanted)
        assert (again.plan.changes, again.plan.unchanged) == ((), 30)
        assert set(again.stored.inventory.entries) == {ref_of(one) for one in wanted}


class Killed(BaseException):
    """The process ends here."""


async def _die() -> None:
    raise Killed


async def test_killed_at_every_request_the_next_run_finishes(bare: BareApiServer) -> None:
    """Every place of a plan of thirty objects, several at once, each in namespaces of its own."""
    places = await syncing.at_every_place(lambda place: _killed_at(bare, place))
    assert places > 2 * len(_thirty("any"))


async def _killed_at(bare: BareApiServer, place: int) -> bool:
    """Whether the plan came to its end before that place."""
    name = syncing.fresh("killed")
    wanted = _thirty(name)
    async with syncing.connected(bare.kubeconfig, name, patience=60.0) as sync:
        gate = Gate(sync.means.objects, place, _die)
        broken = syncing.Sync(means=replace(sync.means, objects=gate), namespace=name)
        try:
            await broken.apply(wanted)
        except (Killed, BaseExceptionGroup):
            finished = False
        else:
            finished = True
        await sync.apply(wanted)
        again = await sync.plan(wanted)
        assert (again.plan.changes, again.plan.unchanged) == ((), 30)
        assert set(again.stored.inventory.entries) == {ref_of(one) for one in wanted}
    return finished


async def test_an_object_deleted_and_made_again_under_the_plan(bare: BareApiServer) -> None:
    name = syncing.fresh("again")
    old, new = ([syncing.namespace_of(name), config_map(name, "a", a=value)] for value in ("1", "2"))
    async with syncing.connected(bare.kubeconfig, name) as sync:
        await sync.apply(old)
        planned = await sync.plan(new)
        resource = await sync.means.objects.resource("v1", "ConfigMap")
        await sync.means.objects.delete(resource, name, "a", options=DeleteOptions())
        with pytest.raises(errors.PlanStale, match="was deleted meanwhile"):
            await story.carry_out(sync.means, planned, healthy=False)
        bare.kubectl("create", "configmap", "a", "-n", name, "--from-literal=a=theirs")
        with pytest.raises(errors.PlanStale, match="made again meanwhile"):
            await story.carry_out(sync.means, planned, healthy=False)
        assert "theirs" in bare.kubectl("get", "configmap", "a", "-n", name, "-o", "yaml")


async def test_a_webhook_that_is_down_stops_the_plan_before_any_write(bare: BareApiServer) -> None:
    name = syncing.fresh("hook")
    made = webhook.configuration(name, {"url": "https://127.0.0.1:1/"})
    checked = config_map(name, "checked")
    checked["metadata"]["labels"] = {"checked": "yes"}
    async with syncing.connected(bare.kubeconfig, name) as sync:
        await sync.apply([syncing.namespace_of(name)])
        bare.kubectl("apply", "-f", "-", stdin=json.dumps(made))
        try:
            await asyncio.sleep(1)  # the server learns of a webhook by a watch
            with pytest.raises(errors.ClusterError, match=r"teams\.example\.org"):
                await sync.apply([syncing.namespace_of(name), config_map(name, "other"), checked])
            assert "other" not in bare.kubectl("get", "configmaps", "-n", name)
        finally:
            bare.kubectl("delete", webhook.KIND.lower(), name)
