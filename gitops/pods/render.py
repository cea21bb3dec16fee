"""Operation x pool -> pod. Everything the pod needs travels in it: one request starts an operation."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from gitops import api, errors, runner
from gitops.api import duration, names
from gitops.objects import Manifest, image
from gitops.pods import allowed, command, delivery, files, marks, platform, surroundings, template

ANNOTATIONS_LIMIT: Final = 256 * 1024
"""The API server's limit on all annotations of an object together, keys included."""
ANNOTATIONS_RESERVE: Final = 8 * 1024
"""Left for what admission webhooks and the network plugin add."""
NOBODY: Final = 65532
MARGIN: Final = 600
"""Seconds the backstop `activeDeadlineSeconds` leaves beyond all clocks of the worker."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """What one attempt is started from. `runner` is the name of the ConfigMap with the runner's files."""

    operation: api.Operation
    pool: api.WorkerPool
    worker: str
    runner: str
    attempt: int = 1

    @property
    def namespace(self) -> str:
        """Where the pod runs."""
        return names.operations_namespace(self.pool)

    @property
    def name(self) -> str:
        """The pod's name."""
        return marks.pod_name(self.operation.metadata.uid, self.attempt)


def pod(launch: Launch) -> Manifest:
    """The pod of an attempt.

    Raises:
        ConfigError: script and files are too long for a pod, or the pool's template sets a protected field.
    """
    pool, operation = launch.pool.spec, launch.operation
    made: Manifest = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": launch.name,
            "namespace": launch.namespace,
            "labels": _labels(launch),
            "annotations": _annotations(operation),
        },
        "spec": {
            "restartPolicy": "Never",
            "enableServiceLinks": False,
            "serviceAccountName": operation.spec.service_account or names.pod_account(launch.pool),
            "terminationGracePeriodSeconds": command.grace(pool) + command.AFTER_GRACE,
            "activeDeadlineSeconds": backstop(launch),
            "containers": [_container(launch)],
            "volumes": _volumes(launch),
            "topologySpreadConstraints": [_spread(launch)],
        },
    }
    pull = dict.fromkeys((*pool.image_pull_secrets, *operation.spec.image_pull_secrets))
    if pull:
        made["spec"]["imagePullSecrets"] = [{"name": name} for name in pull]
    if pool.pod_security == "restricted":
        _restrict(made["spec"])
    check(operation)
    merged = template.merge(made, pool.pod_template, location=launch.pool.metadata.name)
    return platform.pin(_mirrored(merged, pool.mirrors), platform.architectures(operation, launch.pool))


def _mirrored(made: Manifest, mirrors: Mapping[str, str]) -> Manifest:
    """Every image from its mirror; what an operation may ask for is judged by the name it asks for."""
    for part in ("initContainers", "containers") if mirrors else ():
        for container in made["spec"].get(part) or ():
            if isinstance(container.get("image"), str):
                container["image"] = image.mirrored(container["image"], mirrors)
    return made


def spec_hash(made: Manifest) -> str:
    """Digest of a pod as rendered: stored with the claim, for people who ask which rendering ran."""
    return hashlib.sha256(json.dumps(made, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def backstop(launch: Launch) -> int:
    """Seconds after which the kubelet ends the pod although no worker lives to do it."""
    clocks = launch.pool.spec.timeouts
    waiting = duration.seconds(clocks.image_pull) + duration.seconds(clocks.starting)
    return (
        waiting
        + command.run_limit(launch.operation, launch.pool)
        + command.grace(launch.pool.spec)
        + (duration.seconds(clocks.files) + delivery.BEHIND if delivery.fetched(launch.operation) else 0)
        + (command.LINGER + MARGIN)
    )


def _labels(launch: Launch) -> dict[str, str]:
    return {
        names.MANAGED_BY: names.PROGRAM,
        marks.POOL: launch.pool.metadata.name,
        marks.OPERATION: launch.operation.metadata.uid,
        marks.ATTEMPT: str(launch.attempt),
        marks.WORKER: launch.worker,
        names.PROTECTED: "true",
    }


def _annotations(operation: api.Operation) -> dict[str, str]:
    brought, mutex = files.listing(operation), operation.spec.mutex
    return {
        **({marks.FILES: brought} if brought else {}),
        **({marks.MUTEX: f"{mutex.mode} {mutex.name}"} if mutex is not None else {}),
        marks.NAME: f"{operation.metadata.namespace}/{operation.metadata.name}",
        marks.SCRIPT: operation.spec.script,
        # Neither autoscaler may take the node from under a running script.
        "cluster-autoscaler.kubernetes.io/safe-to-evict": "false",
        "karpenter.sh/do-not-disrupt": "true",
    }


def check(operation: api.Operation) -> None:
    """What an operation brings fits into a pod, whatever its pool.

    Raises:
        ConfigError: script and files are too long, two files have one path, or a content is no base64.
    """
    annotations = _annotations(operation)
    room = ANNOTATIONS_LIMIT - ANNOTATIONS_RESERVE
    if _size(annotations) <= room:
        return
    script, brought = len(operation.spec.script.encode()), len(annotations.get(marks.FILES, ""))
    raise errors.ConfigError(
        f"the script {'and its files are' if brought else 'is'} too long to travel in a pod",
        cause=f"{script} bytes{f', and {brought} bytes of files in base64' if brought else ''}; at most {room} fit",
        hint="put the bulk into a ConfigMap or Secret, name its URL (all in spec.filesFrom), or put it into the image",
    )


def _size(annotations: dict[str, str]) -> int:
    return sum(len(key.encode()) + len(value.encode()) for key, value in annotations.items())


def _spread(launch: Launch) -> dict[str, Any]:
    # Soft, and no affinity: an affinity makes the autoscaler's simulation slower by orders of magnitude.
    return {
        "maxSkew": 1,
        "topologyKey": "kubernetes.io/hostname",
        "whenUnsatisfiable": "ScheduleAnyway",
        "labelSelector": {"matchLabels": {marks.POOL: launch.pool.metadata.name}},
    }


def _container(launch: Launch) -> dict[str, Any]:
    pool = launch.pool.spec
    container: dict[str, Any] = {
        "name": marks.CONTAINER,
        "image": launch.operation.spec.image or pool.image,
        "command": ["/bin/sh", f"{command.RUNNER}/{runner.START}"],
        "args": [*delivery.options(launch.operation, pool), *command.arguments(launch.operation, launch.pool)],
        "workingDir": command.WORKSPACE,
        "env": [*surroundings.environment(pool), *command.environment(launch.operation)],
        "terminationMessagePolicy": "File",
        "volumeMounts": [
            {"name": "gitops-runner", "mountPath": command.RUNNER, "readOnly": True},
            {"name": "gitops-script", "mountPath": command.SCRIPT, "readOnly": True},
            {"name": "gitops-spool", "mountPath": command.SPOOL},
            {"name": "workspace", "mountPath": command.WORKSPACE},
            *surroundings.mounts(pool),
            *files.mounts(launch.operation),
        ],
    }
    asked = allowed.resources(launch.operation, launch.pool)
    resources = {"requests": asked.requests, "limits": asked.limits}
    container["resources"] = {name: dict(value) for name, value in resources.items() if value}
    if pool.image_pull_policy:
        container["imagePullPolicy"] = pool.image_pull_policy
    return container


def _volumes(launch: Launch) -> list[dict[str, Any]]:
    scripts = [_annotation(command.interpreter(launch.operation).file, marks.SCRIPT)]
    if launch.operation.spec.files:
        scripts.append(_annotation(command.FILES_FILE, marks.FILES))
    layout = [{"key": key, "path": path} for key, path in sorted(runner.LAYOUT.items())]
    limit = launch.pool.spec.workspace.size_limit
    return [
        {"name": "gitops-runner", "configMap": {"name": launch.runner, "items": layout, "defaultMode": 0o555}},
        {"name": "gitops-script", "downwardAPI": {"items": scripts, "defaultMode": 0o555}},
        {"name": "gitops-spool", "emptyDir": {"sizeLimit": f"{command.SPOOL_LIMIT_MIB}Mi"}},
        {"name": "workspace", "emptyDir": {"sizeLimit": limit} if limit else {}},
        *surroundings.volumes(launch.pool.spec),
        *files.volumes(launch.operation),
    ]


def _annotation(path: str, name: str) -> dict[str, Any]:
    return {"path": path, "fieldRef": {"fieldPath": f"metadata.annotations['{name}']"}}


def _restrict(spec: dict[str, Any]) -> None:
    """What the restricted pod security standard asks for; the image's own user may be root, so we name one."""
    spec["securityContext"] = {
        "runAsNonRoot": True,
        "runAsUser": NOBODY,
        "runAsGroup": NOBODY,
        "fsGroup": NOBODY,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    container = spec["containers"][0]
    container["securityContext"] = {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    spec["volumes"].append({"name": "tmp", "emptyDir": {}})
    container["volumeMounts"].append({"name": "tmp", "mountPath": "/tmp"})  # noqa: S108 - in the pod, an emptyDir
