"""Fields that cannot be changed in place, kind by kind: a plan calls each a replacement, which needs consent."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from gitops import errors
from gitops.objects import Manifest
from gitops.plan.change import Action, Guard
from gitops.sync import story
from tests.cluster.bare import BareApiServer
from tests.integration import syncing

pytestmark = pytest.mark.integration

RBAC = "rbac.authorization.k8s.io"
POD = {"containers": [{"name": "main", "image": "i:1"}]}
LABELS = {"app": "x"}


def manifests(name: str) -> list[Manifest]:
    def made(kind: str, api: str = "v1", *, cluster: bool = False, **body: Any) -> Manifest:
        metadata = {"name": f"{name}-x"} if cluster else {"name": "x", "namespace": name}
        return {"apiVersion": api, "kind": kind, "metadata": metadata, **copy.deepcopy(body)}

    template = {"metadata": {"labels": LABELS}, "spec": POD}
    selected = {"selector": {"matchLabels": LABELS}, "template": template}
    job = {"template": {"spec": {**POD, "restartPolicy": "Never"}}}
    role = {"apiGroup": RBAC, "kind": "ClusterRole", "name": "view"}
    subjects = [{"kind": "User", "apiGroup": RBAC, "name": "pat"}]
    storage = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    disk = {"capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOnce"], "hostPath": {"path": "/a"}}
    return [
        syncing.namespace_of(name),
        made("ConfigMap", data={"a": "1"}, immutable=True),
        made("Secret", type="Opaque", data={"a": "MQ=="}),
        made("Service", spec={"selector": LABELS, "ports": [{"port": 80}], "clusterIP": "None"}),
        made("PersistentVolumeClaim", spec={**storage, "storageClassName": "a"}),
        made("PersistentVolume", cluster=True, spec=disk),
        made("Pod", spec=POD),
        made("Deployment", "apps/v1", spec={"replicas": 1, **selected}),
        made("StatefulSet", "apps/v1", spec={"serviceName": "x", **selected}),
        made("DaemonSet", "apps/v1", spec=selected),
        made("Job", "batch/v1", spec=job),
        made("RoleBinding", f"{RBAC}/v1", roleRef=role, subjects=subjects),
        made("ClusterRoleBinding", f"{RBAC}/v1", cluster=True, roleRef=role, subjects=subjects),
        made("StorageClass", "storage.k8s.io/v1", cluster=True, provisioner="a.example"),
        made("PriorityClass", "scheduling.k8s.io/v1", cluster=True, value=7),
        made("IngressClass", "networking.k8s.io/v1", cluster=True, spec={"controller": "a.example/c"}),
        made("RuntimeClass", "node.k8s.io/v1", cluster=True, handler="a"),
    ]


def changed(name: str) -> list[Manifest]:
    found = {one["kind"]: one for one in manifests(name)}
    found["ConfigMap"]["data"]["a"] = "2"
    found["Secret"]["type"] = "example.org/other"
    found["Service"]["spec"]["clusterIP"] = "10.0.0.77"
    found["PersistentVolumeClaim"]["spec"]["storageClassName"] = "b"
    found["PersistentVolume"]["spec"]["hostPath"]["path"] = "/b"
    found["Pod"]["spec"]["containers"][0]["command"] = ["other"]
    for kind in ("Deployment", "DaemonSet"):
        found[kind]["spec"]["selector"] = {"matchLabels": {"app": "y"}}
        found[kind]["spec"]["template"]["metadata"]["labels"] = {"app": "y"}
    found["StatefulSet"]["spec"]["serviceName"] = "y"
    found["Job"]["spec"]["template"]["spec"]["containers"][0]["image"] = "i:2"
    for kind in ("RoleBinding", "ClusterRoleBinding"):
        found[kind]["roleRef"]["name"] = "edit"
    found["StorageClass"]["provisioner"] = "b.example"
    found["PriorityClass"]["value"] = 8
    found["IngressClass"]["spec"]["controller"] = "b.example/c"
    found["RuntimeClass"]["handler"] = "b"
    return list(found.values())


async def test_every_immutable_field_is_a_replacement(bare: BareApiServer) -> None:
    name = syncing.fresh("fixed")
    async with syncing.connected(bare.kubeconfig, name) as sync:
        await sync.apply([one for one in manifests(name) if one["kind"] != "Pod"])
        bare.kubectl("create", "serviceaccount", "default", "-n", name)
        await sync.apply(manifests(name))
        wanted = changed(name)
        planned = await sync.plan(wanted)
        told = {one.ref.kind: (one.guard, one.why) for one in planned.plan.changes}
        assert {kind: why for kind, (guard, why) in told.items() if guard is not Guard.IMMUTABLE} == {}
        assert {why for _, why in told.values() if "\n" in why or len(why) > 400} == set()  # no dump of the object
        assert told.keys() == {one["kind"] for one in wanted} - {"Namespace"}
        with pytest.raises(errors.Refused):
            await story.carry_out(sync.means, planned)

        consent = frozenset({"rolebinding/x", f"clusterrolebinding/{name}-x", f"priorityclass/{name}-x", "pod/x"})
        some = [one for one in wanted if one["kind"] in {"RoleBinding", "ClusterRoleBinding", "PriorityClass", "Pod"}]
        kept = [one for one in manifests(name) if one["kind"] not in {some_["kind"] for some_ in some}]
        planned, _ = await sync.apply([*kept, *some], consent=consent)
        assert {one.action for one in planned.plan.changes} == {Action.REPLACE}
    assert bare.get("rolebinding", "x", "-n", name)["roleRef"]["name"] == "edit"
    bare.kubectl("delete", "namespace", name, "--wait=false")
