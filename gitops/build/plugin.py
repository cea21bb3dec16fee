"""One configured generator or transformer: what its file may say, where it stands, what its work costs."""

from __future__ import annotations

from typing import Any

from gitops import errors
from gitops.build import budget, shapes
from gitops.build.collection import Collection
from gitops.build.config import spec_of
from gitops.build.context import Context, Mark
from gitops.build.fieldspec import FieldSpecs
from gitops.build.kustomization import ConfigFile, Kustomization
from gitops.build.resource import Resource
from gitops.location import Location

_LOOSE = shapes.LOOSE
_SPECS = [{"group": _LOOSE, "version": _LOOSE, "kind": _LOOSE, "path": _LOOSE, "create": bool}]
_META = {"metadata": {"name": _LOOSE, "namespace": _LOOSE}}
VALUE_TARGETS = [{"selector": shapes.LOOSE_SELECTOR, "fieldPath": _LOOSE, "filePathPosition": int}]
_SHAPES: dict[str, dict[str, Any]] = {
    "ConfigMapGenerator": {**_META, **shapes.CONFIG_MAP},
    "SecretGenerator": {**_META, **shapes.SECRET},
    "IAMPolicyGenerator": {
        "cloud": str,
        "kubernetesService": {"name": str, "namespace": str},
        "serviceAccount": {"name": str, "projectId": str},
    },
    "AnnotationsTransformer": {"annotations": shapes.LOOSE_MAP, "fieldSpecs": _SPECS},
    "HashTransformer": {},
    "ImageTagTransformer": {"imageTag": shapes.LOOSE_IMAGE, "fieldSpecs": _SPECS},
    "LabelTransformer": {"labels": shapes.LOOSE_MAP, "fieldSpecs": _SPECS},
    "NamespaceTransformer": {**_META, "fieldSpecs": _SPECS, "unsetOnly": bool, "setRoleBindingSubjects": str},
    "PatchJson6902Transformer": {"target": shapes.LOOSE_SELECTOR, "path": _LOOSE, "jsonOp": _LOOSE},
    "PatchStrategicMergeTransformer": {"paths": [str], "patches": str},
    "PatchTransformer": {**shapes.PATCH, "target": shapes.LOOSE_SELECTOR},
    "PrefixSuffixTransformer": {"prefix": _LOOSE, "suffix": _LOOSE, "fieldSpecs": _SPECS},
    "PrefixTransformer": {"prefix": _LOOSE, "fieldSpecs": _SPECS},
    "SuffixTransformer": {"suffix": _LOOSE, "fieldSpecs": _SPECS},
    "ReplacementTransformer": {"replacements": [{**shapes.REPLACEMENT, "path": str}]},
    "ReplicaCountTransformer": {"replica": shapes.REPLICA, "fieldSpecs": _SPECS},
    "ValueAddTransformer": {
        "value": object,
        "targets": VALUE_TARGETS,
        "targetFilePath": str,
    },
}


class Plugin:
    """What an entry of `generators`, `transformers` or `validators` names.

    Raises:
        BuildError: its kind is not built in, or a field of its is not of the kind's shape.
    """

    def __init__(self, resource: Resource, kustomization: Kustomization, context: Context) -> None:
        self.resource = resource
        self.kind = resource.kind
        self.kustomization = kustomization
        self.context = context
        self.settings = self._settings()

    def at(self) -> Location:
        """Where the configuration stands."""
        return self.resource.start

    @property
    def file(self) -> ConfigFile:
        """The file of the configuration, in which nothing but its start is known."""
        return ConfigFile(path=self.resource.start.file, text=b"", data={})

    @property
    def mark(self) -> Mark:
        """Stamps values this plugin makes."""
        return self.context.mark_at(self.resource.start)

    def pay(self, steps: int) -> None:
        """Pay for a part of the work."""
        self.context.budget.spend(steps, self.at, f"to run {self.kind}")

    def visit(self, collection: Collection, text: str, times: int = 1) -> None:
        """Pay for writing a text so many times into every object, wherever the field specs say."""
        places = budget.places(budget.kinds(collection.resources), self.specs)
        self.pay(times * places * (budget.LABELLED + budget.text_steps(text)))

    def rename(self, collection: Collection, text: str) -> None:
        """Pay for a new name or namespace of every object."""
        places = budget.places(budget.kinds(collection.resources), self.specs)
        self.pay(budget.renaming(collection.resources, text) + budget.PLACED * places)

    @property
    def specs(self) -> FieldSpecs:
        """The configured field specs."""
        return FieldSpecs(map(spec_of, self.settings.get("fieldSpecs") or ()))

    def _settings(self) -> dict[str, Any]:
        data = self.resource.data
        if data.get("apiVersion") != "builtin" or self.kind not in _SHAPES:
            refused = (
                "Helm charts are not inflated" if "Helm" in self.kind else "only kustomize's built-in kinds run here"
            )
            raise errors.BuildError(
                f"the plugin {self.kind} ({data.get('apiVersion')}) is refused: {refused}",
                hint="write it as a patch, or commit what it makes as a resource",
                location=self.resource.start,
            )
        problems: list[errors.BuildError] = []

        def report(_pointer: str, message: str, hint: str) -> None:
            problems.append(errors.BuildError(f"{self.kind}: {message}", hint=hint, location=self.resource.start))

        settings: dict[str, Any] = shapes.checked(data, _SHAPES[self.kind], report, strict=False) or {}
        if problems:
            raise problems[0]
        return settings
