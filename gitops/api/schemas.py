"""JSON Schemas (draft 2020-12) of our kinds, for editors: `# yaml-language-server: $schema=…`."""

from __future__ import annotations

from typing import Any

from gitops.api import crds
from gitops.api.meta import API_VERSION, GROUP, VERSION
from gitops.api.structural import Schema

_ONLY_KUBERNETES = "x-kubernetes-"
_NUMBER_FORMATS = {"int64", "int32", "double"}


def address(kind: str) -> str:
    """The schema's address, which is its name too."""
    return f"https://{GROUP}/schemas/{VERSION}/{kind.lower()}.json"


def editor_line(kind: str) -> str:
    """The comment that tells an editor the schema of the file that begins with it."""
    return f"# yaml-language-server: $schema={address(kind)}"


def json_schema(kind: crds.Kind) -> dict[str, Any]:
    """The JSON Schema of one kind; unknown fields are errors, as in the strict validator."""
    schema = _closed(crds.schema(kind))
    properties = schema["properties"]
    properties["apiVersion"]["const"] = API_VERSION
    properties["kind"]["const"] = kind.name
    # What the program writes is nothing to be completed by an editor.
    del properties["status"]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": address(kind.name),
        "title": kind.name,
        **schema,
        "required": ["apiVersion", "kind", "metadata", "spec"],
    }


def of_all() -> dict[str, Any]:
    """One JSON Schema for a file of any of our kinds, chosen by `kind`."""
    each = [json_schema(kind) for kind in crds.KINDS]
    return {
        "$schema": each[0]["$schema"],
        "$id": address("all"),
        "title": GROUP,
        "type": "object",
        "required": ["apiVersion", "kind"],
        "properties": {"kind": {"enum": [kind.name for kind in crds.KINDS]}},
        "allOf": [
            {"if": {"properties": {"kind": {"const": kind.name}}, "required": ["kind"]}, "then": schema}
            for kind, schema in zip(crds.KINDS, each, strict=True)
        ],
    }


def _closed(schema: Schema) -> dict[str, Any]:
    kept = {key: value for key, value in schema.items() if not key.startswith(_ONLY_KUBERNETES)}
    if kept.get("format") in _NUMBER_FORMATS:
        del kept["format"]
    if "properties" in schema:
        kept["properties"] = {name: _closed(value) for name, value in schema["properties"].items()}
        if not schema.get("x-kubernetes-preserve-unknown-fields"):
            kept["additionalProperties"] = False
    for key in ("items", "additionalProperties"):
        if isinstance(schema.get(key), dict):
            kept[key] = _closed(schema[key])
    return kept
