"""`crds`: field specs in OpenAPI definitions, where extensions mark names, references and labels."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from gitops import errors
from gitops.build import config, shapes, swagger
from gitops.build.context import Context
from gitops.build.files import Where
from gitops.build.kustomization import Kustomization
from gitops.location import Location
from gitops.yaml import load_config, plain

_REFERENCE = {
    "version": "x-kubernetes-object-ref-api-version",
    "kind": "x-kubernetes-object-ref-kind",
    "name": "x-kubernetes-object-ref-name-key",
}
_SECTIONS = (
    ("x-kubernetes-annotation", "commonAnnotations"),
    ("x-kubernetes-label-selector", "commonLabels"),
    ("x-kubernetes-identity", "namePrefix"),
)
Pay = Callable[[int], None]


def read(kustomization: Kustomization, context: Context) -> config.Config:
    """The field specs in the OpenAPI definitions that `crds` lists (not in CRDs: the field's name misleads).

    Raises:
        BuildError: a file is missing.
    """
    result, files = config.EMPTY, context.files
    for i, path in enumerate(kustomization.entries("crds")):
        at: Where = kustomization.where(f"/crds/{i}")
        found = files.resolve_file(kustomization.folder, str(path), at)
        documents = load_config(files.read(found, at), found)
        definitions = plain(documents[0].value) if documents else {}
        _refuse_others({} if definitions is None else definitions, found)
        pay = functools.partial(context.budget.spend, at=at, what="to follow definitions that refer to each other")
        result = result.merged(_from_definitions(definitions or {}, pay))
    return result


def _refuse_others(definitions: Any, file: str) -> None:
    """Refuse what is no OpenAPI definitions, as kustomize does."""
    found = next(swagger.problems(definitions), None)
    if found is None:
        return
    path, wanted = found
    custom = isinstance(definitions, dict) and definitions.get("kind") == "CustomResourceDefinition"
    raise errors.BuildError(
        f"crds: {file} holds no OpenAPI definitions",
        cause=f"{path or 'the file'} must be {wanted}",
        hint="list a CustomResourceDefinition under resources" if custom else "",
        location=Location(file, 1, 1),
    )


def _from_definitions(definitions: dict[str, Any], pay: Pay) -> config.Config:
    data: dict[str, list[dict[str, Any]]] = {}
    for name in sorted(definitions):
        properties = _properties(definitions, name)
        if {"kind", "apiVersion", "metadata"} <= properties.keys():
            _Walk(definitions, name.rpartition(".")[2], data, pay).into(name, ())
    return config.config_of(data)


def _properties(definitions: dict[str, Any], name: str) -> dict[str, Any]:
    definition = definitions.get(name)
    schema = definition.get("Schema") or definition.get("schema") if isinstance(definition, dict) else None
    properties = schema.get("properties") if isinstance(schema, dict) else None
    return properties if isinstance(properties, dict) else {}


class _Walk:
    """Collects the field specs of one kind, through definitions that refer to others."""

    def __init__(self, definitions: dict[str, Any], kind: str, data: dict[str, Any], pay: Pay) -> None:
        self.definitions = definitions
        self.kind = kind
        self.data = data
        self.pay = pay

    def into(self, name: str, path: tuple[str, ...]) -> None:
        """Collect what one definition says about the fields below a path."""
        if len(path) > shapes.MAX_DEPTH:
            return
        for field, value in _properties(self.definitions, name).items():
            self.pay(1 + len(path))
            if isinstance(value, dict):
                self._field(value, (*path, field))

    def _field(self, value: dict[str, Any], here: tuple[str, ...]) -> None:
        spec = {"kind": self.kind, "path": "/".join(here)}
        for extension, section in _SECTIONS:
            if extension in value:
                self.data.setdefault(section, []).append(spec)
        if _REFERENCE["version"] in value and _REFERENCE["kind"] in value:
            key = value.get(_REFERENCE["name"]) or "name"
            referrer = {"kind": self.kind, "path": "/".join((*here, key))}
            target = {"kind": value[_REFERENCE["kind"]], "version": value[_REFERENCE["version"]]}
            self.data.setdefault("nameReference", []).append({**target, "fieldSpecs": [referrer]})
        if isinstance(value.get("$ref"), str):
            self.into(value["$ref"], here)
