"""Objects nobody has checked: whatever their fields hold, lint says something or nothing, and never falls over."""

from __future__ import annotations

import copy
import json
import os
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gitops.lint.finding import Finding
from gitops.source.tree import MemoryTree
from tests.unit.lint.trees import findings

EXAMPLES = int(os.environ.get("GITOPS_FUZZ_EXAMPLES", "200"))
KINDS = [
    ("v1", "Pod"),
    ("apps/v1", "Deployment"),
    ("batch/v1", "CronJob"),
    ("v1", "ConfigMap"),
    ("rbac.authorization.k8s.io/v1", "ClusterRole"),
    ("rbac.authorization.k8s.io/v1", "RoleBinding"),
    ("gitops-worker.io/v1alpha1", "WorkerPool"),
    ("gitops-worker.io/v1alpha1", "Worker"),
    ("gitops-worker.io/v1alpha1", "GitSync"),
    ("gitops-worker.io/v1alpha1", "Operation"),
    ("gitops-worker.io/v1alpha1", "Unheard"),
    ("gitops-worker.io/v2", "WorkerPool"),
]
CONTAINER = {
    "name": "operation",
    "image": "alpine",
    "env": [{"name": "DOCKER_HOST", "value": "tcp://x"}],
    "ports": [{"hostPort": 80}],
    "resources": {"requests": {"cpu": "2"}, "limits": {"cpu": "1"}},
    "securityContext": {"privileged": True, "runAsUser": 0, "capabilities": {"add": ["NET_ADMIN"], "drop": ["ALL"]}},
}
POD = {
    "hostNetwork": True,
    "securityContext": {"runAsNonRoot": True},
    "containers": [CONTAINER],
    "initContainers": [CONTAINER],
    "volumes": [{"name": "docker", "hostPath": {"path": "/var/run/docker.sock"}}],
}
RULE = {"apiGroups": ["", "*"], "resources": ["secrets", "pods/exec"], "verbs": ["get", "bind"], "resourceNames": []}
ROLE_REF = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"}
WHOLE: list[dict[str, Any]] = [
    {"apiVersion": "v1", "kind": "Pod", "spec": POD},
    {"apiVersion": "batch/v1", "kind": "CronJob", "spec": {"jobTemplate": {"spec": {"template": {"spec": POD}}}}},
    {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "rules": [RULE]},
    {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "RoleBinding",
        "roleRef": ROLE_REF,
        "subjects": [{"kind": "User", "name": "jane"}],
    },
    {
        "apiVersion": "gitops-worker.io/v1alpha1",
        "kind": "WorkerPool",
        "spec": {
            "image": "worker-tools",
            "podSecurity": "restricted",
            "resources": {"requests": {"cpu": "1"}, "limits": {"cpu": "500m"}},
            "timeouts": {"run": "1h"},
            "serviceAccount": {"create": False, "name": "a"},
            "rbac": {"profile": "custom", "rules": [RULE], "clusterRules": [RULE], "targetNamespaces": ["apps"]},
            "egress": {"mode": "restricted", "allow": [{"cidr": "10.0.0.0/8", "except": ["10.1.0.0/16"]}]},
            "podTemplate": {"metadata": {"labels": {"a": "b"}}, "spec": POD},
        },
    },
    {
        "apiVersion": "gitops-worker.io/v1alpha1",
        "kind": "Worker",
        "spec": {"image": "a", "pools": ["linux"], "commitRules": [RULE], "podTemplate": {"spec": POD}},
    },
    {
        "apiVersion": "gitops-worker.io/v1alpha1",
        "kind": "Operation",
        "spec": {
            "pool": "linux",
            "script": "true",
            "env": [{"name": "A", "value": "b"}],
            "files": [{"path": "a", "text": "b"}],
            "filesFrom": [{"path": "a", "secret": {"name": "s"}}],
        },
    },
]


def pointers(value: Any, above: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    below = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [above] * bool(above) + [one for key, item in below for one in pointers(item, (*above, key))]


PLACES = [(index, place) for index, whole in enumerate(WHOLE) for place in pointers(whole)]
FIELDS = st.sampled_from(sorted({str(place[-1]) for _, place in PLACES if isinstance(place[-1], str)}))
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from(["*", "yes", "1.10", "latest", "alpine", "/var/run/docker.sock", "1Gi", "500m", "restricted", ""]),
    st.text(max_size=5),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(FIELDS, inner, max_size=4),
    max_leaves=12,
)


def looked_at(manifest: dict[str, Any], more: str = "") -> tuple[Finding, ...]:
    files = {"kustomization.yaml": f"resources: [a.yaml]\n{more}".encode(), "a.yaml": json.dumps(manifest).encode()}
    return findings(MemoryTree(files))


@settings(max_examples=EXAMPLES, deadline=None)
@given(st.sampled_from(KINDS), st.dictionaries(FIELDS, VALUES, max_size=5), st.sampled_from(["", "namespace: ci\n"]))
def test_fuzz_no_object_makes_lint_fall_over(kind: tuple[str, str], fields: dict[str, Any], more: str) -> None:
    api_version, name = kind
    manifest = {**fields, "apiVersion": api_version, "kind": name, "metadata": {"name": "a"}}
    for one in looked_at(manifest, more):
        assert one.message
        assert one.location is not None


@settings(max_examples=EXAMPLES, deadline=None)
@given(st.sampled_from(PLACES), VALUES, st.sampled_from(["", "namespace: ci\n"]))
def test_fuzz_no_field_of_another_type_makes_lint_fall_over(
    place: tuple[int, tuple[str | int, ...]], value: Any, more: str
) -> None:
    index, (*path, last) = place
    manifest = {**copy.deepcopy(WHOLE[index]), "metadata": {"name": "linux"}}
    node: Any = manifest
    for part in path:
        node = node[part]
    node[last] = value
    for one in looked_at(manifest, more):
        assert one.message


@settings(max_examples=EXAMPLES, deadline=None)
@given(st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
def test_fuzz_no_text_makes_lint_fall_over(content: bytes) -> None:
    for one in findings(MemoryTree({"kustomization.yaml": content, "a.yaml": content})):
        assert one.message


@pytest.mark.parametrize("field", ["spec", "metadata", "rules", "roleRef", "subjects", "data"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_field_of_another_type_is_no_surprise(kind: tuple[str, str], field: str) -> None:
    api_version, name = kind
    for value in (None, [], [1], "text", 3, {"a": [None]}):
        manifest = {"apiVersion": api_version, "kind": name, "metadata": {"name": "a"}, field: value}
        looked_at(manifest)
