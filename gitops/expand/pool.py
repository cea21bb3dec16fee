"""A WorkerPool -> its operations namespace and what must be in it before the first pod."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

from gitops import runner
from gitops.api import names
from gitops.api.workerpool import Destination, EgressMode, Profile
from gitops.expand.expanded import Context
from gitops.expand.installation import Installation, Pool, labels
from gitops.objects import Manifest


def objects(installation: Installation, pool: Pool, context: Context) -> Iterator[Manifest]:
    """The pool's objects except its rights."""
    marks = labels(installation.namespace, pool=pool.name, inherited=pool.value.metadata.labels)
    yield _namespace(pool, marks)
    if pool.value.spec.service_account.create:
        yield _account(pool, marks)
    yield _runner(pool, marks, context)
    yield _network_policy(pool, marks)
    if pool.value.spec.egress.mode is EgressMode.RESTRICTED:
        yield _egress(pool, marks)
    yield _disruption_budget(pool, marks)


def _namespace(pool: Pool, marks: dict[str, str]) -> Manifest:
    security = {
        "pod-security.kubernetes.io/enforce": pool.value.spec.pod_security,
        "pod-security.kubernetes.io/enforce-version": "latest",
    }
    return {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": pool.operations, "labels": {**marks, **security}},
    }


def _account(pool: Pool, marks: dict[str, str]) -> Manifest:
    metadata = {"name": names.pod_account(pool.value), "namespace": pool.operations, "labels": marks}
    annotations = pool.value.spec.service_account.annotations
    account: Manifest = {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": {**metadata, "annotations": dict(annotations)} if annotations else metadata,
    }
    # Without rights a token is only something to steal.
    if pool.value.spec.rbac.profile is Profile.NONE:
        account["automountServiceAccountToken"] = False
    return account


def _runner(pool: Pool, marks: dict[str, str], context: Context) -> Manifest:
    """Immutable, and named after its content: pods keep the runner they were started with."""
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": runner.config_map_name(context.runner),
            "namespace": pool.operations,
            "labels": marks,
        },
        "immutable": True,
        "binaryData": {name: base64.b64encode(data).decode() for name, data in sorted(context.runner.items())},
    }


def _network_policy(pool: Pool, marks: dict[str, str]) -> Manifest:
    """Nobody talks to an operation's pod."""
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": "deny-ingress", "namespace": pool.operations, "labels": marks},
        "spec": {"podSelector": {}, "policyTypes": ["Ingress"]},
    }


def _egress(pool: Pool, marks: dict[str, str]) -> Manifest:
    """The pods talk to name servers and to those that the pool lists, and to nobody else."""
    names_served = {"ports": [{"port": 53, "protocol": protocol} for protocol in ("UDP", "TCP")]}
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": "restrict-egress", "namespace": pool.operations, "labels": marks},
        "spec": {
            "podSelector": {},
            "policyTypes": ["Egress"],
            "egress": [names_served, *(_rule(one) for one in pool.value.spec.egress.allow)],
        },
    }


def _rule(destination: Destination) -> dict[str, Any]:
    if destination.cidr:
        block: dict[str, Any] = {"cidr": destination.cidr}
        if destination.except_:
            block["except"] = list(destination.except_)
        peer: dict[str, Any] = {"ipBlock": block}
    else:
        peer = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": destination.namespace}}}
    ports = [{"port": one.port, "protocol": one.protocol} for one in destination.ports]
    return {"to": [peer], "ports": ports} if ports else {"to": [peer]}


_MORE_THAN_ANY_POOL = 10_000
"""The largest `maxOperations`: with as many pods wanted, not one may be spared."""


def _disruption_budget(pool: Pool, marks: dict[str, str]) -> Manifest:
    """No pod with work in it is evicted. The worker takes a pod out of the selection when the wait was long enough.

    Pods without a controller need an integer: https://kubernetes.io/docs/tasks/run-application/configure-pdb/
    """
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {"name": "operations", "namespace": pool.operations, "labels": marks},
        "spec": {
            "minAvailable": _MORE_THAN_ANY_POOL,
            "selector": {"matchLabels": {names.POOL: pool.name, names.PROTECTED: "true"}},
        },
    }
