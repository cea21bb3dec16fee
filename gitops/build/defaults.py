"""Where kustomize's transformers work when nothing else is said: its built-in field specs, as data.

Facts from kustomize 5.7.1 (api/internal/konfig/builtinpluginconsts), written by the shape they share: a pod template
sits at a known path in each workload kind, and most references are paths below it.
"""

from __future__ import annotations

from gitops.build.fieldspec import FieldSpec
from gitops.build.identity import Gvk

_WORKLOADS = {
    "Deployment": "spec/template/",
    "ReplicaSet": "spec/template/",
    "DaemonSet": "spec/template/",
    "StatefulSet": "spec/template/",
    "Job": "spec/template/",
    "CronJob": "spec/jobTemplate/spec/template/",
}
_RBAC = "rbac.authorization.k8s.io"
_ADMISSION = "admissionregistration.k8s.io"

_CONFIG_MAP_PATHS = (
    "volumes/configMap/name",
    "containers/env/valueFrom/configMapKeyRef/name",
    "initContainers/env/valueFrom/configMapKeyRef/name",
    "containers/envFrom/configMapRef/name",
    "initContainers/envFrom/configMapRef/name",
    "volumes/projected/sources/configMap/name",
)
_SECRET_PATHS = (
    "volumes/secret/secretName",
    "containers/env/valueFrom/secretKeyRef/name",
    "initContainers/env/valueFrom/secretKeyRef/name",
    "containers/envFrom/secretRef/name",
    "initContainers/envFrom/secretRef/name",
    "imagePullSecrets/name",
    "volumes/projected/sources/secret/name",
)


def _specs(*lines: str, create: bool = False) -> tuple[FieldSpec, ...]:
    """Specs from `path Kind group version` lines; a `-` stands for an empty part."""
    result = []
    for line in lines:
        path, kind, group, version = ([*line.split(), "-", "-", "-"])[:4]
        gvk = Gvk(*("" if part == "-" else part for part in (group, version, kind)))
        result.append(FieldSpec(path, gvk, create))
    return tuple(result)


def _in_pods(paths: tuple[str, ...]) -> tuple[FieldSpec, ...]:
    """The paths below a pod spec in a Pod, a PodTemplate and every workload kind."""
    homes = {"PodTemplate": "template/"} | _WORKLOADS
    pods = tuple(FieldSpec(f"spec/{path}", Gvk("", "v1", "Pod")) for path in paths)
    return pods + tuple(
        FieldSpec(f"{home}spec/{path}", Gvk("", "", kind)) for kind, home in homes.items() for path in paths
    )


def _in_workloads(path: str) -> tuple[FieldSpec, ...]:
    """One path below the pod specs that kustomize lists for accounts, claims and priority classes."""
    homes = {"Pod": ""} | {kind: home for kind, home in _WORKLOADS.items() if kind != "ReplicaSet"}
    homes["ReplicationController"] = "spec/template/"
    return tuple(FieldSpec(f"{home}spec/{path}", Gvk("", "", kind)) for kind, home in homes.items())


NAME_PREFIX = NAME_SUFFIX = _specs("metadata/name")

NAMESPACE = (
    *_specs("metadata/name Namespace", "spec/service/namespace APIService apiregistration.k8s.io", create=True),
    *_specs("spec/conversion/webhook/clientConfig/service/namespace CustomResourceDefinition apiextensions.k8s.io"),
)

TEMPLATE_LABELS = _specs(
    "metadata/labels",
    "spec/template/metadata/labels ReplicationController - v1",
    "spec/template/metadata/labels Deployment",
    "spec/template/metadata/labels ReplicaSet",
    "spec/template/metadata/labels DaemonSet",
    "spec/template/metadata/labels StatefulSet apps",
    "spec/volumeClaimTemplates[]/metadata/labels StatefulSet apps",
    "spec/template/metadata/labels Job batch",
    "spec/jobTemplate/metadata/labels CronJob batch",
    "spec/jobTemplate/spec/template/metadata/labels CronJob batch",
    create=True,
)

_AFFINITY = "spec/template/spec/affinity/"
_SOFT = "/preferredDuringSchedulingIgnoredDuringExecution/podAffinityTerm/labelSelector/matchLabels"
_HARD = "/requiredDuringSchedulingIgnoredDuringExecution/labelSelector/matchLabels"
_SPREAD = tuple(
    f"{path} {kind} apps"
    for kind in ("Deployment", "StatefulSet")
    for path in (
        *(_AFFINITY + which + how for which in ("podAffinity", "podAntiAffinity") for how in (_SOFT, _HARD)),
        "spec/template/spec/topologySpreadConstraints/labelSelector/matchLabels",
    )
)
COMMON_LABELS = (
    *_specs(
        "spec/selector Service - v1",
        "spec/selector ReplicationController - v1",
        "spec/selector/matchLabels Deployment",
        "spec/selector/matchLabels ReplicaSet",
        "spec/selector/matchLabels DaemonSet",
        "spec/selector/matchLabels StatefulSet apps",
        create=True,
    ),
    *_specs(
        *_SPREAD,
        "spec/selector/matchLabels Job batch",
        "spec/jobTemplate/spec/selector/matchLabels CronJob batch",
        "spec/selector/matchLabels PodDisruptionBudget policy",
        "spec/podSelector/matchLabels NetworkPolicy networking.k8s.io",
        "spec/ingress/from/podSelector/matchLabels NetworkPolicy networking.k8s.io",
        "spec/egress/to/podSelector/matchLabels NetworkPolicy networking.k8s.io",
    ),
    *TEMPLATE_LABELS,
)

COMMON_ANNOTATIONS = _specs(
    "metadata/annotations",
    "spec/template/metadata/annotations ReplicationController - v1",
    "spec/template/metadata/annotations Deployment",
    "spec/template/metadata/annotations ReplicaSet",
    "spec/template/metadata/annotations DaemonSet",
    "spec/template/metadata/annotations StatefulSet",
    "spec/template/metadata/annotations Job batch",
    "spec/jobTemplate/metadata/annotations CronJob batch",
    "spec/jobTemplate/spec/template/metadata/annotations CronJob batch",
    create=True,
)

IMAGES = _specs(
    *(
        f"{home}spec/{path}"
        for home in ("", "spec/template/")
        for path in ("containers[]/image", "initContainers[]/image", "volumes[]/image/reference")
    ),
    create=True,
)

REPLICAS = _specs(
    *(f"spec/replicas {kind}" for kind in ("Deployment", "ReplicationController", "ReplicaSet", "StatefulSet")),
    create=True,
)

_VARIABLE_PATHS = ("args", "command", "env/value", "volumeMounts/mountPath")
_VARIABLE_HOMES = {"Pod": ""} | _WORKLOADS
VAR_REFERENCE = (
    *(
        FieldSpec(f"{home}spec/{container}/{path}", Gvk("", "", kind))
        for kind, home in _VARIABLE_HOMES.items()
        for container in ("containers", "initContainers")
        for path in _VARIABLE_PATHS
    ),
    *(
        FieldSpec(f"{home}spec/volumes/nfs/server", Gvk("", "", kind))
        for kind, home in _VARIABLE_HOMES.items()
        if kind not in ("CronJob", "StatefulSet")
    ),
    *_specs(
        "spec/jobTemplate/spec/template/volumes/nfs/server CronJob",
        "spec/template/metadata/annotations Deployment",
        "spec/rules/host Ingress",
        "spec/tls/hosts Ingress",
        "spec/tls/secretName Ingress",
        "spec/ports/port Service",
        "spec/ports/targetPort Service",
        "spec/volumeClaimTemplates/spec/nfs/server StatefulSet",
        "spec/nfs/server PersistentVolume",
        "metadata/labels",
        "metadata/annotations",
    ),
)

_ROLES = _specs("rules/resourceNames Role", "rules/resourceNames ClusterRole")

NAME_REFERENCE: tuple[tuple[Gvk, tuple[FieldSpec, ...]], ...] = (
    *(
        (Gvk("", "", kind), _specs("spec/scaleTargetRef/name HorizontalPodAutoscaler"))
        for kind in ("Deployment", "ReplicationController", "ReplicaSet", "StatefulSet")
    ),
    (
        Gvk("", "v1", "ConfigMap"),
        (
            *_in_pods(_CONFIG_MAP_PATHS),
            *_specs("spec/configSource/configMap Node"),
            *_ROLES,
            *_specs(r"metadata/annotations/nginx.ingress.kubernetes.io\/fastcgi-params-configmap Ingress"),
        ),
    ),
    (
        Gvk("", "v1", "Secret"),
        (
            *_in_pods(_SECRET_PATHS),
            *_specs(
                "spec/tls/secretName Ingress",
                r"metadata/annotations/ingress.kubernetes.io\/auth-secret Ingress",
                r"metadata/annotations/nginx.ingress.kubernetes.io\/auth-secret Ingress",
                r"metadata/annotations/nginx.ingress.kubernetes.io\/auth-tls-secret Ingress",
                "imagePullSecrets/name ServiceAccount",
                "parameters/secretName StorageClass",
                "parameters/adminSecretName StorageClass",
                "parameters/userSecretName StorageClass",
                "parameters/secretRef StorageClass",
            ),
            *_ROLES,
            *_specs(
                "spec/template/spec/containers/env/valueFrom/secretKeyRef/name Service serving.knative.dev v1",
                "spec/azureFile/secretName PersistentVolume",
            ),
        ),
    ),
    (
        Gvk("", "v1", "Service"),
        _specs(
            "spec/serviceName StatefulSet apps",
            "spec/rules/http/paths/backend/serviceName Ingress",
            "spec/backend/serviceName Ingress",
            "spec/rules/http/paths/backend/service/name Ingress",
            "spec/defaultBackend/service/name Ingress",
            "spec/service/name APIService apiregistration.k8s.io",
            f"webhooks/clientConfig/service ValidatingWebhookConfiguration {_ADMISSION}",
            f"webhooks/clientConfig/service MutatingWebhookConfiguration {_ADMISSION}",
        ),
    ),
    (Gvk(_RBAC, "", "Role"), _specs(f"roleRef/name RoleBinding {_RBAC}")),
    (
        Gvk(_RBAC, "", "ClusterRole"),
        _specs(f"roleRef/name RoleBinding {_RBAC}", f"roleRef/name ClusterRoleBinding {_RBAC}"),
    ),
    (
        Gvk("", "v1", "ServiceAccount"),
        (
            *_specs(f"subjects RoleBinding {_RBAC}", f"subjects ClusterRoleBinding {_RBAC}"),
            *_in_workloads("serviceAccountName"),
        ),
    ),
    (Gvk("", "v1", "PersistentVolumeClaim"), _in_workloads("volumes/persistentVolumeClaim/claimName")),
    (
        Gvk("", "v1", "PersistentVolume"),
        _specs("spec/volumeName PersistentVolumeClaim", "rules/resourceNames ClusterRole"),
    ),
    (
        Gvk("storage.k8s.io", "v1", "StorageClass"),
        _specs(
            "spec/storageClassName PersistentVolume",
            "spec/storageClassName PersistentVolumeClaim",
            "spec/volumeClaimTemplates/spec/storageClassName StatefulSet",
        ),
    ),
    (Gvk("scheduling.k8s.io", "v1", "PriorityClass"), _in_workloads("priorityClassName")),
    (Gvk("networking.k8s.io/v1", "v1", "IngressClass"), _specs("spec/ingressClassName Ingress")),
    (
        Gvk(_ADMISSION, "", "ValidatingAdmissionPolicy"),
        _specs(f"spec/policyName ValidatingAdmissionPolicyBinding {_ADMISSION}"),
    ),
)
