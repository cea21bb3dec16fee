"""The `Objects` port: the fake and a real API server say the same."""

from __future__ import annotations

import copy
from collections.abc import AsyncIterator
from typing import Any

import pytest

from gitops import errors
from gitops.objects import Manifest
from gitops.ports.objects import DeleteOptions
from tests.contract import clusters
from tests.contract.clusters import Ground


@pytest.fixture(params=["memory", pytest.param("real", marks=pytest.mark.integration)])
async def ground(request: pytest.FixtureRequest) -> AsyncIterator[Ground]:
    if request.param == "memory":
        source = clusters.in_memory()
    else:
        source = clusters.real(request.getfixturevalue("bare").kubeconfig)
    async for made in source:
        yield made


def deployment(ground: Ground, **spec: Any) -> Manifest:
    labels = {"app": "d"}
    container = {"name": "c", "image": "x:1", "env": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "d", "namespace": ground.namespace},
        "spec": {
            "replicas": 1,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
            **spec,
        },
    }


async def test_a_kind_is_looked_up_by_its_version(ground: Ground) -> None:
    found = await ground.kind("apps/v1", "Deployment")
    assert (found.group, found.version, found.plural, found.namespaced) == ("apps", "v1", "deployments", True)
    policies = await ground.kind("networking.k8s.io/v1", "NetworkPolicy")
    assert (policies.plural, policies.api_version) == ("networkpolicies", "networking.k8s.io/v1")
    assert not (await ground.kind("rbac.authorization.k8s.io/v1", "ClusterRole")).namespaced


async def test_an_unserved_kind_is_said_to_be(ground: Ground) -> None:
    with pytest.raises(errors.KindUnknown, match=r"no Gadget in example\.com/v1"):
        await ground.kind("example.com/v1", "Gadget")


async def test_a_defined_kind_is_served(ground: Ground) -> None:
    definitions = await ground.kind("apiextensions.k8s.io/v1", "CustomResourceDefinition")
    group = f"{ground.namespace}.example.com"
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
    names = {"plural": "gadgets", "kind": "Gadget"}
    definition = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"gadgets.{group}"},
        "spec": {"group": group, "scope": "Namespaced", "names": names, "versions": [version]},
    }
    await ground.objects.apply(definitions, definition)
    found = None
    for _ in range(100):
        try:
            found = await ground.kind(f"{group}/v1", "Gadget")
            break
        except errors.KindUnknown:
            await clusters.a_moment()
    assert found is not None
    assert (found.plural, found.namespaced) == ("gadgets", True)


async def test_what_does_not_exist_is_none(ground: Ground) -> None:
    assert await ground.objects.get(await ground.kind("v1", "ConfigMap"), ground.namespace, "none") is None


async def test_apply_creates_then_changes_nothing(ground: Ground) -> None:
    kind = await ground.kind("v1", "ConfigMap")
    first = await ground.objects.apply(kind, ground.config_map("a", {"x": "1"}))
    again = await ground.objects.apply(kind, ground.config_map("a", {"x": "1"}))
    assert first.created
    assert not again.created
    assert again.object["metadata"] == first.object["metadata"]
    assert await ground.objects.get(kind, ground.namespace, "a") == again.object


async def test_apply_owns_what_it_says_and_removes_what_it_no_longer_says(ground: Ground) -> None:
    kind = await ground.kind("v1", "ConfigMap")
    first = await ground.objects.apply(kind, ground.config_map("a", {"x": "1", "y": "2"}, labels={"l": "1"}))
    assert clusters.owned_by(first.object) == {
        "f:data": {"f:x": {}, "f:y": {}},
        "f:metadata": {"f:labels": {"f:l": {}}},
    }
    second = await ground.objects.apply(kind, ground.config_map("a", {"x": "1"}))
    assert second.object["data"] == {"x": "1"}
    assert "labels" not in second.object["metadata"]
    assert clusters.owned_by(second.object) == {"f:data": {"f:x": {}}}


async def test_lists_merge_by_their_keys(ground: Ground) -> None:
    kind = await ground.kind("apps/v1", "Deployment")
    await ground.objects.apply(kind, deployment(ground))
    desired = deployment(ground)
    desired["spec"]["template"]["spec"]["containers"][0]["env"] = [{"name": "B", "value": "2"}]
    applied = await ground.objects.apply(kind, desired)
    env = applied.object["spec"]["template"]["spec"]["containers"][0]["env"]
    assert env == [{"name": "B", "value": "2"}]


async def test_a_dry_run_says_what_would_be_and_writes_nothing(ground: Ground) -> None:
    kind = await ground.kind("v1", "ConfigMap")
    would = await ground.objects.apply(kind, ground.config_map("a", {"x": "1"}), dry_run=True)
    assert would.created
    assert would.object["data"] == {"x": "1"}
    assert await ground.objects.get(kind, ground.namespace, "a") is None


async def test_anothers_field_is_a_conflict_until_forced(ground: Ground) -> None:
    kind = await ground.kind("v1", "ConfigMap")
    # A manager conflicts with its own Update entry: the create is one.
    await ground.objects.create(kind, ground.config_map("a", {"x": "1", "y": "1"}))
    with pytest.raises(errors.FieldConflict, match=r'conflict with "gitops-worker" using v1: \.data\.x') as caught:
        await ground.objects.apply(kind, ground.config_map("a", {"x": "2", "y": "1"}))
    assert [cause["field"] for cause in caught.value.causes] == [".data.x"]
    forced = await ground.objects.apply(kind, ground.config_map("a", {"x": "2", "y": "1"}), force=True)
    assert forced.object["data"] == {"x": "2", "y": "1"}
    assert clusters.owned_by(forced.object) == {"f:data": {"f:x": {}, "f:y": {}}}


async def test_an_equal_value_is_shared(ground: Ground) -> None:
    kind = await ground.kind("v1", "ConfigMap")
    await ground.objects.create(kind, ground.config_map("a", {"x": "1"}))
    applied = await ground.objects.apply(kind, ground.config_map("a", {"x": "1"}))
    assert not applied.created
    assert clusters.owned_by(applied.object) == {"f:data": {"f:x": {}}}
    assert clusters.owned_by(applied.object, operation="Update")


@pytest.mark.parametrize(
    "precondition",
    [{"resourceVersion": "1"}, {"uid": "00000000-0000-0000-0000-000000000000"}],
    ids=["version", "uid"],
)
async def test_a_precondition_that_does_not_hold_is_a_version_conflict(
    ground: Ground, precondition: dict[str, str]
) -> None:
    kind = await ground.kind("v1", "ConfigMap")
    await ground.objects.apply(kind, ground.config_map("a", {"x": "1"}))
    with pytest.raises(errors.VersionConflict):
        await ground.objects.apply(kind, ground.config_map("a", {"x": "2"}, **precondition))


async def test_a_uid_of_an_object_that_is_gone_is_a_version_conflict(ground: Ground) -> None:
    kind = await ground.kind("v1", "ConfigMap")
    with pytest.raises(errors.VersionConflict):
        await ground.objects.apply(kind, ground.config_map("a", uid="00000000-0000-0000-0000-000000000000"))


async def test_a_version_alone_of_an_object_that_is_gone_creates_it(ground: Ground) -> None:
    kind = await ground.kind("v1", "ConfigMap")
    assert (await ground.objects.apply(kind, ground.config_map("a", resourceVersion="1"))).created


async def test_a_namespace_that_does_not_exist_is_missing(ground: Ground) -> None:
    kind = await ground.kind("v1", "ConfigMap")
    stray = ground.config_map("a", namespace="no-such-namespace")
    with pytest.raises(errors.ObjectMissing, match="no-such-namespace"):
        await ground.objects.apply(kind, stray, dry_run=True)
    with pytest.raises(errors.ObjectMissing, match="no-such-namespace"):
        await ground.objects.create(kind, stray)


async def test_create_refuses_what_exists(ground: Ground) -> None:
    kind = await ground.kind("v1", "ConfigMap")
    made = await ground.objects.create(kind, ground.config_map("a"))
    assert made["metadata"]["uid"]
    with pytest.raises(errors.ObjectExists, match="already exists"):
        await ground.objects.create(kind, ground.config_map("a"))


async def test_a_generated_name_is_the_servers(ground: Ground) -> None:
    kind = await ground.kind("v1", "ConfigMap")
    manifest = ground.config_map("", generateName="some-")
    del manifest["metadata"]["name"]
    made = await ground.objects.create(kind, manifest)
    assert made["metadata"]["name"].startswith("some-")
    assert len(made["metadata"]["name"]) == len("some-") + 5


async def test_replace_needs_the_version_it_read(ground: Ground) -> None:
    kind = await ground.kind("v1", "ConfigMap")
    made = await ground.objects.create(kind, ground.config_map("a", {"x": "1"}))
    changed = await ground.objects.replace(kind, {**made, "data": {"x": "2"}})
    assert changed["data"] == {"x": "2"}
    assert changed["metadata"]["resourceVersion"] != made["metadata"]["resourceVersion"]
    with pytest.raises(errors.VersionConflict):
        await ground.objects.replace(kind, {**made, "data": {"x": "3"}})
    same = await ground.objects.replace(kind, changed)
    assert same["metadata"]["resourceVersion"] == changed["metadata"]["resourceVersion"]


async def test_replace_of_nothing_is_missing(ground: Ground) -> None:
    kind = await ground.kind("v1", "ConfigMap")
    with pytest.raises(errors.ObjectMissing):
        await ground.objects.replace(kind, ground.config_map("none", resourceVersion="1"))


async def test_status_is_written_apart_from_spec(ground: Ground) -> None:
    kind = await ground.kind("apps/v1", "Deployment")
    made = (await ground.objects.apply(kind, deployment(ground))).object
    wrote = await ground.objects.patch_status(
        kind, ground.namespace, "d", {"status": {"replicas": 3, "observedGeneration": 1}, "spec": {"replicas": 9}}
    )
    assert wrote["status"]["replicas"] == 3
    assert wrote["spec"]["replicas"] == 1
    assert wrote["metadata"]["generation"] == made["metadata"]["generation"] == 1
    applied = (await ground.objects.apply(kind, deployment(ground, replicas=2))).object
    assert applied["status"]["replicas"] == 3
    assert applied["metadata"]["generation"] == 2
    cleared = await ground.objects.patch_status(kind, ground.namespace, "d", {"status": {"replicas": None}})
    assert "replicas" not in cleared["status"]


@pytest.mark.parametrize("key", ["resourceVersion", "uid"])
async def test_status_can_be_written_on_condition(ground: Ground, key: str) -> None:
    kind = await ground.kind("apps/v1", "Deployment")
    made = (await ground.objects.apply(kind, deployment(ground))).object
    held = {"metadata": {key: made["metadata"][key]}, "status": {"replicas": 1}}
    await ground.objects.patch_status(kind, ground.namespace, "d", held)
    stale = {"metadata": {key: "1"}, "status": {"replicas": 2}}
    with pytest.raises(errors.VersionConflict):
        await ground.objects.patch_status(kind, ground.namespace, "d", stale)


async def test_status_of_nothing_is_missing(ground: Ground) -> None:
    kind = await ground.kind("apps/v1", "Deployment")
    with pytest.raises(errors.ObjectMissing):
        await ground.objects.patch_status(kind, ground.namespace, "none", {"status": {}})


async def test_delete_says_whether_there_was_something(ground: Ground) -> None:
    kind = await ground.kind("v1", "ConfigMap")
    await ground.objects.apply(kind, ground.config_map("a"))
    assert await ground.objects.delete(kind, ground.namespace, "a", options=DeleteOptions())
    assert not await ground.objects.delete(kind, ground.namespace, "a", options=DeleteOptions())


async def test_delete_on_condition(ground: Ground) -> None:
    kind = await ground.kind("v1", "ConfigMap")
    made = (await ground.objects.apply(kind, ground.config_map("a"))).object["metadata"]
    with pytest.raises(errors.VersionConflict):
        await ground.objects.delete(kind, ground.namespace, "a", options=DeleteOptions(uid="another"))
    with pytest.raises(errors.VersionConflict):
        await ground.objects.delete(kind, ground.namespace, "a", options=DeleteOptions(resource_version="1"))
    options = DeleteOptions(uid=made["uid"], resource_version=made["resourceVersion"])
    assert await ground.objects.delete(kind, ground.namespace, "a", options=options)


async def test_a_finalizer_holds_an_object_back(ground: Ground) -> None:
    kind = await ground.kind("v1", "ConfigMap")
    await ground.objects.create(kind, ground.config_map("a", finalizers=["example.com/hold"]))
    assert await ground.objects.delete(kind, ground.namespace, "a", options=DeleteOptions())
    held = await ground.objects.get(kind, ground.namespace, "a")
    assert held
    assert held["metadata"]["deletionTimestamp"]
    freed = copy.deepcopy(held)
    del freed["metadata"]["finalizers"]
    await ground.objects.replace(kind, freed)
    assert await ground.objects.get(kind, ground.namespace, "a") is None


async def test_a_pod_on_a_node_stays_until_its_kubelet_says_that_it_ended(ground: Ground) -> None:
    kind = await ground.kind("v1", "Pod")
    accounts = await ground.kind("v1", "ServiceAccount")
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "a", "namespace": ground.namespace}}
    await ground.objects.create(accounts, account)
    containers = [{"name": "main", "image": "none"}]
    spec = {"nodeName": "absent", "serviceAccountName": "a", "automountServiceAccountToken": False}
    metadata = {"name": "a", "namespace": ground.namespace}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": {**spec, "containers": containers}}
    await ground.objects.create(kind, pod)
    assert await ground.objects.delete(kind, ground.namespace, "a", options=DeleteOptions())
    # Its last status still comes, and is seen.
    await ground.objects.patch_status(kind, ground.namespace, "a", {"status": {"phase": "Failed"}})
    found = await ground.objects.get(kind, ground.namespace, "a")
    assert found is not None
    assert (found["status"]["phase"], "deletionTimestamp" in found["metadata"]) == ("Failed", True)
    assert await ground.objects.delete(kind, ground.namespace, "a", options=DeleteOptions(grace_seconds=0))
    assert await ground.objects.get(kind, ground.namespace, "a") is None


async def test_a_listing_is_complete_and_says_what_its_items_are(ground: Ground) -> None:
    kind = await ground.kind("v1", "ConfigMap")
    for name in ("a", "b", "c"):
        await ground.objects.apply(kind, ground.config_map(name, labels={"is": name, "all": "yes"}))
    listing = await ground.objects.list(kind, ground.namespace, labels="all=yes")
    assert [item["metadata"]["name"] for item in listing.items] == ["a", "b", "c"]
    assert {(item["apiVersion"], item["kind"]) for item in listing.items} == {("v1", "ConfigMap")}
    assert int(listing.resource_version) > 0


async def test_a_listing_takes_a_field(ground: Ground) -> None:
    kind = await ground.kind("v1", "ConfigMap")
    for name in ("a", "b"):
        await ground.objects.apply(kind, ground.config_map(name, labels={"all": "yes"}))
    listing = await ground.objects.list(kind, ground.namespace, fields="metadata.name=b")
    assert [item["metadata"]["name"] for item in listing.items] == ["b"]
    assert not (await ground.objects.list(kind, ground.namespace, labels="all=no", fields="metadata.name=b")).items
    events = await ground.kind("v1", "Event")
    for name, uid in (("one", "u-1"), ("two", "u-2")):
        regarding = {"kind": "Pod", "namespace": ground.namespace, "name": name, "uid": uid}
        metadata = {"name": name, "namespace": ground.namespace}
        await ground.objects.create(
            events, {"apiVersion": "v1", "kind": "Event", "metadata": metadata, "involvedObject": regarding}
        )
    told = await ground.objects.list(events, ground.namespace, fields="involvedObject.uid=u-2")
    assert [item["metadata"]["name"] for item in told.items] == ["two"]


@pytest.mark.parametrize(
    ("labels", "names"),
    [
        ("is=a", ["a"]),
        ("is==a,all", ["a"]),
        ("is!=a,all", ["b", "c"]),
        ("is in (a, c)", ["a", "c"]),
        ("is notin (a, c),all=yes", ["b"]),
        ("all,!is", []),
    ],
)
async def test_a_listing_takes_a_selector(ground: Ground, labels: str, names: list[str]) -> None:
    kind = await ground.kind("v1", "ConfigMap")
    for name in ("a", "b", "c"):
        await ground.objects.apply(kind, ground.config_map(name, labels={"is": name, "all": "yes"}))
    listing = await ground.objects.list(kind, ground.namespace, labels=labels)
    assert [item["metadata"]["name"] for item in listing.items] == names
