"""What a scalar's place wants: a string, a boolean, a number, a file mode, or something that cannot be told."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from typing import Any

from gitops.api import crds
from gitops.api.meta import BASE64, GROUP, LABEL_VALUE, OBJECT_NAME
from gitops.api.structural import Schema
from gitops.build import shapes
from gitops.lint.files import Role


class Wanted(StrEnum):
    """The type of a place."""

    STRING = "string"
    BOOLEAN = "boolean"
    INTEGER = "integer"
    QUANTITY = "quantity"
    """A number, or a string that is one with a unit."""
    MODE = "mode"
    ANNOTATION = "annotation"
    """A string; kustomize keeps its spelling, so that a number does no harm."""
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Place:
    """What is wanted; of a string, `schema` says which ones are allowed."""

    wanted: Wanted
    schema: Schema = field(default_factory=dict)


_TEXT: Schema = {"type": "string"}
_LABEL: Schema = {"type": "string", "maxLength": 63, "pattern": LABEL_VALUE}
_NAME: Schema = {"type": "string", "maxLength": 253, "pattern": OBJECT_NAME}
_ENCODED: Schema = {"type": "string", "pattern": BASE64}
_CONTAINER = r"/(containers|initContainers|ephemeralContainers)/\d+"
_STRINGS = (
    (re.compile(r"/(metadata/labels|matchLabels|nodeSelector)/[^/]+$"), _LABEL),
    (re.compile(rf"/metadata/(name|namespace|generateName)$|{_CONTAINER}/name$"), _NAME),
    (re.compile(rf"{_CONTAINER}/((command|args)/\d+|env/\d+/(name|value)|image)$"), _TEXT),
)
_ANNOTATION = re.compile(r"/metadata/annotations/[^/]+$")
_MODE = re.compile(r"/(defaultMode|mode)$")
_BY_KIND = {
    "ConfigMap": ((re.compile(r"^/data/[^/]+$"), _TEXT), (re.compile(r"^/binaryData/[^/]+$"), _ENCODED)),
    "Secret": ((re.compile(r"^/stringData/[^/]+$"), _TEXT), (re.compile(r"^/data/[^/]+$"), _ENCODED)),
    "Service": ((re.compile(r"^/spec/selector/[^/]+$"), _LABEL),),
    "StorageClass": ((re.compile(r"^/parameters/[^/]+$"), _TEXT),),
}
_OF_TYPE = {"boolean": Wanted.BOOLEAN, "integer": Wanted.INTEGER}
_OF_SHAPE = {str: Place(Wanted.STRING, _TEXT), bool: Place(Wanted.BOOLEAN), int: Place(Wanted.INTEGER)}
UNKNOWN = Place(Wanted.UNKNOWN)


def at(role: Role, header: tuple[str, str], pointer: str) -> Place:
    """What stands at a JSON Pointer of a document with this apiVersion and kind, in a file of this role."""
    if role is Role.KUSTOMIZATION:
        return _in_kustomization(pointer)
    api_version, kind = header
    if not kind:
        return UNKNOWN
    if _ANNOTATION.search(pointer):
        return Place(Wanted.ANNOTATION, _TEXT)
    ours = _in_ours(kind, pointer) if api_version.startswith(f"{GROUP}/") else UNKNOWN
    if ours != UNKNOWN:
        return ours
    if _MODE.search(pointer):
        return Place(Wanted.MODE)
    for pattern, schema in (*_BY_KIND.get(kind, ()), *_STRINGS):
        if pattern.search(pointer):
            return Place(Wanted.STRING, schema)
    return UNKNOWN


def _in_ours(kind: str, pointer: str) -> Place:
    schema = _schema_at(_schema_of(kind), pointer)
    if schema.get("x-kubernetes-int-or-string"):
        return Place(Wanted.QUANTITY)
    named = schema.get("type", "")
    return Place(Wanted.STRING, schema) if named == "string" else Place(_OF_TYPE.get(named, Wanted.UNKNOWN))


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


def _in_kustomization(pointer: str) -> Place:
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
            return UNKNOWN
    return _OF_SHAPE.get(shape, UNKNOWN) if isinstance(shape, type) else UNKNOWN
