"""What may stand in a kustomization, and in the files it names: every field and its type.

Field names match whatever their case, as in kustomize (Go's JSON decoder); what comes out has the canonical names.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gitops.yaml.scalars import is_null, is_string, plain, text_of
from gitops.yaml.tracked import Unquoted

Shape = Any
"""`str`, `bool`, `int`, `dict` (strings by name), `object` (anything), `LOOSE`, `LOOSE_MAP`, a dict of fields, or a
list of one of these."""

Report = Callable[[str, str, str], None]
"""Called with pointer, message and hint for everything wrong."""

MAX_DEPTH = 50
"""Levels of nesting followed in definitions that refer to each other."""

LOOSE = "loose"
"""A string for which a number or a boolean may stand: the YAML library inside kubectl takes its text where it can."""

LOOSE_MAP = "loose map"
"""A mapping of such strings."""

_GVK = {"group": str, "version": str, "kind": str}
FIELD_SPEC = {**_GVK, "path": str, "create": bool}
_CONFIGURED_SPEC = {**FIELD_SPEC, "path": LOOSE}
_META = {"name": str, "namespace": str, "labels": dict, "annotations": dict}
SELECTOR = {**_GVK, "name": str, "namespace": str, "annotationSelector": str, "labelSelector": str}
_FLAGS = {"allowNameChange": bool, "allowKindChange": bool}
PATCH = {"path": str, "patch": str, "target": SELECTOR, "options": _FLAGS}
IMAGE = {"name": str, "newName": str, "tagSuffix": str, "newTag": str, "digest": str}
LABEL = {"pairs": dict, "includeSelectors": bool, "includeTemplates": bool, "fields": [FIELD_SPEC]}
REPLICA = {"name": str, "count": int}
GENERATOR_OPTIONS = {"labels": dict, "annotations": dict, "disableNameSuffixHash": bool, "immutable": bool}
CONFIG_MAP = {
    "namespace": str,
    "name": str,
    "behavior": str,
    "literals": [str],
    "files": [str],
    "envs": [str],
    "env": str,
    "options": GENERATOR_OPTIONS,
}
SECRET = {**CONFIG_MAP, "type": str}
_FIELD_OPTIONS = {"delimiter": str, "index": int, "encoding": str, "create": bool}
_SOURCE = {**_GVK, "name": str, "namespace": str, "fieldPath": str, "options": _FIELD_OPTIONS}
_TARGET = {"select": SELECTOR, "reject": [SELECTOR], "fieldPaths": [str], "options": _FIELD_OPTIONS}
LOOSE_IMAGE = dict.fromkeys(IMAGE, LOOSE)
LOOSE_SELECTOR = {**SELECTOR, "annotationSelector": LOOSE, "labelSelector": LOOSE}
REPLACEMENT = {"source": _SOURCE, "sourceValue": str, "targets": [_TARGET]}
VAR = {
    "name": str,
    "objref": {**_GVK, "apiVersion": str, "name": str, "namespace": str},
    "fieldref": {"fieldPath": str},
}
SORT_OPTIONS = {"order": str, "legacySortOptions": {"orderFirst": [str], "orderLast": [str]}}

KUSTOMIZATION: dict[str, Shape] = {
    "apiVersion": str,
    "kind": str,
    "metadata": _META,
    "openapi": dict,
    "namePrefix": str,
    "nameSuffix": str,
    "namespace": str,
    "commonLabels": dict,
    "labels": [LABEL],
    "commonAnnotations": dict,
    "patchesStrategicMerge": [str],
    "patchesJson6902": [PATCH],
    "patches": [PATCH],
    "images": [IMAGE],
    "imageTags": [IMAGE],
    "replacements": [{**REPLACEMENT, "path": str}],
    "replicas": [REPLICA],
    "vars": [VAR],
    "sortOptions": SORT_OPTIONS,
    "resources": [str],
    "components": [str],
    "crds": [str],
    "bases": [str],
    "configMapGenerator": [CONFIG_MAP],
    "secretGenerator": [SECRET],
    "helmGlobals": {"chartHome": str, "configHome": str},
    "helmCharts": [object],
    "helmChartInflationGenerator": [object],
    "generatorOptions": GENERATOR_OPTIONS,
    "configurations": [str],
    "generators": [str],
    "transformers": [str],
    "validators": [str],
    "buildMetadata": [str],
}

_SPECS = [_CONFIGURED_SPEC]
CONFIGURATION: dict[str, Shape] = {
    "namePrefix": _SPECS,
    "nameSuffix": _SPECS,
    "namespace": _SPECS,
    "commonLabels": _SPECS,
    "labels": _SPECS,
    "templateLabels": _SPECS,
    "commonAnnotations": _SPECS,
    "nameReference": [{**_GVK, "fieldSpecs": _SPECS}],
    "varReference": _SPECS,
    "images": _SPECS,
    "replicas": _SPECS,
}

_NAMES = {str: "a string", bool: "true or false", int: "a whole number", dict: "a mapping of strings"}


def checked(value: Any, shape: Shape, report: Report, pointer: str = "", *, strict: bool = True) -> Any:
    """The value in its shape, with canonical names and without nulls; everything wrong goes to `report`.

    A field that is not in the shape is wrong if `strict`, and left out otherwise.
    """
    if is_null(value):
        return None
    if isinstance(shape, dict):
        return _fields(value, shape, report, pointer, strict=strict)
    if isinstance(shape, list):
        if not isinstance(value, list):
            report(pointer, f"{_last(pointer)} must be a list, not {_what(value)}", "")
            return None
        items = (checked(v, shape[0], report, f"{pointer}/{i}", strict=strict) for i, v in enumerate(value))
        return [_zero(shape[0]) if item is None else item for item in items]
    if shape is dict or shape is LOOSE_MAP:
        return _strings(value, report, pointer, LOOSE if shape is LOOSE_MAP else str)
    if shape is object:
        return plain(value)
    return _scalar(value, shape, report, pointer)


def _zero(shape: Shape) -> Any:
    return {} if isinstance(shape, dict) else "" if shape is LOOSE else shape()


def _fields(value: Any, shape: dict[str, Shape], report: Report, pointer: str, *, strict: bool) -> Any:
    if not isinstance(value, dict):
        report(pointer, f"{_last(pointer)} must be a mapping, not {_what(value)}", "")
        return None
    names = {name.lower(): name for name in shape}
    result = {}
    for key, item in value.items():
        name = key if key in shape else names.get(key.lower())
        below = f"{pointer}/{_escaped(key)}"
        if name is None:
            if strict:
                report(below, f"unknown field {key!r}", _nearest(key, shape))
            continue
        found = checked(item, shape[name], report, below, strict=strict)
        if found is not None:
            result[name] = found
    return result


def _strings(value: Any, report: Report, pointer: str, shape: Shape) -> Any:
    if not isinstance(value, dict):
        report(pointer, f"{_last(pointer)} must be {_NAMES[dict]}, not {_what(value)}", "")
        return None
    result = {}
    for key, item in value.items():
        if isinstance(key, Unquoted) and not pointer.startswith("/metadata/"):
            report(f"{pointer}/{_escaped(key)}", f"the key {key} must be a string", "put it in quotes")
            continue
        if key == "<<":
            report(f"{pointer}/{_escaped(key)}", "the key << means a merge", "")
            continue
        found = "" if is_null(item) else _scalar(item, shape, report, f"{pointer}/{_escaped(key)}")
        if found is not None:
            result[key] = found
    return result


def _scalar(value: Any, shape: Shape, report: Report, pointer: str) -> Any:
    found = plain(value)
    if shape is LOOSE:
        if not isinstance(value, dict | list):
            return value if isinstance(value, str) else found if isinstance(found, str) else text_of(found)
        shape = str
    if shape is str and is_string(value):
        return value
    if (shape is not str and found.__class__ is shape) or (shape is int and found.__class__ is int):
        return found
    if "/literals/" in pointer:
        # What stands here may be secret.
        report(pointer, "a literal must be a string", "put it in quotes")
        return None
    hint = f'write "{text_of(value)}" in quotes' if shape is str and not isinstance(value, dict | list) else ""
    report(pointer, f"{_last(pointer)} must be {_NAMES[shape]}, not {_what(value)}", hint)
    return None


def _what(value: Any) -> str:
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    return f"the string {text_of(value)!r}" if is_string(value) else f"{text_of(value)}"


def _last(pointer: str) -> str:
    names = [part for part in pointer.split("/") if part and not part.isdigit()]
    return names[-1].replace("~1", "/").replace("~0", "~") if names else "the file"


def _escaped(key: str) -> str:
    return key.replace("~", "~0").replace("/", "~1")


def _nearest(key: str, shape: dict[str, Shape]) -> str:
    """A hint naming a field that starts alike."""
    import difflib  # noqa: PLC0415  # only mistakes need it

    lowered = {name.lower(): name for name in shape}
    alike = [name for name in lowered if name.startswith(key.lower()) or key.lower().startswith(name)]
    close = alike or difflib.get_close_matches(key.lower(), lowered, 1, 0.7)
    return f"did you mean {lowered[close[0]]!r}?" if close else f"the fields here are {', '.join(sorted(shape))}"
