"""What a request is called in metrics."""

from __future__ import annotations

import pytest

from gitops.cluster.request import Request


@pytest.mark.parametrize(
    ("method", "path", "query", "verb", "resource"),
    [
        ("GET", "/api/v1/namespaces/ci/pods", (), "list", "pods"),
        ("GET", "/api/v1/pods", (("watch", "1"),), "watch", "pods"),
        ("GET", "/api/v1/namespaces/ci/pods/p", (), "get", "pods"),
        ("GET", "/api/v1/namespaces/ci/pods/p/log", (), "get", "pods/log"),
        ("GET", "/api/v1/namespaces", (), "list", "namespaces"),
        ("GET", "/api/v1/namespaces/ci", (), "get", "namespaces"),
        ("DELETE", "/api/v1/namespaces/ci/pods/p", (), "delete", "pods"),
        (
            "PATCH",
            "/apis/gitops-worker.io/v1alpha1/namespaces/ci/operations/o/status",
            (),
            "patch",
            "operations/status",
        ),
        ("PUT", "/apis/coordination.k8s.io/v1/namespaces/ci/leases/l", (), "update", "leases"),
        ("POST", "/apis/rbac.authorization.k8s.io/v1/clusterroles", (), "create", "clusterroles"),
        ("GET", "/version", (), "list", ""),
    ],
)
def test_verb_and_resource(
    method: str, path: str, query: tuple[tuple[str, str], ...], verb: str, resource: str
) -> None:
    request = Request(method=method, path=path, what="try", query=query)
    assert (request.verb, request.resource) == (verb, resource)
