"""In which order objects are written, and the reverse in which they are deleted.

Namespaces and definitions first, then roles, then bindings (which need their role to be judged at all), then everything
else: the bindings may be what gives the applying account its rights there. Within that: accounts and configuration
before what mounts it, workloads before what guards them, our own kinds and everything unknown last.
"""

from __future__ import annotations

from gitops.plan.change import Stage
from gitops.ref import ResourceRef

_KINDS = (
    "Namespace",
    "CustomResourceDefinition",
    "PriorityClass",
    "StorageClass",
    "ResourceQuota",
    "LimitRange",
    "NetworkPolicy",
    "ServiceAccount",
    "ClusterRole",
    "Role",
    "ClusterRoleBinding",
    "RoleBinding",
    "Secret",
    "ConfigMap",
    "PersistentVolume",
    "PersistentVolumeClaim",
    "Service",
    "DaemonSet",
    "Deployment",
    "StatefulSet",
    "Job",
    "CronJob",
    "HorizontalPodAutoscaler",
    "PodDisruptionBudget",
    "Ingress",
    "APIService",
    "ValidatingAdmissionPolicy",
    "ValidatingAdmissionPolicyBinding",
    "MutatingWebhookConfiguration",
    "ValidatingWebhookConfiguration",
)
_RANK = {kind: rank for rank, kind in enumerate(_KINDS)}
_ROLES = frozenset({"ClusterRole", "Role"})
_BINDINGS = frozenset({"ClusterRoleBinding", "RoleBinding"})
_RBAC = "rbac.authorization.k8s.io"


def stage_of(ref: ResourceRef) -> Stage:
    """Which stage writes an object."""
    if ref.kind == "CustomResourceDefinition" or (ref.kind == "Namespace" and not ref.group):
        return Stage.FOUNDATION
    if ref.group == _RBAC and ref.kind in _ROLES:
        return Stage.ROLES
    if ref.group == _RBAC and ref.kind in _BINDINGS:
        return Stage.BINDINGS
    return Stage.REST


def apply_key(ref: ResourceRef) -> tuple[int, int, ResourceRef]:
    """Sort key for writing."""
    return stage_of(ref), _RANK.get(ref.kind, len(_KINDS)), ref


def wave_of(ref: ResourceRef) -> tuple[int, int]:
    """Objects of one wave do not depend on each other and are written at the same time."""
    return apply_key(ref)[:2]
