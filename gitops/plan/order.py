"""In which order objects are written, and the reverse in which they are deleted.

Namespaces and definitions first, then roles, then bindings (which need their role to be judged at all), then everything
else: the bindings may be what gives the applying account its rights there. Within that: accounts and configuration
before what mounts it, workloads before what guards them, our own kinds and everything unknown last. Waves that
annotations ask for (`waves`) come within a stage and before the kind: a stage is verified whole before its first wave.
"""

from __future__ import annotations

from gitops.plan.change import Rank, Stage
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


def apply_key(ref: ResourceRef, rank: Rank | None = None) -> tuple[int, int, int, int, ResourceRef]:
    """Sort key for writing."""
    wave, depth = step_of(rank)
    return stage_of(ref), wave, depth, _RANK.get(ref.kind, len(_KINDS)), ref


def step_of(rank: Rank | None) -> tuple[int, int]:
    """Wave and depth: what comes before a step within a stage is healthy when it begins."""
    return (rank.wave, rank.depth) if rank else (0, 0)


def together(ref: ResourceRef, rank: Rank | None = None) -> tuple[int, int, int, int]:
    """Objects for which this is the same do not depend on each other and are written at the same time."""
    return apply_key(ref, rank)[:4]
