"""What teaches kustomize our kinds: the `configurations` and `openapi` that `base/` ships.

kustomize keeps one schema: a document named by `openapi` stands instead of its own. So ours repeats how the lists of
the built-in kinds merge; without that, a patch of a Deployment beside our kinds would replace its containers.
"""

from __future__ import annotations

from typing import Any

from gitops.api import meta
from gitops.merge import schema as merging

_KINDS = ("Worker", "WorkerPool")
_TEMPLATE = "PodTemplateSpec"
_REFERENCES = {
    "Secret": (
        ("Worker", "spec/imagePullSecrets"),
        ("Worker", "spec/logStore/bucket/credentials/name"),
    ),
    "ConfigMap": (("Worker", "spec/logStore/bucket/ca/name"),),
}
"""What our kinds name in their own namespace. What a pool names is in another one, where kustomize follows no names."""


def configurations() -> dict[str, Any]:
    """Our references and images, in kustomize's words."""
    return {
        "nameReference": [
            {
                "kind": "WorkerPool",
                "group": meta.GROUP,
                "fieldSpecs": [{"kind": "Worker", "group": meta.GROUP, "path": "spec/pools"}],
            },
            *(
                {
                    "kind": kind,
                    "version": "v1",
                    "fieldSpecs": [{"kind": ours, "group": meta.GROUP, "path": path} for ours, path in paths],
                }
                for kind, paths in _REFERENCES.items()
            ),
        ],
        "images": [{"kind": kind, "group": meta.GROUP, "path": "spec/image"} for kind in _KINDS],
    }


def openapi() -> dict[str, Any]:
    """How lists merge, as an OpenAPI v2 document: the built-in kinds as kustomize knows them, and our pod templates."""
    schema = merging.builtin()
    definitions = {name: _definition(fields) for name, fields in sorted(schema.types.items())}
    kinds: dict[str, list[dict[str, str]]] = {}
    for (api_version, kind), name in sorted(schema.kinds.items()):
        group, _, version = api_version.rpartition("/")
        kinds.setdefault(name, []).append({"group": group, "version": version, "kind": kind})
    for name, named in kinds.items():
        definitions[name]["x-kubernetes-group-version-kind"] = named
    for kind in _KINDS:
        definitions[kind] = _ours(kind)
    return {"swagger": "2.0", "info": {"title": "gitops-worker", "version": meta.VERSION}, "definitions": definitions}


def _definition(fields: merging.Type) -> dict[str, Any]:
    return {"type": "object", "properties": {name: _property(field) for name, field in sorted(fields.items())}}


def _property(field: merging.Field) -> dict[str, Any]:
    below = {"$ref": f"#/definitions/{field.type}"} if field.type else {}
    if field.keys is None:
        return below
    merged: dict[str, Any] = {"type": "array", "x-kubernetes-patch-strategy": "merge"}
    if not field.keys:
        return {**merged, "items": {"type": "string"}}
    merged |= {"items": below or {"type": "object"}, "x-kubernetes-patch-merge-key": field.keys[0]}
    return {**merged, "x-kubernetes-list-map-keys": list(field.keys)} if len(field.keys) > 1 else merged


def _ours(kind: str) -> dict[str, Any]:
    template = {"podTemplate": {"$ref": f"#/definitions/{_TEMPLATE}"}}
    return {
        "type": "object",
        "properties": {
            "metadata": {"$ref": "#/definitions/ObjectMeta"},
            "spec": {"type": "object", "properties": template},
        },
        "x-kubernetes-group-version-kind": [{"group": meta.GROUP, "version": meta.VERSION, "kind": kind}],
    }
