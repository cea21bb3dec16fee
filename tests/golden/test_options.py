"""What each option of a pool or worker changes: in what it expands to, and in the pod of an operation.

One file per option with the objects that are new or different; GITOPS_REGENERATE=1 writes them anew.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from gitops import api, expand, yaml
from gitops.api import crds
from gitops.api.operation import OperationSpec
from gitops.lint import validate
from gitops.objects import Manifest, ref_of
from gitops.pods import render

GOLDEN = Path(__file__).parent / "expansion" / "options"
RUNNER = {"start": b"#!/bin/sh\n", "runner-amd64": b"amd64", "runner-arm64": b"arm64"}
RULE = {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get"]}
POOL_OPTIONS: dict[str, dict[str, Any]] = {
    "image": {"image": "worker-tools:2"},
    "imagePullPolicy": {"imagePullPolicy": "Always"},
    "imagePullSecrets": {"imagePullSecrets": ["registry"]},
    "resources": {"resources": {"requests": {"cpu": "1", "memory": "1Gi"}, "limits": {"memory": "2Gi"}}},
    "maxOperations": {"maxOperations": 50},
    "suspended": {"suspended": True},
    "namespace": {"namespace": "builds"},
    "timeouts": {"timeouts": {"run": "1h", "grace": "1m"}},
    "serviceAccount": {"serviceAccount": {"name": "builder", "annotations": {"cloud.example/role": "builder"}}},
    "serviceAccount-existing": {"serviceAccount": {"create": False, "name": "builder"}},
    "rbac-none": {"rbac": {"profile": "none"}},
    "rbac-custom": {
        "rbac": {"profile": "custom", "rules": [RULE], "clusterRules": [RULE], "targetNamespaces": ["apps"]}
    },
    "podTemplate": {
        "podTemplate": {"spec": {"nodeSelector": {"disk": "fast"}, "tolerations": [{"operator": "Exists"}]}}
    },
    "workspace": {"workspace": {"sizeLimit": "10Gi"}},
    "podSecurity": {"podSecurity": "restricted"},
    "egress": {
        "egress": {
            "mode": "restricted",
            "allow": [
                {"cidr": "10.0.0.0/8", "except": ["10.1.0.0/16"], "ports": [{"port": 443}]},
                {"namespace": "registry"},
            ],
        }
    },
    "canary": {"canary": {"enabled": True, "script": "helm version\n"}},
    "drain": {"drain": {"maxWait": "30m"}},
    "retry": {"retry": {"attempts": 1}},
    "ttlAfterFinished": {"ttlAfterFinished": "24h"},
    "mirrors": {"mirrors": {"docker.io": "mirror.example/hub"}},
    "architectures": {"architectures": ["arm64"]},
    "proxy": {"proxy": {"name": "proxy"}},
    "logs": {"logs": {"maxSize": "100Mi"}},
    "ca": {"ca": {"name": "trust", "key": "ca.crt"}},
    "allow": {"allow": {"images": ["registry.example/*"], "resources": {"memory": "4Gi"}}},
}
WORKER_OPTIONS: dict[str, dict[str, Any]] = {
    "image": {"image": "gitops-worker:2"},
    "imagePullPolicy": {"imagePullPolicy": "Always"},
    "imagePullSecrets": {"imagePullSecrets": ["registry"]},
    "resources": {"resources": {"requests": {"cpu": "1"}}},
    "replicas": {"replicas": 2},
    "commitRules": {"commitRules": [RULE]},
    "topology": {"topology": "split"},
    "logStore": {"logStore": {"claimName": "logs"}},
    "logStore-bucket": {
        "logStore": {
            "bucket": {
                "name": "operation-logs",
                "prefix": "team",
                "endpoint": "https://s3.example",
                "region": "eu-1",
                "credentials": {"name": "log-store"},
                "ca": {"name": "authorities", "key": "ca.crt"},
            },
            "retention": {"maxAge": "24h", "maxBytes": "1Gi"},
        }
    },
    "podTemplate": {"podTemplate": {"spec": {"priorityClassName": "high"}}},
}
CASES = [
    *(("WorkerPool", name, spec) for name, spec in POOL_OPTIONS.items()),
    *(("Worker", name, spec) for name, spec in WORKER_OPTIONS.items()),
]


def ours(kind: str, name: str, spec: dict[str, Any]) -> Manifest:
    metadata = {"name": name, "namespace": "ci"}
    return {"apiVersion": api.API_VERSION, "kind": kind, "metadata": metadata, "spec": spec}


def made(kind: str = "", more: dict[str, Any] | None = None) -> dict[str, Manifest]:
    """Everything an installation of one pool becomes, and the pod of one operation, by identity."""
    added = {kind: more or {}}
    pool = ours("WorkerPool", "linux", {"image": "worker-tools:1", **added.get("WorkerPool", {})})
    worker = ours("Worker", "main", {"image": "gitops-worker:1", "pools": ["linux"], **added.get("Worker", {})})
    for one in (pool, worker):
        assert list(validate.violations(one)) == []
    grown = [one.manifest for one in expand.expand([pool, worker], context=expand.Context(runner=RUNNER))]
    found = {str(ref_of(one)): one for one in [*grown[2:], pod(pool)]}
    return {ref.replace("Pod builds/", "Pod ci-linux-ops/"): one for ref, one in found.items()}


def pod(pool: Manifest) -> Manifest:
    metadata = api.Metadata(name="build", namespace="ci", uid="00000000-0000-0000-0000-000000000001")
    operation = api.Operation(metadata=metadata, spec=OperationSpec(pool="linux", script="echo hello\n"))
    value = msgspec.convert(pool, api.WorkerPool)
    return render.pod(render.Launch(operation=operation, pool=value, worker="main", runner="gitops-runner-1"))


def changed(kind: str, spec: dict[str, Any]) -> Iterator[str]:
    before, after = made(), made(kind, spec)
    for ref in sorted(before.keys() - after.keys()):
        yield f"# gone: {ref}\n"
    for ref, manifest in sorted(after.items()):
        if before.get(ref) != manifest:
            yield f"# {'changed' if ref in before else 'new'}: {ref}\n---\n{yaml.dump_all([manifest])}"


@pytest.mark.parametrize(("kind", "name", "spec"), CASES, ids=[f"{kind}-{name}" for kind, name, _ in CASES])
def test_what_an_option_changes(kind: str, name: str, spec: dict[str, Any]) -> None:
    text = "".join(changed(kind, spec))
    path = GOLDEN / f"{kind.lower()}-{name}.yaml"
    if os.environ.get("GITOPS_REGENERATE"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert path.read_text(encoding="utf-8") == text


# `pools` says which pools there are, and is in every case.
@pytest.mark.parametrize(
    ("kind", "options"), [("WorkerPool", POOL_OPTIONS), ("Worker", {**WORKER_OPTIONS, "pools": {}})]
)
def test_every_option_has_a_file(kind: str, options: dict[str, Any]) -> None:
    found = crds.kind_named(kind)
    assert found is not None
    fields = set(crds.schema(found)["properties"]["spec"]["properties"])
    assert fields - {name.partition("-")[0] for name in options} == set()


def test_no_file_is_left_of_an_option_that_is_gone() -> None:
    assert {path.stem for path in GOLDEN.glob("*.yaml")} == {f"{kind.lower()}-{name}" for kind, name, _ in CASES}
