"""The kinds a fake cluster serves from the start; a CustomResourceDefinition adds more."""

from __future__ import annotations

from collections.abc import Iterator

from gitops.api.meta import API_VERSION
from gitops.objects import Manifest, group_of
from gitops.ports.objects import Resource

_NAMESPACED = {
    "v1": "ConfigMap Secret Service ServiceAccount Pod Event PersistentVolumeClaim LimitRange ResourceQuota Endpoints",
    "apps/v1": "Deployment StatefulSet DaemonSet ReplicaSet",
    "batch/v1": "Job CronJob",
    "coordination.k8s.io/v1": "Lease",
    "events.k8s.io/v1": "Event",
    "networking.k8s.io/v1": "NetworkPolicy Ingress",
    "policy/v1": "PodDisruptionBudget",
    "autoscaling/v2": "HorizontalPodAutoscaler",
    "rbac.authorization.k8s.io/v1": "Role RoleBinding",
    API_VERSION: "Worker WorkerPool GitSync Operation",
}
_CLUSTER = {
    "v1": "Namespace Node PersistentVolume",
    "apiextensions.k8s.io/v1": "CustomResourceDefinition",
    "admissionregistration.k8s.io/v1": "ValidatingAdmissionPolicy ValidatingAdmissionPolicyBinding",
    "rbac.authorization.k8s.io/v1": "ClusterRole ClusterRoleBinding",
    "storage.k8s.io/v1": "StorageClass",
    "scheduling.k8s.io/v1": "PriorityClass",
}
_WITHOUT_STATUS = """
ConfigMap Secret ServiceAccount Event LimitRange Endpoints Lease NetworkPolicy Role RoleBinding ClusterRole
ClusterRoleBinding StorageClass PriorityClass ValidatingAdmissionPolicyBinding
"""


def built_in() -> Iterator[Resource]:
    """Every kind served from the start."""
    for table, namespaced in ((_NAMESPACED, True), (_CLUSTER, False)):
        for api_version, kinds in table.items():
            for kind in kinds.split():
                yield _resource(api_version, kind, namespaced=namespaced)


def has_status(resource: Resource) -> bool:
    """Whether status is written through a subresource of its own."""
    return resource.kind not in _WITHOUT_STATUS.split()


def defined(definition: Manifest) -> Iterator[Resource]:
    """The kinds a CustomResourceDefinition adds."""
    spec = definition["spec"]
    for version in spec["versions"]:
        if version.get("served", True):
            yield Resource(
                group=spec["group"],
                version=version["name"],
                kind=spec["names"]["kind"],
                plural=spec["names"]["plural"],
                namespaced=spec["scope"] == "Namespaced",
            )


def _resource(api_version: str, kind: str, *, namespaced: bool) -> Resource:
    return Resource(
        group=group_of(api_version),
        version=api_version.rpartition("/")[2],
        kind=kind,
        plural=_plural(kind.lower()),
        namespaced=namespaced,
    )


def _plural(word: str) -> str:
    if word == "endpoints":
        return word
    if word.endswith("y"):
        return f"{word[:-1]}ies"
    return f"{word}es" if word.endswith(("s", "ss")) else f"{word}s"
