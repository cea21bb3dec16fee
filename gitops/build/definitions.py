"""`crds`: field specs in OpenAPI definitions, where extensions mark names, references and labels."""

from __future__ import annotations

from typing import Any

from gitops.build import config, shapes
from gitops.build.files import Files, Where
from gitops.build.kustomization import Kustomization
from gitops.yaml import load_config, plain

_REFERENCE = {
    "version": "x-kubernetes-object-ref-api-version",
    "kind": "x-kubernetes-object-ref-kind",
    "name": "x-kubernetes-object-ref-name-key",
}


def read(kustomization: Kustomization, files: Files) -> config.Config:
    """The field specs in the OpenAPI definitions that `crds` lists (not in CRDs: the field's name misleads).

    Raises:
        BuildError: a file is missing.
    """
    result = config.EMPTY
    for i, path in enumerate(kustomization.entries("crds")):
        at: Where = kustomization.where(f"/crds/{i}")
        found = files.resolve_file(kustomization.folder, str(path), at)
        documents = load_config(files.read(found, at), found)
        definitions = plain(documents[0].value) if documents else {}
        result = result.merged(_from_definitions(definitions if isinstance(definitions, dict) else {}))
    return result


def _from_definitions(definitions: dict[str, Any]) -> config.Config:
    data: dict[str, list[dict[str, Any]]] = {}
    for name in sorted(definitions):
        properties = _properties(definitions, name)
        if {"kind", "apiVersion", "metadata"} <= properties.keys():
            _walk(definitions, name, name.rpartition(".")[2], (), data)
    return config.config_of(data)


def _properties(definitions: dict[str, Any], name: str) -> dict[str, Any]:
    definition = definitions.get(name)
    schema = definition.get("Schema") or definition.get("schema") if isinstance(definition, dict) else None
    properties = schema.get("properties") if isinstance(schema, dict) else None
    return properties if isinstance(properties, dict) else {}


def _walk(definitions: dict[str, Any], name: str, kind: str, path: tuple[str, ...], data: dict[str, Any]) -> None:
    if len(path) > shapes.MAX_DEPTH:
        return
    for field, value in _properties(definitions, name).items():
        if not isinstance(value, dict):
            continue
        here = (*path, field)
        spec = {"kind": kind, "path": "/".join(here)}
        for extension, section in (
            ("x-kubernetes-annotation", "commonAnnotations"),
            ("x-kubernetes-label-selector", "commonLabels"),
            ("x-kubernetes-identity", "namePrefix"),
        ):
            if extension in value:
                data.setdefault(section, []).append(spec)
        if _REFERENCE["version"] in value and _REFERENCE["kind"] in value:
            key = value.get(_REFERENCE["name"]) or "name"
            referrer = {"kind": kind, "path": "/".join((*here, key))}
            target = {"kind": value[_REFERENCE["kind"]], "version": value[_REFERENCE["version"]]}
            data.setdefault("nameReference", []).append({**target, "fieldSpecs": [referrer]})
        if isinstance(value.get("$ref"), str):
            _walk(definitions, value["$ref"], kind, here, data)
