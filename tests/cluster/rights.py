"""What the test cluster grants beyond Kubernetes' defaults."""

from __future__ import annotations

from typing import Any

VIEWER = "viewer"
RBAC = "rbac.authorization.k8s.io"


def manifests() -> list[dict[str, Any]]:
    """Return the roles and bindings made at boot: the API server's way to kubelets, and the reader."""
    return [
        _binding("test:kubelet-api", role="system:kubelet-api-admin", user="kube-apiserver-kubelet-client"),
        _binding("test:view", role="view", user=VIEWER),
        # `view` is filled by a controller; where none runs, its source says the same.
        _binding("test:view-source", role="system:aggregate-to-view", user=VIEWER),
        {
            "apiVersion": f"{RBAC}/v1",
            "kind": "ClusterRole",
            "metadata": {"name": "test:read-more"},
            "rules": [
                _read([""], ["namespaces", "nodes"]),
                _read([RBAC], ["*"]),
                _read(["apiextensions.k8s.io"], ["customresourcedefinitions"]),
                _read(["admissionregistration.k8s.io"], ["*"]),
                _read(["gitops-worker.io"], ["*"]),
            ],
        },
        _binding("test:read-more", role="test:read-more", user=VIEWER),
    ]


def _read(groups: list[str], resources: list[str]) -> dict[str, Any]:
    return {"apiGroups": groups, "resources": resources, "verbs": ["get", "list", "watch"]}


def _binding(name: str, *, role: str, user: str) -> dict[str, Any]:
    return {
        "apiVersion": f"{RBAC}/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": name},
        "roleRef": {"apiGroup": RBAC, "kind": "ClusterRole", "name": role},
        "subjects": [{"apiGroup": RBAC, "kind": "User", "name": user}],
    }
