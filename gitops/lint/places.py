"""What a scalar's place wants: a string, a boolean, a file mode, or something that cannot be told."""

from __future__ import annotations

import re
from enum import StrEnum
from functools import cache
from typing import Any

from gitops.api import crds
from gitops.api.meta import GROUP
from gitops.api.structural import Schema
from gitops.build import shapes
from gitops.lint.files import Role


class Wanted(StrEnum):
    """The type of a place."""

    STRING = "string"
    BOOLEAN = "boolean"
    MODE = "mode"
    ANNOTATION = "annotation"
    """A string; kustomize keeps its spelling, so that a number does no harm."""
    UNKNOWN = "unknown"


_STRINGS = re.compile(
    r"/metadata/(labels/[^/]+|name|namespace|generateName)$"
    r"|/(matchLabels|nodeSelector)/[^/]+$"
    r"|/(containers|initContainers|ephemeralContainers)/\d+/((command|args)/\d+|env/\d+/(name|value)|image|name)$"
)
_ANNOTATION = re.compile(r"/metadata/annotations/[^/]+$")
_MODE = re.compile(r"/(defaultMode|mode)$")
_BY_KIND = {
    "ConfigMap": re.compile(r"^/(data|binaryData)/[^/]+$"),
    "Secret": re.compile(r"^/(data|stringData)/[^/]+$"),
    "Service": re.compile(r"^/spec/selector/[^/]+$"),
    "StorageClass": re.compile(r"^/parameters/[^/]+$"),
}


def wanted(role: Role, header: tuple[str, str], pointer: str) -> Wanted:
    """What stands at a JSON Pointer of a document with this apiVersion and kind, in a file of this role."""
    if role is Role.KUSTOMIZATION:
        return _in_kustomization(pointer)
    api_version, kind = header
    if not kind:
        return Wanted.UNKNOWN
    if _ANNOTATION.search(pointer):
        return Wanted.ANNOTATION
    if _MODE.search(pointer):
        return Wanted.MODE
    own = _BY_KIND.get(kind)
    if _STRINGS.search(pointer) or (own is not None and own.search(pointer)):
        return Wanted.STRING
    return _in_ours(kind, pointer) if api_version.startswith(f"{GROUP}/") else Wanted.UNKNOWN


def _in_ours(kind: str, pointer: str) -> Wanted:
    schema = _schema_at(_schema_of(kind), pointer)
    return {"string": Wanted.STRING, "boolean": Wanted.BOOLEAN}.get(schema.get("type", ""), Wanted.UNKNOWN)


@cache
def _schema_of(kind: str) -> Schema:
    known = crds.kind_named(kind)
    return crds.schema(known) if known else {}


def _schema_at(schema: Schema, pointer: str) -> Schema:
    for part in pointer.split("/")[1:]:
        key = part.replace("~1", "/").replace("~0", "~")
        below = schema.get("properties", {}).get(key) or schema.get("additionalProperties") or schema.get("items")
        if not isinstance(below, dict):
            return {}
        schema = below
    return schema


def _in_kustomization(pointer: str) -> Wanted:
    shape: Any = shapes.KUSTOMIZATION
    for part in pointer.split("/")[1:]:
        if isinstance(shape, list):
            shape = shape[0]
        elif shape is dict:
            shape = str
        elif isinstance(shape, dict):
            folded = {name.lower(): below for name, below in shape.items()}
            shape = folded.get(part.lower(), object)
        else:
            return Wanted.UNKNOWN
    if shape is str:
        return Wanted.STRING
    return Wanted.BOOLEAN if shape is bool else Wanted.UNKNOWN
