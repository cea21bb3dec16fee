"""What all our kinds share: group, metadata, conditions, durations, references."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, Self

from msgspec import Meta, Struct, field

GROUP = "gitops-worker.io"
VERSION = "v1alpha1"
API_VERSION = f"{GROUP}/{VERSION}"
FIELD_MANAGER = "gitops-worker"
"""The one field manager of every server-side apply; the User-Agent tells reconciler, worker and CLI apart."""

# A Go duration without fractions or sub-second units: what people write for timeouts. `seconds` reads it.
DURATION = r"^([0-9]+h)?([0-9]+m)?([0-9]+s)?$"
Duration = Annotated[str, Meta(pattern=DURATION, min_length=2, max_length=32)]
NAME = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"
NAME_OR_NOTHING = rf"{NAME}|^$"
Name = Annotated[str, Meta(pattern=NAME, min_length=1, max_length=63)]
OBJECT_NAME = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$"
ObjectName = Annotated[str, Meta(pattern=OBJECT_NAME, min_length=1, max_length=253)]
LABEL_VALUE = r"^([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?$"
BASE64 = r"^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$"
# An IPv4 or IPv6 prefix, roughly, or nothing: the API server judges the rest.
CIDR = r"^([0-9]{1,3}(\.[0-9]{1,3}){3}|[0-9a-fA-F:]*:[0-9a-fA-F:.]*)/[0-9]{1,3}$|^$"
QUANTITY = r"^[+-]?([0-9]+|[0-9]+\.[0-9]*|\.[0-9]+)(([KMGTPE]i)|[numkMGTPE]|([eE][+-]?[0-9]+))?$"
Quantity = Annotated[
    str | int | float,
    Meta(
        description="A Kubernetes quantity: 500m, 2, 1Gi",
        extra_json_schema={"x-kubernetes-int-or-string": True, "pattern": QUANTITY},
    ),
]
_PART = r"([0-9]+|[xX*])"
_IDS = r"[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*"
_VERSION = rf"v?{_PART}(\.{_PART}(\.{_PART}(-{_IDS})?(\+{_IDS})?)?)?"
_COMPARATOR = rf"(=|!=|>=|<=|>|<|~|\^)?\s*{_VERSION}"
_COMPARATORS = rf"({_COMPARATOR}([ ,]+{_COMPARATOR})*|{_VERSION}\s+-\s+{_VERSION})"
SEMVER_RANGE = rf"^\s*{_COMPARATORS}(\s*\|\|\s*{_COMPARATORS})*\s*$"
"""A range of versions; `gitops.source.semver` reads it."""
URL = r"^[Hh][Tt][Tt][Pp][Ss]?://[!-~]+$"
"""Of a file, roughly; `gitops.objects.address` reads it."""
URLS = r"^https?://([a-z0-9.-]+|\[[0-9a-f:]+\])(:[0-9]{1,5})?/[A-Za-z0-9._~!$&'()*+,;=:@%/-]*$"
"""Of files that are allowed."""
DIGEST = r"^sha256:[0-9a-f]{64}$"
_NAME_IN_WORDS = "lower-case letters, digits and -, at most 63, with a letter or digit at both ends"
IN_WORDS = {
    SEMVER_RANGE: 'a range of versions: ">=1.2.0 <2", "^1.4", "1.x"',
    DURATION: "hours, minutes and seconds: 30s, 5m, 1h30m",
    NAME: _NAME_IN_WORDS,
    NAME_OR_NOTHING: _NAME_IN_WORDS,
    OBJECT_NAME: "lower-case letters, digits, - and ., with a letter or digit at both ends",
    LABEL_VALUE: "letters, digits, -, _ and ., at most 63, with a letter or digit at both ends",
    BASE64: "base64 (in a Secret, `stringData` takes plain text)",
    CIDR: "a range of addresses: 10.0.0.0/8, fd00::/8",
    URL: "the URL of a file: https://files.example/releases/big.tar",
    URLS: "a URL without query that ends in a slash or names one file: https://files.example/releases/",
    DIGEST: "sha256: and 64 hexadecimal digits, as sha256sum prints them",
    QUANTITY: "a quantity: 500m, 2, 128Mi, 1.5Gi",
}
"""What a pattern wants, for error messages."""


class Word(StrEnum):
    """Base of the words a field may hold. One that a newer schema added is read as itself, and is none of ours.

    An object with such a word must not be lost to an old replica: where words decide, what is known is asked for, and
    the careful way is taken for all others.
    """

    @classmethod
    def _missing_(cls, value: object) -> Self | None:
        if not isinstance(value, str):
            return None
        word = str.__new__(cls, value)
        word._name_ = word._value_ = value
        return word


def one_of(*words: str) -> dict[str, Any]:
    """The JSON Schema of a text that is one of these words, for fields that pass them on unread."""
    return {"enum": sorted(words)}


class Wire(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """Base of everything that travels as JSON; unknown fields are ignored when reading."""


class Metadata(Wire, frozen=True, kw_only=True):
    """The part of ObjectMeta this program reads."""

    name: str = ""
    namespace: str = ""
    uid: str = ""
    resource_version: str = ""
    generation: int = 0
    creation_timestamp: str = ""
    deletion_timestamp: str = ""
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}
    finalizers: list[str] = []


class Condition(Wire, frozen=True, kw_only=True, omit_defaults=False):
    """metav1.Condition."""

    type: str
    status: str
    reason: str
    message: str = ""
    last_transition_time: str = ""
    observed_generation: int = 0


class LocalReference(Wire, frozen=True, kw_only=True):
    """An object of a fixed kind in the same namespace, by name."""

    name: Annotated[ObjectName, Meta(description="Name of the object, in the same namespace")]


class KeyReference(Wire, frozen=True, kw_only=True):
    """One key of an object of a fixed kind in the same namespace."""

    name: Annotated[ObjectName, Meta(description="Name of the object, in the same namespace")]
    key: Annotated[str, Meta(description="The key in its data", min_length=1, max_length=253)]


class Resources(Wire, frozen=True, kw_only=True):
    """Requests and limits of a container, as in a pod."""

    requests: Annotated[
        dict[str, Quantity], Meta(description="What the scheduler reserves; the autoscaler counts these")
    ] = {}
    limits: Annotated[dict[str, Quantity], Meta(description="What the kernel enforces")] = {}


class PolicyRule(Wire, frozen=True, kw_only=True):
    """One RBAC rule, as in a Role."""

    verbs: Annotated[list[str], Meta(min_length=1, description="get, list, watch, create, update, patch, delete, …")]
    api_groups: Annotated[list[str], Meta(description="API groups; the empty string is the core group")] = []
    resources: Annotated[list[str], Meta(description="Resources, plural; `pods/log` for a subresource")] = []
    resource_names: Annotated[list[str], Meta(description="Only these objects; empty means all")] = []
    # Kubernetes' own spelling, which no renaming rule gives.
    non_resource_urls: Annotated[list[str], Meta(description="Paths that are no resources; in cluster rules")] = field(
        name="nonResourceURLs", default_factory=list
    )


_MAP = {"type": "object", "maxProperties": 128, "additionalProperties": {"type": "string"}}
_OPEN = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}


def _template() -> dict[str, Any]:
    """The part of a pod template that rules speak of; the rest passes unseen and the server judges the pod."""
    text = {"type": "string"}
    metadata = {"type": "object", "properties": {"labels": _MAP, "annotations": _MAP}}
    container = {
        **_OPEN,
        "required": ["name"],
        "properties": {
            "name": {**text, "maxLength": 63},
            "image": text,
            "command": {"type": "array", "items": text},
            "args": {"type": "array", "items": text},
            "tty": {"type": "boolean"},
            "stdin": {"type": "boolean"},
            "lifecycle": _OPEN,
            "terminationMessagePath": text,
            "terminationMessagePolicy": text,
            "workingDir": text,
        },
    }
    spec = {
        **_OPEN,
        "properties": {
            "restartPolicy": text,
            "activeDeadlineSeconds": {"type": "integer", "format": "int64"},
            "enableServiceLinks": {"type": "boolean"},
            "serviceAccountName": text,
            "serviceAccount": text,
            "volumes": {
                "type": "array",
                "maxItems": 128,
                "items": {**_OPEN, "required": ["name"], "properties": {"name": {**text, "maxLength": 63}}},
                "x-kubernetes-list-type": "map",
                "x-kubernetes-list-map-keys": ["name"],
            },
            "containers": {
                "type": "array",
                "maxItems": 32,
                "items": container,
                "x-kubernetes-list-type": "map",
                "x-kubernetes-list-map-keys": ["name"],
            },
        },
    }
    return {**_OPEN, "properties": {"metadata": metadata, "spec": spec}}


# A pod template is Kubernetes' own type: kept as data, checked by rules of ours (protected fields) and by the server.
PodTemplate = Annotated[dict[str, Any], Meta(extra_json_schema=_template())]
