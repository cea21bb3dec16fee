"""Who an object is to kustomize: group, version, kind, name and namespace, and when two of them are the same.

The scope of kinds is kustomize's own table (kyaml/openapi, Kubernetes 1.21): a kind it does not know counts as
namespaced, in its builds and therefore in ours.
"""

from __future__ import annotations

import functools
from typing import NamedTuple

NOT_NAMESPACED = "_non_namespaceable_"
"""The effective namespace of cluster-scoped objects."""
DEFAULT = "default"
"""That of namespaced objects that name none."""

_CLUSTER_KINDS = {
    "admissionregistration.k8s.io/v1 v1beta1": "MutatingWebhookConfiguration ValidatingWebhookConfiguration",
    "apiextensions.k8s.io/v1 v1beta1": "CustomResourceDefinition",
    "apiregistration.k8s.io/v1 v1beta1": "APIService",
    "certificates.k8s.io/v1 v1beta1": "CertificateSigningRequest",
    "flowcontrol.apiserver.k8s.io/v1beta1": "FlowSchema PriorityLevelConfiguration",
    "networking.k8s.io/v1 v1beta1": "IngressClass",
    "node.k8s.io/v1 v1beta1": "RuntimeClass",
    "policy/v1beta1": "PodSecurityPolicy",
    "rbac.authorization.k8s.io/v1 v1beta1": "ClusterRole ClusterRoleBinding",
    "scheduling.k8s.io/v1 v1beta1": "PriorityClass",
    "storage.k8s.io/v1": "CSIDriver CSINode StorageClass VolumeAttachment",
    "storage.k8s.io/v1beta1": "CSIDriver CSINode StorageClass VolumeAttachment",
    "v1": "ComponentStatus Namespace Node NodeProxyOptions PersistentVolume",
}
_NAMESPACED_KINDS = {
    "apps/v1": "ControllerRevision DaemonSet Deployment ReplicaSet StatefulSet",
    "autoscaling/v1": "HorizontalPodAutoscaler Scale",
    "autoscaling/v2beta1 v2beta2": "HorizontalPodAutoscaler",
    "batch/v1": "CronJob Job",
    "batch/v1beta1": "CronJob",
    "coordination.k8s.io/v1 v1beta1": "Lease",
    "discovery.k8s.io/v1 v1beta1": "EndpointSlice",
    "events.k8s.io/v1 v1beta1": "Event",
    "extensions/v1beta1": "Ingress",
    "networking.k8s.io/v1": "Ingress NetworkPolicy",
    "networking.k8s.io/v1beta1": "Ingress",
    "policy/v1 v1beta1": "PodDisruptionBudget",
    "rbac.authorization.k8s.io/v1 v1beta1": "Role RoleBinding",
    "storage.k8s.io/v1beta1": "CSIStorageCapacity",
    "v1": "ConfigMap Endpoints Event LimitRange PersistentVolumeClaim Pod PodAttachOptions PodExecOptions"
    " PodPortForwardOptions PodProxyOptions PodTemplate ReplicationController ResourceQuota Secret Service"
    " ServiceAccount ServiceProxyOptions",
}


def _expand(table: dict[str, str]) -> frozenset[tuple[str, str, str]]:
    found: set[tuple[str, str, str]] = set()
    for versions, kinds in table.items():
        group, slash, rest = versions.rpartition("/")
        for version in rest.split():
            found.update((group if slash else "", version, kind) for kind in kinds.split())
    return frozenset(found)


CLUSTER_SCOPED = _expand(_CLUSTER_KINDS)
KNOWN_SCOPE = CLUSTER_SCOPED | _expand(_NAMESPACED_KINDS)


class Gvk(NamedTuple):
    """A kind, or a selector of kinds in which an empty part means any."""

    group: str = ""
    version: str = ""
    kind: str = ""

    def selected_by(self, selector: Gvk) -> bool:
        """Whether every part the selector names is the same here."""
        return (
            (not selector.kind or selector.kind == self.kind)
            and (not selector.group or selector.group == self.group)
            and (not selector.version or selector.version == self.version)
        )

    @property
    def cluster_scoped(self) -> bool:
        """Whether kustomize knows for certain that the kind has no namespace."""
        return self in CLUSTER_SCOPED

    def __str__(self) -> str:
        return f"{self.kind}.{self.group}" if self.group else self.kind


@functools.lru_cache(maxsize=4096)
def gvk_of(api_version: str, kind: str) -> Gvk:
    """The kind an apiVersion and a kind name: plain strings, for what is kept must know no place."""
    group, slash, version = str(api_version).partition("/")
    return Gvk(group, version, str(kind)) if slash else Gvk("", str(api_version), str(kind))


class Identity(NamedTuple):
    """One object: its kind, name and namespace as written."""

    gvk: Gvk
    name: str
    namespace: str

    @property
    def effective_namespace(self) -> str:
        """The namespace to compare by: no namespace means `default`, and cluster-scoped kinds share one."""
        if self.gvk.cluster_scoped:
            return NOT_NAMESPACED
        return self.namespace or DEFAULT

    @property
    def key(self) -> tuple[Gvk, str, str]:
        """What makes two objects the same object."""
        return (self.gvk, self.name, self.effective_namespace)

    def selected_by(self, selector: Identity) -> bool:
        """Whether every part the selector names is the same here."""
        return (
            (not selector.name or selector.name == self.name)
            and (not selector.namespace or selector.effective_namespace == self.effective_namespace)
            and self.gvk.selected_by(selector.gvk)
        )

    def __str__(self) -> str:
        return f"{self.gvk} {self.name}" + (f" in namespace {self.namespace}" if self.namespace else "")
