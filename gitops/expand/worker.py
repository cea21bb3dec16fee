"""A Worker -> its accounts and Deployments."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from gitops.api import names
from gitops.api.worker import LogBucket, LogRetention, LogStore, Topology
from gitops.expand import template
from gitops.expand.expanded import Context
from gitops.expand.installation import Program, labels
from gitops.objects import Manifest

CONTAINER = "gitops"
PORT = 8080
USER = 65532
LOGS = "/var/lib/gitops/logs"
LOG_CREDENTIALS = "/var/run/gitops/log-credentials"
LOG_AUTHORITY = "/var/run/gitops/log-authority"
MIRROR = "/var/lib/gitops/mirror"

ARENAS = "1"
"""Heaps of the C library: one for each thread would keep what the threads that write logs to a bucket have freed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Half:
    """One Deployment of a Worker: what it runs as, and which half of the program (`component`) it is."""

    account: str
    component: str
    arguments: tuple[str, ...]
    mirror: bool
    logs: bool


def halves(program: Program) -> tuple[Half, ...]:
    """The Deployments a topology means."""
    worker = program.value
    if worker.spec.topology is Topology.EMBEDDED:
        account = names.worker_account(worker)
        return (Half(account=account, component="embedded", arguments=("run",), mirror=True, logs=True),)
    reconciler, runner = names.reconciler_account(worker), names.worker_account(worker)
    return (
        Half(account=reconciler, component="reconciler", arguments=("run", "reconciler"), mirror=True, logs=False),
        Half(account=runner, component="worker", arguments=("run", "worker"), mirror=False, logs=True),
    )


def objects(program: Program, context: Context) -> Iterator[Manifest]:
    """The worker's objects except its rights.

    Raises:
        ConfigError: its podTemplate does not fit.
    """
    worker = program.value
    namespace = worker.metadata.namespace
    marks = labels(namespace, inherited=worker.metadata.labels)
    for half in halves(program):
        metadata = {"name": half.account, "namespace": namespace, "labels": marks}
        yield {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata}
        deployment = _deployment(program, half, metadata)
        deployment["spec"]["template"] = template.merged(deployment["spec"]["template"], program, context)
        yield deployment


def _deployment(program: Program, half: Half, metadata: dict[str, Any]) -> Manifest:
    worker = program.value
    selector = {
        "app.kubernetes.io/name": names.PROGRAM,
        "app.kubernetes.io/instance": worker.metadata.name,
        "app.kubernetes.io/component": half.component,
    }
    pod_labels = {**selector, names.MANAGED_BY: names.PROGRAM}
    pod = {"metadata": {"labels": pod_labels}, "spec": _pod(program, half, selector)}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": metadata,
        "spec": {
            "replicas": worker.spec.replicas,
            "selector": {"matchLabels": selector},
            "strategy": _strategy(worker.spec.log_store if half.logs else LogStore()),
            "template": pod,
        },
    }


def _strategy(store: LogStore) -> dict[str, Any]:
    # A claim that one node holds would keep the new pod waiting for the old one for ever.
    surge, unavailable = (0, 1) if store.claim_name else (1, 0)
    return {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": surge, "maxUnavailable": unavailable}}


def _pod(program: Program, half: Half, selector: dict[str, str]) -> dict[str, Any]:
    spec = program.value.spec
    pod: dict[str, Any] = {
        "serviceAccountName": half.account,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": 60,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": USER,
            "runAsGroup": USER,
            "fsGroup": USER,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [_container(program, half)],
        "volumes": _volumes(half, spec.log_store),
    }
    if spec.image_pull_secrets:
        pod["imagePullSecrets"] = [{"name": name} for name in spec.image_pull_secrets]
    if spec.replicas > 1:
        spread = {"maxSkew": 1, "topologyKey": "kubernetes.io/hostname", "whenUnsatisfiable": "ScheduleAnyway"}
        pod["topologySpreadConstraints"] = [{**spread, "labelSelector": {"matchLabels": selector}}]
    return pod


def _container(program: Program, half: Half) -> dict[str, Any]:
    worker = program.value
    resources = program.manifest["spec"].get("resources") or {"requests": dict(worker.spec.resources.requests)}
    arguments = [*half.arguments, "--worker", worker.metadata.name, "--namespace", worker.metadata.namespace]
    if half.logs:
        arguments += _store_arguments(worker.spec.log_store)
    container: dict[str, Any] = {
        "name": CONTAINER,
        "image": worker.spec.image,
        "args": arguments,
        "env": [
            _field("POD_NAME", "metadata.name"),
            _field("POD_NAMESPACE", "metadata.namespace"),
            {"name": "MALLOC_ARENA_MAX", "value": ARENAS},
        ],
        "ports": [{"name": "http", "containerPort": PORT, "protocol": "TCP"}],
        "livenessProbe": _probe("/healthz", period=20, failures=3),
        "readinessProbe": _probe("/readyz", period=5, failures=2),
        "resources": resources,
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "volumeMounts": _mounts(half, worker.spec.log_store),
    }
    if worker.spec.image_pull_policy:
        container["imagePullPolicy"] = worker.spec.image_pull_policy
    return container


def _field(name: str, path: str) -> dict[str, Any]:
    return {"name": name, "valueFrom": {"fieldRef": {"apiVersion": "v1", "fieldPath": path}}}


def _probe(path: str, *, period: int, failures: int) -> dict[str, Any]:
    check = {"path": path, "port": "http", "scheme": "HTTP"}
    return {"httpGet": check, "periodSeconds": period, "timeoutSeconds": 5, "failureThreshold": failures}


def _volumes(half: Half, store: LogStore) -> list[dict[str, Any]]:
    volumes: list[dict[str, Any]] = [{"name": "tmp", "emptyDir": {}}]
    if half.mirror:
        volumes.append({"name": "mirror", "emptyDir": {}})
    if half.logs and store.bucket:
        volumes += [volume for volume, _ in _of_bucket(store.bucket)]
    elif half.logs and store.claim_name:
        volumes.append({"name": "logs", "persistentVolumeClaim": {"claimName": store.claim_name}})
    elif half.logs:
        limit = {"sizeLimit": store.size_limit} if store.size_limit else {}
        volumes.append({"name": "logs", "emptyDir": limit})
    return volumes


def _mounts(half: Half, store: LogStore) -> list[dict[str, Any]]:
    mounts: list[dict[str, Any]] = [{"name": "tmp", "mountPath": "/tmp"}]  # noqa: S108 - an emptyDir of the container
    if half.mirror:
        mounts.append({"name": "mirror", "mountPath": MIRROR})
    if half.logs and store.bucket:
        mounts += [mount for _, mount in _of_bucket(store.bucket)]
    elif half.logs:
        mounts.append({"name": "logs", "mountPath": LOGS})
    return mounts


def _of_bucket(bucket: LogBucket) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Volumes and mounts of what a bucket's user needs. As files: a changed Secret needs no restart."""
    if bucket.credentials:
        name = "log-credentials"
        yield (
            {"name": name, "secret": {"secretName": bucket.credentials.name}},
            {"name": name, "mountPath": LOG_CREDENTIALS, "readOnly": True},
        )
    if bucket.ca:
        name, items = "log-authority", [{"key": bucket.ca.key, "path": "ca.crt"}]
        yield (
            {"name": name, "configMap": {"name": bucket.ca.name, "items": items}},
            {"name": name, "mountPath": LOG_AUTHORITY, "readOnly": True},
        )


def _store_arguments(store: LogStore) -> list[str]:
    given: dict[str, str] = {}
    if store.bucket:
        given["--log-bucket"] = "/".join(part for part in (store.bucket.name, store.bucket.prefix) if part)
        given["--log-endpoint"] = store.bucket.endpoint
        given["--log-region"] = store.bucket.region
        given["--log-credentials"] = LOG_CREDENTIALS if store.bucket.credentials else ""
        given["--log-authority"] = f"{LOG_AUTHORITY}/ca.crt" if store.bucket.ca else ""
    if store.retention != LogRetention():
        given["--log-max-age"] = store.retention.max_age
        given["--log-max-bytes"] = str(store.retention.max_bytes)
    return [part for name, value in given.items() if value for part in (name, value)]
