"""Every value of the chart (2.x and 3.x), what it is without being set, and what becomes of it here.

The keys and defaults are facts of the chart octopusdeploy/kubernetes-agent 3.13; chart 2 has the same keys, fewer of
them under `persistence`. Chart 1 knew deployment targets only; its keys are listed so that they can be told apart.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final


class Fate(StrEnum):
    """What becomes of a value."""

    CARRIED = "carried-over"
    NOT_YET = "not-yet"
    MEANINGLESS = "no-meaning"
    CREDENTIAL = "credential"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One value of the chart; whatever stands below `path` belongs to it.

    `words`: for CARRIED the field of ours; otherwise why not, and what to do instead. `default` is what the chart takes
    when nothing is said.
    """

    path: str
    fate: Fate
    words: str
    default: Any = ""


LINUX: Final[dict[str, Any]] = {
    "nodeAffinity": {
        "requiredDuringSchedulingIgnoredDuringExecution": {
            "nodeSelectorTerms": [
                {
                    "matchExpressions": [
                        {"key": "kubernetes.io/os", "operator": "In", "values": ["linux"]},
                        {"key": "kubernetes.io/arch", "operator": "In", "values": ["arm64", "amd64"]},
                    ]
                }
            ]
        }
    }
}
"""The chart's affinity of agent, script and NFS pods."""

_SERVER = (
    "nothing here connects to an Octopus Server: operations come as Operation objects (`gitops operation run`). "
    "Keep the value for the day that front door exists"
)
_REGISTERED = "there is no registration: who may use a pool is RBAC (the verb `use` on the WorkerPool)"
_TARGET = "settings of a deployment target; a pool stands for a worker"
_UPGRADE = "nothing updates itself here: the version is spec.image of the Worker, changed by a commit"
_ACCOUNT = "the accounts of the program are made with the Worker and named after it"
_PROGRAM = "made for the agent's own program; ours has settings of its own"
_PROBES = "the program has its own probes, /healthz and /readyz"
_HOOK = "there is no install hook: starting up is idempotent"
_RIGHTS = "the program's rights are fixed and narrower; what a commit may grant is spec.commitRules of the Worker"
_VOLUME = (
    "operations share no volume: each has its own working directory (spec.workspace of the pool), "
    "so pods may run on any node"
)
_NFS = f"no NFS server: {_VOLUME}"
_UNBOUND = "the chart binds this role for deployment targets only, so a worker never had it"
_FIXED = "names follow from the names of Worker and WorkerPool"


def _all(fate: Fate, words: str, defaults: Mapping[str, Any], *, under: str = "") -> Iterator[Row]:
    for path, default in defaults.items():
        yield Row(path=f"{under}{path}", fate=fate, words=words, default=default)


def _carried() -> Iterator[Row]:
    fields: dict[str, tuple[str, Any]] = {
        "imagePullSecrets": ("WorkerPool spec.imagePullSecrets", []),
        "agent.name": ("Worker metadata.name", ""),
        "agent.worker.initial.workerPools": ("WorkerPool metadata.name", []),
        "agent.metadata.annotations": ("Worker spec.podTemplate.metadata.annotations", {}),
        "agent.metadata.labels": ("Worker spec.podTemplate.metadata.labels", {}),
        "agent.resources": ("Worker spec.resources", {"requests": {"cpu": "100m", "memory": "150Mi"}}),
        "agent.tolerations": ("Worker spec.podTemplate.spec.tolerations", []),
        "agent.nodeSelector": ("Worker spec.podTemplate.spec.nodeSelector", {}),
        "agent.affinity": ("Worker spec.podTemplate.spec.affinity", LINUX),
        "agent.spec": ("Worker spec.podTemplate.spec", {}),
        "scriptPods.metadata.annotations": ("WorkerPool spec.podTemplate.metadata.annotations", {}),
        "scriptPods.metadata.labels": ("WorkerPool spec.podTemplate.metadata.labels", {}),
        "scriptPods.resources": ("WorkerPool spec.resources", {"requests": {"cpu": "25m", "memory": "100Mi"}}),
        "scriptPods.serviceAccount.name": ("WorkerPool spec.serviceAccount.name", ""),
        "scriptPods.serviceAccount.annotations": ("WorkerPool spec.serviceAccount.annotations", {}),
        "scriptPods.workerRoleRules": ("WorkerPool spec.rbac", []),
        "scriptPods.tolerations": ("WorkerPool spec.podTemplate.spec.tolerations", []),
        "scriptPods.affinity": ("WorkerPool spec.podTemplate.spec.affinity", LINUX),
        "scriptPods.securityContext": ("WorkerPool spec.podTemplate.spec.securityContext", {}),
        "scriptPods.worker.image.repository": ("WorkerPool spec.image", "octopusdeploy/worker-tools"),
        "scriptPods.worker.image.tag": ("WorkerPool spec.image", "ubuntu.24.04"),
        "scriptPods.worker.image.pullPolicy": ("WorkerPool spec.imagePullPolicy", "IfNotPresent"),
        "scriptPods.proxies.http_proxy": ("WorkerPool spec.podTemplate, env of container `operation`", ""),
        "scriptPods.proxies.https_proxy": ("WorkerPool spec.podTemplate, env of container `operation`", ""),
        "scriptPods.proxies.no_proxy": ("WorkerPool spec.podTemplate, env of container `operation`", ""),
        "scriptPods.podTemplate.enabled": ("WorkerPool spec.podTemplate", False),
        "scriptPods.podTemplate.podSpec": ("WorkerPool spec.podTemplate.spec", {}),
        "scriptPods.podTemplate.podMetadata": ("WorkerPool spec.podTemplate.metadata", {}),
        "scriptPods.podTemplate.scriptContainerSpec": ("WorkerPool spec.podTemplate, container `operation`", {}),
        "scriptPods.pendingPodsTimeoutMinutes": ("WorkerPool spec.timeouts.unschedulable and imagePull", 60),
    }
    for path, (field, default) in fields.items():
        yield Row(path=path, fate=Fate.CARRIED, words=field, default=default)


def _image(repository: str, tag: str) -> dict[str, Any]:
    return {"image.repository": repository, "image.pullPolicy": "IfNotPresent", "image.tag": tag}


def _agent() -> Iterator[Row]:
    yield from _all(
        Fate.NOT_YET,
        _SERVER,
        {
            "serverUrl": "",
            "serverCertificateSecretName": "",
            "serverCommsAddress": "",
            "serverCommsAddresses": [],
            "serverSubscriptionId": "",
            "bearerTokenSecretName": "",
            "serverApiKeySecretName": "",
            "usernamePasswordSecretName": "",
            "space": "Default",
            "pollingConnectionCount": 5,
            "pollingProxy.host": "",
            "pollingProxy.port": 80,
        },
        under="agent.",
    )
    log = "there is no field for it; `gitops run -v` says more"
    yield from _all(Fate.NOT_YET, log, {"agent.logLevel": "Info"})
    yield from _all(Fate.NOT_YET, _ACCOUNT, {"agent.serviceAccount.name": "", "agent.serviceAccount.annotations": {}})
    yield from _all(Fate.MEANINGLESS, "our licence is Apache-2.0: nothing to accept", {"agent.acceptEula": "N"})
    yield from _all(Fate.MEANINGLESS, "every import is of a worker", {"agent.worker.enabled": False})
    yield from _all(Fate.MEANINGLESS, _REGISTERED, {"agent.machinePolicyName": ""})
    yield from _all(Fate.MEANINGLESS, "metrics are at /metrics, for Prometheus", {"agent.enableMetricsCapture": True})
    keeps = "a pod is deleted when its log is stored; the log stays (spec.logStore of the Worker)"
    yield from _all(Fate.MEANINGLESS, keeps, {"agent.debug.disableAutoPodCleanup": False})
    program = {**_image("octopusdeploy/kubernetes-agent-tentacle", "9.2.4285"), "image.tagSuffix": ""}
    yield from _all(Fate.MEANINGLESS, "the Worker runs another program: its spec.image", program, under="agent.")
    yield from _all(Fate.MEANINGLESS, _RIGHTS, {"agent.roleRules": []})
    hook: dict[str, Any] = {"roleRules": [], "serviceAccount": {}, "spec": {}, "containers": {}}
    yield from _all(Fate.MEANINGLESS, _HOOK, hook, under="agent.preinstall.")
    yield from _all(
        Fate.MEANINGLESS,
        "the program runs as non-root with a read-only file system by itself",
        {"agent.securityContext": {}},
    )
    containers = {f"{name}.{part}": empty for name in ("tentacle", "watchdog") for part, empty in _CONTAINER.items()}
    yield from _all(Fate.MEANINGLESS, _PROGRAM, containers, under="agent.containers.")
    probes = {
        "maxAgeSeconds": 60,
        "initialDelaySeconds": 30,
        "periodSeconds": 30,
        "timeoutSeconds": 5,
        "failureThreshold": 3,
    }
    yield from _all(Fate.MEANINGLESS, _PROBES, probes, under="agent.livenessProbe.")
    target = {"environments": [], "tags": [], "tenants": [], "tenantTags": [], "defaultNamespace": ""}
    target["tenantedDeploymentParticipation"] = "Untenanted"
    yield from _all(Fate.MEANINGLESS, _TARGET, target, under="agent.deploymentTarget.initial.")
    yield from _all(Fate.MEANINGLESS, _TARGET, {"agent.deploymentTarget.enabled": False})


_CONTAINER: Final[dict[str, Any]] = {"spec": {}, "env": []}


def _script_pods() -> Iterator[Row]:
    budget = (
        "always on here: a PodDisruptionBudget guards operations, for as long as spec.drain.maxWait of the pool says"
    )
    yield from _all(Fate.MEANINGLESS, budget, {"scriptPods.disruptionBudgetEnabled": True})
    account = "scriptPods.serviceAccount."
    ignored = f"{_UNBOUND}; to give it now, write spec.rbac (profile custom: rules, clusterRules, targetNamespaces)"
    roles = {"useNamespacedRoles": False, "clusterRole.enabled": True, "clusterRole.rules": [], "roleRules": []}
    yield from _all(Fate.MEANINGLESS, ignored, {**roles, "targetNamespaces": []}, under=account)
    empty = {"image.repository": "", "image.pullPolicy": "", "image.tag": ""}
    yield from _all(Fate.MEANINGLESS, _TARGET, empty, under="scriptPods.deploymentTarget.")
    events = "pod events are not written into the log: what a pod waits for stands in the operation's status"
    yield from _all(Fate.MEANINGLESS, events, {"scriptPods.logging.disablePodEventsInTaskLog": False})
    calamari = {"enabled": False, "image.repository": "octopusdeploy", "image.pullPolicy": "IfNotPresent"}
    yield from _all(
        Fate.MEANINGLESS, "Calamari belongs to an Octopus Server", calamari, under="scriptPods.calamariImageVolume."
    )
    crd = "the template is a field of the pool, not a kind of its own"
    yield from _all(Fate.MEANINGLESS, crd, {"scriptPods.podTemplate.crdDisabled": False})
    yield from _all(Fate.MEANINGLESS, _NFS, {"scriptPods.podTemplate.watchdogContainerSpec": {}})


def _rest() -> Iterator[Row]:
    yield from _all(Fate.MEANINGLESS, _FIXED, {"nameOverride": ""})
    volume = {"storageClassName": "", "volumeName": "", "size": "10Gi", "persistentVolumeReclaimPolicy": "Retain"}
    yield from _all(Fate.MEANINGLESS, _VOLUME, {"accessModes": ["ReadWriteOnce"], **volume}, under="persistence.")
    nfs = {
        "enabled": False,
        **_image("octopusdeploy/nfs-server", "1.1.0"),
        "backingVolume.storageClassName": "",
        "backingVolume.accessModes": ["ReadWriteOnce"],
        "metadata": {"annotations": {}, "labels": {}},
        "tolerations": [],
        "affinity": LINUX,
        "spec": {},
        "containers": {"nfs": {"spec": {}, "env": []}},
        "watchdog.enabled": True,
        "watchdog.loop_seconds": "",
        "watchdog.initial_backoff_seconds": "",
        "watchdog.timeout_seconds": "",
    }
    nfs |= {f"watchdog.{k}": v for k, v in _image("octopusdeploy/kubernetes-agent-nfs-watchdog", "0.2.0").items()}
    yield from _all(Fate.MEANINGLESS, _NFS, nfs, under="persistence.nfs.")
    roles: dict[str, Any] = {"clusterRoleRules": [], "selfNamespaceRoleRules": [], "targetNamespaceRoleRules": []}
    yield from _all(Fate.MEANINGLESS, _UPGRADE, roles, under="autoUpgrader.")
    yield from _all(Fate.MEANINGLESS, "a worker does not need the monitor", {"kubernetesMonitor": {"enabled": False}})
    data: dict[str, Any] = {"tentacle": {"configMap": {"data": {}}}}
    yield from _all(Fate.MEANINGLESS, "for tests of the chart", {"testing": data})
    yield from _all(Fate.NOT_YET, _SERVER, {"global.serverApiUrl": "", "global.serverCertificateSecretName": ""})
    yield from _all(Fate.MEANINGLESS, _UNBOUND, {"global.targetNamespaces": []})


def _credentials() -> Iterator[Row]:
    server = ("serverApiKey", "bearerToken", "username", "password", "certificate", "serverCertificate")
    for name in (*server, "pollingProxy.username", "pollingProxy.password"):
        yield Row(path=f"agent.{name}", fate=Fate.CREDENTIAL, words=_SERVER)
    yield Row(path="global.serverCertificate", fate=Fate.CREDENTIAL, words=_SERVER)
    registry = f"{_UPGRADE}. If images come from that registry, name the Secret in spec.imagePullSecrets"
    for name in ("username", "password", "registry"):
        yield Row(path=f"agent.upgrade.dockerAuth.{name}", fate=Fate.CREDENTIAL, words=registry)


ROWS: Final[tuple[Row, ...]] = (*_carried(), *_agent(), *_script_pods(), *_rest(), *_credentials())
BY_PATH: Final[Mapping[str, Row]] = {row.path: row for row in ROWS}

NO_SECRETS: Final = frozenset(
    f"agent.{name}"
    for name in ("username", "pollingProxy.username", "upgrade.dockerAuth.username", "upgrade.dockerAuth.registry")
)
"""Parts of credentials that are none by themselves: a registry's name also stands before every image of it."""

CHART_1: Final = frozenset(
    f"agent.{name}" for name in ("targetName", "targetEnvironments", "targetRoles", "targetTenants", "targetTenantTags")
) | {"agent.targetTenantedDeploymentParticipation", "agent.defaultNamespace", "scriptPods.image"}
"""Keys of chart 1, whose values were of a deployment target."""

RULES: Final = tuple(row.path for row in ROWS if row.path.endswith(("Rules", ".rules")))
"""Lists of RBAC rules; the chart takes an empty one for "the default", which mostly is everything."""

_TERMS = ("requiredDuringSchedulingIgnoredDuringExecution", "preferredDuringSchedulingIgnoredDuringExecution")
AFFINITY: Final[Mapping[str, tuple[str, ...]]] = dict.fromkeys(
    ("nodeAffinity", "podAffinity", "podAntiAffinity"), _TERMS
)
"""What an affinity consists of: one nested a level too deep is dropped by Kubernetes without a word."""
