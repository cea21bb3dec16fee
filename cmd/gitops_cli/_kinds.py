"""Kinds as people type them: `deployment`, `deployments.apps`, `deploy`, `WorkerPool`."""

from __future__ import annotations

from gitops import cluster, errors
from gitops.ports.objects import Resource

SHORT = {
    "cm": "ConfigMap",
    "crd": "CustomResourceDefinition",
    "deploy": "Deployment",
    "ds": "DaemonSet",
    "hpa": "HorizontalPodAutoscaler",
    "ns": "Namespace",
    "pdb": "PodDisruptionBudget",
    "po": "Pod",
    "pvc": "PersistentVolumeClaim",
    "rs": "ReplicaSet",
    "sa": "ServiceAccount",
    "sts": "StatefulSet",
    "svc": "Service",
}


async def find(connection: cluster.Cluster, typed: str) -> Resource:
    """The kind a person means: its name, plural or a usual short name, with `.group` if need be.

    Raises:
        ConfigError: the cluster serves none.
    """
    name, _, group = typed.partition(".")
    wanted = {SHORT.get(name.lower(), name).lower()}
    # Subresources have a kind too (`pods/eviction`); the server names the preferred version of a group first.
    for one in await connection.discovery.all():
        if "/" not in one.plural and group in {"", one.group} and wanted & {one.kind.lower(), one.plural}:
            return one
    raise errors.ConfigError(f"the cluster serves no {typed!r}", hint="write KIND/NAME, for example deployment/web")
