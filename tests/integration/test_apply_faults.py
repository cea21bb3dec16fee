"""What goes wrong while a plan is carried out, on a real API server."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from gitops import cluster, errors
from gitops.cluster.request import Request
from gitops.objects import Manifest, inventory, ref_of
from gitops.ports.objects import Objects
from gitops.ref import ResourceRef
from gitops.sync import inventories
from gitops.sync.means import Means
from tests.cluster.bare import BareApiServer
from tests.integration import syncing

pytestmark = pytest.mark.integration

MEBIBYTE = 1 << 20


def config_map(namespace: str, name: str, value: str = "1", **metadata: Any) -> Manifest:
    named = {"name": name, "namespace": namespace, **metadata}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": named, "data": {"a": value}}


def definition(group: str, plural: str) -> Manifest:
    """Definitions of one group that all claim the kind Thing: only the first is ever established."""
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{group}"},
        "spec": {
            "group": group,
            "scope": "Namespaced",
            "names": {"kind": "Thing", "plural": plural, "singular": plural.removesuffix("s")},
            "versions": [{"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}],
        },
    }


async def test_two_syncs_of_one_name_at_once_do_no_harm(bare: BareApiServer) -> None:
    name = syncing.fresh("twice")
    old = [syncing.namespace_of(name), *(config_map(name, f"c{i}") for i in range(4))]
    new = [old[0], *(config_map(name, f"c{i}", "2") for i in range(8))]
    async with syncing.connected(bare.kubeconfig, name) as one, syncing.connected(bare.kubeconfig, name) as other:
        await one.apply(old)
        ends = await asyncio.gather(one.apply(new), other.apply(new), return_exceptions=True)
        for end in ends:
            if isinstance(end, BaseException):
                assert isinstance(end, errors.GitOpsError), end
                assert all(isinstance(e, errors.VersionConflict | errors.PlanStale) for e in errors.singles(end))
        await one.apply(new)
        again = await other.plan(new)
        assert (again.plan.changes, again.plan.unchanged) == ((), len(new))
        assert set(again.stored.inventory.entries) == {ref_of(manifest) for manifest in new}


async def test_a_definition_that_is_never_established_stops_before_what_needs_it(bare: BareApiServer) -> None:
    name = syncing.fresh("unestablished")
    group = f"{name}.example.org"
    bare.kubectl("apply", "-f", "-", stdin=json.dumps(definition(group, "firsts")))
    try:
        wanted = [syncing.namespace_of(name), definition(group, "seconds"), config_map(name, "after")]
        async with syncing.connected(bare.kubeconfig, name, patience=3.0) as sync:
            with pytest.raises(errors.TimedOut, match=rf"seconds\.{group}"):
                await sync.apply(wanted)
            assert "after" not in bare.kubectl("get", "configmaps", "-n", name)
            bare.kubectl("delete", "crd", f"firsts.{group}")
            await _until_applied(sync, wanted)
            assert (await sync.plan(wanted)).plan.changes == ()
    finally:
        bare.kubectl("delete", "crd", f"firsts.{group}", f"seconds.{group}", "--ignore-not-found", "--wait=false")


async def _until_applied(sync: syncing.Sync, wanted: list[Manifest]) -> None:
    """The next pass goes on; the server takes a moment to establish what stood back until now."""
    for _ in range(20):
        try:
            await sync.apply(wanted)
        except errors.TimedOut:
            continue
        return
    pytest.fail("the definition was not established in a minute")


async def test_a_finalizer_that_holds_an_object_is_named_and_the_object_stays_ours(bare: BareApiServer) -> None:
    name = syncing.fresh("held")
    old = [syncing.namespace_of(name), config_map(name, "a"), config_map(name, "gone")]
    async with syncing.connected(bare.kubeconfig, name, patience=2.0) as sync:
        await sync.apply(old)
        hold = json.dumps({"metadata": {"finalizers": ["example.org/hold"]}})
        bare.kubectl("patch", "configmap", "gone", "-n", name, "--type=merge", "-p", hold)
        for _ in range(2):
            with pytest.raises(errors.TimedOut, match=r"gone: being deleted, finalizers: example\.org/hold"):
                await sync.apply(old[:2])
            owned = (await sync.plan(old[:2])).stored.inventory.entries
            assert ref_of(old[2]) in owned
        free = json.dumps({"metadata": {"finalizers": None}})
        bare.kubectl("patch", "configmap", "gone", "-n", name, "--type=merge", "-p", free)
        await sync.apply(old[:2])
        again = await sync.plan(old[:2])
        assert again.plan.changes == ()
        assert ref_of(old[2]) not in again.stored.inventory.entries


async def test_a_dependency_waits_for_health_on_the_real_thing(bare: BareApiServer) -> None:
    """No controller runs here: the Deployment never becomes available, and what depends on it is not written."""
    name = syncing.fresh("depends")
    labels = {"app": "d"}
    main = {"name": "main", "image": "registry.example/worker:1"}
    never = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "d", "namespace": name},
        "spec": {
            "replicas": 1,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [main]}},
        },
    }
    late = config_map(name, "late", annotations={"gitops-worker.io/wave": "1"})
    wanted = [syncing.namespace_of(name), never, late, config_map(name, "now")]
    async with syncing.connected(bare.kubeconfig, name, patience=2.0) as sync:
        with pytest.raises(errors.TimedOut, match=r"Deployment\.apps .*/d: ") as raised:
            await sync.apply(wanted)
        assert "late" in raised.value.hint
        found = bare.kubectl("get", "configmaps", "-n", name)
        assert "now" in found
        assert "late" not in found


async def test_a_large_inventory_is_in_objects_far_below_a_mebibyte(bare: BareApiServer) -> None:
    name = syncing.fresh("large")
    bare.kubectl("create", "namespace", name)
    refs = [ResourceRef(group="", kind="ConfigMap", namespace=name, name=f"{'c' * 60}-{i}") for i in range(20_000)]
    entries = {ref: inventory.Entry(version="v1", authored=ref) for ref in refs}
    async with syncing.connected(bare.kubeconfig, name) as sync:
        objects = sync.means.objects
        empty = await inventories.load(objects, name="it", namespace=name)
        many = inventory.Inventory(entries=entries, revision="main@sha1:1")
        stored = await inventories.save(objects, empty, many, name="it", namespace=name)
        sizes = [len(json.dumps(one)) for one in stored.shards.values()]
        assert len(sizes) > 1
        assert max(sizes) < MEBIBYTE * 3 // 4
        loaded = await inventories.load(objects, name="it", namespace=name)
        assert loaded.inventory == many
        few = inventory.Inventory(entries=dict(list(entries.items())[:10]), revision="main@sha1:2")
        await inventories.save(objects, loaded, few, name="it", namespace=name)
        last = await inventories.load(objects, name="it", namespace=name)
        assert last.inventory == few
        assert len(last.shards) == 1


async def test_a_large_apply_leaves_the_worker_room_in_the_servers_queues(bare: BareApiServer) -> None:
    """Priority and Fairness: few seats, short queues, one flow a user, as accounts have it in `workload-low`.

    Sixteen requests at once fit into a queue, so that nobody is turned away, and the worker's flow takes its turns.
    """
    name = syncing.fresh("room")
    users = {role: f"{name}-{role}" for role in ("reconciler", "worker")}
    for user in users.values():
        bare.kubectl("create", "clusterrolebinding", user, "--clusterrole=cluster-admin", f"--user={user}")
    level = {"type": "Queue", "queuing": {"queues": 8, "handSize": 2, "queueLengthLimit": 16}}
    flow = {"apiVersion": "flowcontrol.apiserver.k8s.io/v1", "metadata": {"name": name}}
    manifests = [
        {
            **flow,
            "kind": "PriorityLevelConfiguration",
            "spec": {"type": "Limited", "limited": {"nominalConcurrencyShares": 1, "limitResponse": level}},
        },
        {
            **flow,
            "kind": "FlowSchema",
            "spec": {
                "priorityLevelConfiguration": {"name": name},
                "matchingPrecedence": 100,
                "distinguisherMethod": {"type": "ByUser"},
                "rules": [
                    {
                        "subjects": [{"kind": "User", "user": {"name": user}} for user in users.values()],
                        "resourceRules": [
                            {
                                "verbs": ["*"],
                                "apiGroups": ["*"],
                                "resources": ["*"],
                                "namespaces": ["*"],
                                "clusterScope": True,
                            }
                        ],
                    }
                ],
            },
        },
    ]
    bare.kubectl("apply", "-f", "-", stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": manifests}))
    codes: list[int] = []

    def observe(_request: Request, code: int, _seconds: float) -> None:
        codes.append(code)

    async def ask(objects: Objects, stop: asyncio.Event) -> int:
        resource, count = await objects.resource("v1", "Namespace"), 0
        while not stop.is_set():
            await objects.get(resource, "", "default")
            count += 1
        return count

    wanted = [syncing.namespace_of(name), *(config_map(name, f"c{i}") for i in range(200))]
    try:
        async with (
            cluster.connect(
                cluster.load(kubeconfig=str(bare.user(users["worker"]))), component="w", observe=observe
            ) as w,
            cluster.connect(
                cluster.load(kubeconfig=str(bare.user(users["reconciler"]))), component="r", observe=observe
            ) as r,
        ):
            stop = asyncio.Event()
            worker = asyncio.create_task(ask(w.objects, stop))
            sync = syncing.Sync(means=Means(objects=r.objects, clock=r.clock), namespace=name)
            _, outcome = await sync.apply(wanted)
            stop.set()
            asked = await worker
    finally:
        bare.kubectl("delete", "flowschema,prioritylevelconfiguration", name)
    assert outcome.moved == len(wanted)
    assert 429 not in codes
    assert asked > len(wanted) // 10
