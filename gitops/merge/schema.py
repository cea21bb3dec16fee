"""How lists merge: a small schema of types, and kustomize's one of the Kubernetes API.

A `Type` maps a field to what is known of it: the type below it and, for a list that merges, its keys. The built-in
table holds the facts of Kubernetes 1.21's OpenAPI document, the one compiled into kustomize 5.7.1: only what merges.
A field or kind that is not in it replaces its lists.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Field:
    """One field: the type of its value or items, and merge keys; `()` merges a list of scalars, None replaces."""

    type: str = ""
    keys: tuple[str, ...] | None = None


Type = Mapping[str, Field]
_ANY = "*"


@dataclass(frozen=True, slots=True)
class Schema:
    """Types by name, and the type of each kind by (apiVersion, kind)."""

    types: Mapping[str, Type] = field(default_factory=dict)
    kinds: Mapping[tuple[str, str], str] = field(default_factory=dict)

    def type_of(self, api_version: str, kind: str) -> str:
        """The name of a kind's type; empty if the kind is unknown."""
        return self.kinds.get((api_version, kind), "")

    def field_of(self, type_name: str, name: str) -> Field | None:
        """What is known of a field; None for nothing."""
        fields = self.types.get(type_name)
        if fields is None:
            fields = self.types.get(_short(type_name))
        if not fields:
            return None
        return fields.get(name) or fields.get(_ANY)

    def extended(self, other: Schema) -> Schema:
        """This schema and another, whose kinds and types win."""
        return Schema({**self.types, **other.types}, {**self.kinds, **other.kinds})


_TYPES = """
CSINode metadata:ObjectMeta spec:CSINodeSpec
CSINodeSpec drivers[name]
ComponentStatus conditions[type] metadata:ObjectMeta
Container env[name] ports[containerPort,protocol] volumeDevices[devicePath] volumeMounts[mountPath]
CronJob metadata:ObjectMeta spec:CronJobSpec
CronJobSpec jobTemplate:JobTemplateSpec
EphemeralContainer env[name] volumeDevices[devicePath] volumeMounts[mountPath]
EphemeralVolumeSource volumeClaimTemplate:MetadataOnly
JobTemplateSpec metadata:ObjectMeta spec:WorkloadSpec
MetadataOnly metadata:ObjectMeta
Node metadata:ObjectMeta spec:NodeSpec status:NodeStatus
NodeSpec podCIDRs[]
NodeStatus addresses[type] conditions[type]
ObjectMeta finalizers[] ownerReferences[uid]
Pod metadata:ObjectMeta spec:PodSpec status:PodStatus
PodSpec containers:Container[name] ephemeralContainers:EphemeralContainer[name] hostAliases[ip] \
imagePullSecrets[name] initContainers:Container[name] topologySpreadConstraints[topologyKey,whenUnsatisfiable] \
volumes:Volume[name]
PodStatus conditions[type] podIPs[ip]
PodTemplate metadata:ObjectMeta template:PodTemplateSpec
PodTemplateSpec metadata:ObjectMeta spec:PodSpec
Service metadata:ObjectMeta spec:ServiceSpec status:Status
ServiceAccount metadata:ObjectMeta secrets[name]
ServiceSpec ports[port,protocol]
StatefulSet metadata:ObjectMeta spec:StatefulSetSpec status:Status
StatefulSetSpec template:PodTemplateSpec volumeClaimTemplates:WithStatus
Status conditions[type]
Volume ephemeral:EphemeralVolumeSource
WebhookConfiguration metadata:ObjectMeta webhooks[name]
WithStatus metadata:ObjectMeta status:Status
Workload metadata:ObjectMeta spec:WorkloadSpec status:Status
WorkloadSpec template:PodTemplateSpec
"""

_KINDS = """
CSINode storage.k8s.io/v1,v1beta1:CSINode
ComponentStatus v1:ComponentStatus
CronJob batch/v1,v1beta1:CronJob
Node v1:Node
Pod v1:Pod
PodTemplate v1:PodTemplate
Service v1:Service
ServiceAccount v1:ServiceAccount
StatefulSet apps/v1:StatefulSet
WebhookConfiguration admissionregistration.k8s.io/v1,v1beta1:MutatingWebhookConfiguration \
admissionregistration.k8s.io/v1,v1beta1:ValidatingWebhookConfiguration
WithStatus apiregistration.k8s.io/v1,v1beta1:APIService policy/v1,v1beta1:PodDisruptionBudget v1:Namespace \
v1:PersistentVolumeClaim
Workload apps/v1:DaemonSet apps/v1:Deployment apps/v1:ReplicaSet batch/v1:Job v1:ReplicationController
MetadataOnly apiextensions.k8s.io/v1,v1beta1:CustomResourceDefinition apps/v1:ControllerRevision \
autoscaling/v1,v2beta1,v2beta2:HorizontalPodAutoscaler autoscaling/v1:Scale \
certificates.k8s.io/v1,v1beta1:CertificateSigningRequest coordination.k8s.io/v1,v1beta1:Lease \
discovery.k8s.io/v1,v1beta1:EndpointSlice events.k8s.io/v1,v1beta1:Event extensions/v1beta1:Ingress \
flowcontrol.apiserver.k8s.io/v1beta1:FlowSchema flowcontrol.apiserver.k8s.io/v1beta1:PriorityLevelConfiguration \
networking.k8s.io/v1,v1beta1:Ingress networking.k8s.io/v1,v1beta1:IngressClass networking.k8s.io/v1:NetworkPolicy \
node.k8s.io/v1,v1beta1:RuntimeClass policy/v1beta1:PodSecurityPolicy \
rbac.authorization.k8s.io/v1,v1beta1:ClusterRole rbac.authorization.k8s.io/v1,v1beta1:ClusterRoleBinding \
rbac.authorization.k8s.io/v1,v1beta1:Role rbac.authorization.k8s.io/v1,v1beta1:RoleBinding \
scheduling.k8s.io/v1,v1beta1:PriorityClass storage.k8s.io/v1,v1beta1:CSIDriver \
storage.k8s.io/v1beta1:CSIStorageCapacity storage.k8s.io/v1,v1beta1:StorageClass \
storage.k8s.io/v1,v1beta1:VolumeAttachment v1:Binding v1:ConfigMap v1:Endpoints v1:Event v1:LimitRange \
v1:PersistentVolume v1:ResourceQuota v1:Secret
"""

_SHORT = {
    **dict.fromkeys(("DeploymentSpec", "DaemonSetSpec", "ReplicaSetSpec", "JobSpec"), "WorkloadSpec"),
    "ReplicationControllerSpec": "WorkloadSpec",
    **dict.fromkeys(("Deployment", "DaemonSet", "ReplicaSet", "Job", "ReplicationController"), "Workload"),
    "PersistentVolumeClaim": "WithStatus",
    "PersistentVolumeClaimTemplate": "MetadataOnly",
}
"""Types of the API's document whose merging is that of another one above."""


def _short(name: str) -> str:
    """What the built-in table calls a type of the Kubernetes API's document, which a custom schema may refer to."""
    if not name.startswith("io.k8s."):
        return ""
    last = name.rpartition(".")[2]
    return _SHORT.get(last, last)


_ENTRY = re.compile(r"(?P<name>\w+)(?::(?P<type>\w+))?(?:\[(?P<keys>[\w,]*)\])?")


@functools.cache
def builtin() -> Schema:
    """Kustomize's built-in schema."""
    types: dict[str, Type] = {}
    for line in _TYPES.strip().splitlines():
        name, *entries = line.split()
        types[name] = dict(_field(entry) for entry in entries)
    kinds: dict[tuple[str, str], str] = {}
    for line in _KINDS.strip().splitlines():
        name, *entries = line.split()
        for entry in entries:
            versions, _, kind = entry.partition(":")
            group, slash, listed = versions.rpartition("/")
            kinds.update({(f"{group}{slash}{version}", kind): name for version in listed.split(",")})
    return Schema(types, kinds)


def _field(entry: str) -> tuple[str, Field]:
    found = _ENTRY.fullmatch(entry)
    if found is None:
        raise ValueError(entry)
    keys = found["keys"]
    return found["name"], Field(found["type"] or "", None if keys is None else tuple(filter(None, keys.split(","))))


_STRATEGY = "x-kubernetes-patch-strategy"
_KEY = "x-kubernetes-patch-merge-key"
_KEYS = "x-kubernetes-list-map-keys"
_KINDS_OF = "x-kubernetes-group-version-kind"


class SchemaError(ValueError):
    """A document that is no OpenAPI v2 document."""


def from_openapi(document: Any) -> Schema:
    """The schema in an OpenAPI v2 document: its `definitions`, as a kustomization's `openapi` field names one.

    Raises:
        SchemaError: something in it is not of the type it must have.
    """
    types: dict[str, Type] = {}
    kinds: dict[tuple[str, str], str] = {}
    document = _mapping({"document": document}, "document")
    for name, definition in _mapping(document, "definitions").items():
        if definition is None:
            continue
        if not isinstance(definition, dict):
            raise SchemaError(f"the definition {name} is no mapping")
        _define(types, name, definition)
        listed = definition.get(_KINDS_OF)
        for kind in listed if isinstance(listed, list) else ():
            if isinstance(kind, dict):
                kinds[_kind(kind, name)] = name
    _mapping(document, "paths")
    return Schema(types, kinds)


def _kind(kind: Mapping[str, Any], name: str) -> tuple[str, str]:
    """The apiVersion and kind in an entry of `x-kubernetes-group-version-kind`; kubectl panics without them."""
    parts = [kind.get(part) for part in ("group", "version", "kind")]
    if not all(isinstance(part, str) for part in parts):
        raise SchemaError(f"{_KINDS_OF} of {name} needs group, version and kind, each of them text")
    group, version, said = map(str, parts)
    return f"{group}/{version}" if group else version, said


def _mapping(within: Mapping[str, Any], key: str) -> dict[str, Any]:
    value = within.get(key)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise SchemaError(f"{key} is no mapping")
    return value


def _text(within: Mapping[str, Any], key: str) -> str:
    value = within.get(key)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise SchemaError(f"{key} is no text")
    return value


def _define(types: dict[str, Type], name: str, definition: Mapping[str, Any]) -> None:
    """Record a definition and, under made-up names, the types written inside it."""
    fields = {}
    for key, value in _mapping(definition, "properties").items():
        fields[key] = _openapi_field(types, f"{name}.{key}", value)
    extra = definition.get("additionalProperties")
    if isinstance(extra, dict):
        fields[_ANY] = _openapi_field(types, f"{name}.{_ANY}", extra)
    types[name] = fields


def _openapi_field(types: dict[str, Type], name: str, value: Any) -> Field:
    if not isinstance(value, dict):
        raise SchemaError(f"{name} is no mapping")
    if isinstance(value.get("$ref"), str):
        return Field(_text(value, "$ref").rpartition("/")[2])
    strategy = _text(value, _STRATEGY).split(",")
    keys: tuple[str, ...] | None = None
    if "merge" in strategy:
        listed = value.get(_KEYS)
        single = _text(value, _KEY)
        keys = tuple(map(str, listed)) if isinstance(listed, list) and listed else (single,) if single else ()
    below = _mapping(value, "items") if value.get("type") == "array" else value
    if isinstance(below.get("$ref"), str):
        return Field(_text(below, "$ref").rpartition("/")[2], keys)
    _define(types, name, below)
    return Field(name, keys)
