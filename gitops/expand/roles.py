"""The ClusterRoles of an installation: who may do what, as data. No wildcard anywhere.

They are ClusterRoles so that the reconciler, which is no administrator, needs only `bind` on their names to give them
within a namespace; an admission policy keeps them from being bound anywhere but in the installation's
own namespaces. The reconciler cannot change them: the API server lets nobody grant what he does not hold.
"""

from __future__ import annotations

from typing import Any, Final

from gitops.api import crds, meta

Rule = dict[str, Any]

READ: Final = ("get", "list", "watch")
APPLY: Final = (*READ, "create", "patch", "delete")
ALL: Final = ("get", "list", "watch", "create", "update", "patch", "delete", "deletecollection")
RBAC: Final = "rbac.authorization.k8s.io"

NAMESPACE_ADMIN: Final = "namespace-admin"
OPERATIONS: Final = "operations"
EXPANSION: Final = "expansion"
HOME: Final = "home"
WORKER: Final = "worker"
BINDABLE: Final = (EXPANSION, HOME, NAMESPACE_ADMIN, OPERATIONS, WORKER)
"""Roles that are bound by RoleBindings only; an admission policy sees to it."""
RECONCILER: Final = "reconciler"
NODES: Final = "nodes"


def name_of(installation: str, role: str) -> str:
    """Name of an installation's ClusterRole."""
    return f"gitops-worker:{installation}:{role}"


def rule(group: str, resources: tuple[str, ...], verbs: tuple[str, ...], *, names: tuple[str, ...] = ()) -> Rule:
    """One RBAC rule; with `names`, for these objects only."""
    made: Rule = {"apiGroups": [group], "resources": list(resources), "verbs": list(verbs)}
    return {**made, "resourceNames": list(names)} if names else made


def namespace_admin() -> list[Rule]:
    """What pods of a `namespace-admin` pool may do in their operations namespace.

    A list, for `*` would include the Namespace itself, its quota and limits, and our network policy (read only here).
    """
    core = (
        "configmaps",
        "endpoints",
        "events",
        "persistentvolumeclaims",
        "pods",
        "replicationcontrollers",
        "secrets",
        "serviceaccounts",
        "services",
    )
    return [
        rule("", core, ALL),
        rule("", ("pods/log", "pods/status"), ("get",)),
        rule("", ("pods/attach", "pods/exec", "pods/portforward"), ("get", "create")),
        rule("", ("pods/eviction", "serviceaccounts/token"), ("create",)),
        rule("", ("pods/ephemeralcontainers",), ("get", "update", "patch")),
        rule("", ("limitranges", "resourcequotas"), READ),
        rule("apps", ("daemonsets", "deployments", "replicasets", "statefulsets"), ALL),
        rule("apps", ("deployments/scale", "replicasets/scale", "statefulsets/scale"), ("get", "update", "patch")),
        rule("autoscaling", ("horizontalpodautoscalers",), ALL),
        rule("batch", ("cronjobs", "jobs"), ALL),
        rule("coordination.k8s.io", ("leases",), ALL),
        rule("discovery.k8s.io", ("endpointslices",), READ),
        rule("events.k8s.io", ("events",), READ),
        rule("networking.k8s.io", ("ingresses",), ALL),
        rule("networking.k8s.io", ("networkpolicies",), READ),
        rule("policy", ("poddisruptionbudgets",), ALL),
        rule(RBAC, ("rolebindings", "roles"), ALL),
    ]


def operations() -> list[Rule]:
    """The worker in an operations namespace. `launch` is no verb of the API: an admission policy asks for it."""
    return [
        # `update` takes a pod out of the disruption budget when its node has waited long enough.
        rule("", ("pods",), ("get", "list", "watch", "create", "update", "delete")),
        rule("", ("pods/log",), ("get",)),
        # Log lines that the kubelet rotated away come out of the runner's spool in the pod, files from URLs go in.
        rule("", ("pods/exec",), ("get", "create")),
        rule("", ("configmaps", "namespaces", "serviceaccounts"), ("get",)),
        # What schedulers and autoscalers say of a pod that waits.
        rule("", ("events",), ("list",)),
        rule(meta.GROUP, ("workerpools",), ("launch",)),
    ]


def expansion() -> list[Rule]:
    """The reconciler in an operations namespace."""
    return [
        rule("", ("configmaps", "serviceaccounts"), APPLY),
        rule("networking.k8s.io", ("networkpolicies",), APPLY),
        rule("policy", ("poddisruptionbudgets",), APPLY),
        # A superseded runner is deleted when no pod refers to it any more.
        rule("", ("pods",), ("get", "list")),
    ]


def worker() -> list[Rule]:
    """The worker in its own namespace."""
    return [
        rule(meta.GROUP, ("gitsyncs", "operations", "workerpools", "workers"), READ),
        # An Operation's time may be over: spec.ttlAfterFinished.
        rule(meta.GROUP, ("operations",), ("delete",)),
        rule(meta.GROUP, ("operations/status", "workerpools/status", "workers/status"), ("get", "patch")),
        # Canaries. Who may create pods in the operations namespace gains nothing by it.
        rule(meta.GROUP, ("operations",), ("create",)),
        rule(meta.GROUP, ("workerpools",), ("use",)),
        *_running(),
    ]


def nodes() -> list[Rule]:
    """The worker in the cluster: whether the node of an operation is to be emptied, and what nodes have to offer."""
    return [rule("", ("nodes",), ("get", "list"))]


def home(secrets: tuple[str, ...], accounts: tuple[str, ...] = ()) -> list[Rule]:
    """The reconciler in its own namespace; it reads these Secrets and acts as these accounts, and no others."""
    return [
        rule("", ("configmaps",), (*APPLY, "update")),
        rule("", ("serviceaccounts",), APPLY),
        *([rule("", ("secrets",), ("get",), names=secrets)] if secrets else []),
        *([rule("", ("serviceaccounts",), ("impersonate",), names=accounts)] if accounts else []),
        rule("apps", ("deployments",), APPLY),
        rule(meta.GROUP, ("gitsyncs", "workerpools", "workers"), APPLY),
        rule(meta.GROUP, ("gitsyncs/status",), ("get", "patch")),
        # The finalizer of `deletionPolicy: Delete`.
        rule(meta.GROUP, ("gitsyncs",), ("update",)),
        # A pool that left Git is drained before it is pruned.
        rule(meta.GROUP, ("operations",), READ),
        *_running(),
    ]


def _running() -> list[Rule]:
    return [
        rule("coordination.k8s.io", ("leases",), ("get", "create", "update", "patch")),
        rule("events.k8s.io", ("events",), ("create", "patch")),
    ]


def reconciler(installation: str) -> list[Rule]:
    """The reconciler in the cluster: reads what a plan needs, writes namespaces and roles."""
    bindable = tuple(name_of(installation, role) for role in BINDABLE)
    definitions = tuple(f"{kind.plural}.{meta.GROUP}" for kind in crds.KINDS)
    return [
        rule("", ("namespaces",), APPLY),
        rule("", ("configmaps", "serviceaccounts"), READ),
        rule("networking.k8s.io", ("networkpolicies",), READ),
        rule("policy", ("poddisruptionbudgets",), READ),
        # What the worker of a new Worker object holds, a commit must be able to give.
        *nodes(),
        rule(RBAC, ("clusterrolebindings", "clusterroles", "rolebindings", "roles"), APPLY),
        rule(RBAC, ("clusterroles",), ("bind",), names=bindable),
        rule("apiextensions.k8s.io", ("customresourcedefinitions",), READ),
        rule("apiextensions.k8s.io", ("customresourcedefinitions",), ("patch",), names=definitions),
        rule(
            "admissionregistration.k8s.io",
            ("validatingadmissionpolicies", "validatingadmissionpolicybindings"),
            READ,
        ),
        rule(meta.GROUP, ("gitsyncs", "workerpools", "workers"), READ),
    ]
