"""Where the transformers of one build work: the defaults, and what `configurations` files add."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from typing import Any

from gitops.build import defaults
from gitops.build.fieldspec import FieldSpec, FieldSpecs
from gitops.build.identity import Gvk

Reference = tuple[Gvk, FieldSpecs]
"""A kind that is referred to by name, and the fields that do."""

_FIRST = (
    "Namespace",
    "ResourceQuota",
    "StorageClass",
    "CustomResourceDefinition",
    "ServiceAccount",
    "PodSecurityPolicy",
    "Role",
    "ClusterRole",
    "RoleBinding",
    "ClusterRoleBinding",
    "ConfigMap",
    "Secret",
    "Endpoints",
    "Service",
    "LimitRange",
    "PriorityClass",
    "PersistentVolume",
    "PersistentVolumeClaim",
    "Deployment",
    "StatefulSet",
    "CronJob",
    "PodDisruptionBudget",
)
_LAST = ("MutatingWebhookConfiguration", "ValidatingWebhookConfiguration")
KIND_ORDER = {kind: i - len(_FIRST) for i, kind in enumerate(_FIRST)} | {kind: 1 + i for i, kind in enumerate(_LAST)}
"""kustomize's legacy order of kinds; a kind that is not in it stands at 0, between the two groups."""


def sort_text(gvk: Gvk) -> str:
    """A kind as the legacy order compares it."""
    return f"{gvk.group or '~G'}_{gvk.version or '~V'}_{gvk.kind or '~K'}"


def _order(gvk: Gvk) -> tuple[int, str]:
    return KIND_ORDER.get(gvk.kind, 0), sort_text(gvk)


def _sorted(specs: FieldSpecs) -> FieldSpecs:
    return FieldSpecs(sorted(specs, key=lambda spec: _order(spec.gvk)))


_NO_SPECS = ("name_reference", "complete")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Config:
    """Field specs by transformer, named as in a `configurations` file (with underscores)."""

    name_prefix: FieldSpecs = field(default_factory=FieldSpecs)
    name_suffix: FieldSpecs = field(default_factory=FieldSpecs)
    namespace: FieldSpecs = field(default_factory=FieldSpecs)
    common_labels: FieldSpecs = field(default_factory=FieldSpecs)
    labels: FieldSpecs = field(default_factory=FieldSpecs)
    template_labels: FieldSpecs = field(default_factory=FieldSpecs)
    common_annotations: FieldSpecs = field(default_factory=FieldSpecs)
    var_reference: FieldSpecs = field(default_factory=FieldSpecs)
    images: FieldSpecs = field(default_factory=FieldSpecs)
    replicas: FieldSpecs = field(default_factory=FieldSpecs)
    name_reference: tuple[Reference, ...] = ()
    complete: bool = False
    """Whether adding the defaults is known to change nothing: every kustomization does it again."""

    def __len__(self) -> int:
        lists = [getattr(self, f.name) for f in fields(self) if f.name not in _NO_SPECS]
        return sum(map(len, lists)) + sum(1 + len(specs) for _, specs in self.name_reference)

    def merged(self, other: Config) -> Config:
        """This configuration and another; order as kustomize sorts it.

        Raises:
            BuildError: the two disagree on whether to create a field.
        """
        if other is self or other is EMPTY or (other is DEFAULT and self.complete):
            return self
        if self is EMPTY and other.complete:
            return other
        specs: dict[str, Any] = {
            f.name: _sorted(getattr(self, f.name).merged(getattr(other, f.name)))
            for f in fields(self)
            if f.name not in _NO_SPECS
        }
        references = _merged_references(self.name_reference, other.name_reference)
        found = Config(**specs, name_reference=references)
        return replace(found, complete=True) if other is DEFAULT and len(found) == len(self) else found


def _merged_references(mine: tuple[Reference, ...], others: tuple[Reference, ...]) -> tuple[Reference, ...]:
    result = list(mine)
    places = {gvk: i for i, (gvk, _) in reversed(list(enumerate(mine)))}
    for gvk, specs in others:
        place = places.setdefault(gvk, len(result))
        if place == len(result):
            result.append((gvk, specs))
        else:
            result[place] = (gvk, result[place][1].merged(specs))
    return tuple(sorted(result, key=lambda reference: _order(reference[0])))


EMPTY = Config()
"""No field specs at all: what a build starts from."""

DEFAULT = Config(
    name_prefix=_sorted(FieldSpecs(defaults.NAME_PREFIX)),
    name_suffix=_sorted(FieldSpecs(defaults.NAME_SUFFIX)),
    namespace=_sorted(FieldSpecs(defaults.NAMESPACE)),
    common_labels=_sorted(FieldSpecs(defaults.COMMON_LABELS)),
    template_labels=_sorted(FieldSpecs(defaults.TEMPLATE_LABELS)),
    common_annotations=_sorted(FieldSpecs(defaults.COMMON_ANNOTATIONS)),
    var_reference=_sorted(FieldSpecs(defaults.VAR_REFERENCE)),
    images=_sorted(FieldSpecs(defaults.IMAGES)),
    replicas=_sorted(FieldSpecs(defaults.REPLICAS)),
    name_reference=_merged_references((), tuple((gvk, FieldSpecs(specs)) for gvk, specs in defaults.NAME_REFERENCE)),
    complete=True,
)


def spec_of(entry: dict[str, Any]) -> FieldSpec:
    """A field spec as a configuration file or a plugin writes it (already checked)."""
    return FieldSpec(entry.get("path", ""), gvk_in(entry), entry.get("create", False))


def gvk_in(entry: dict[str, Any]) -> Gvk:
    """The kind parts of an entry."""
    return Gvk(entry.get("group", ""), entry.get("version", ""), entry.get("kind", ""))


def config_of(data: dict[str, Any]) -> Config:
    """The configuration a checked `configurations` file holds."""
    names = {
        "namePrefix": "name_prefix",
        "nameSuffix": "name_suffix",
        "namespace": "namespace",
        "commonLabels": "common_labels",
        "labels": "labels",
        "templateLabels": "template_labels",
        "commonAnnotations": "common_annotations",
        "varReference": "var_reference",
        "images": "images",
        "replicas": "replicas",
    }
    specs: dict[str, Any] = {
        mine: _sorted(FieldSpecs(map(spec_of, data.get(theirs) or ()))) for theirs, mine in names.items()
    }
    references = tuple(
        (gvk_in(entry), FieldSpecs(map(spec_of, entry.get("fieldSpecs") or ())))
        for entry in data.get("nameReference") or ()
    )
    return Config(**specs, name_reference=tuple(sorted(references, key=lambda reference: _order(reference[0]))))
