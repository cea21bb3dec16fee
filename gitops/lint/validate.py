"""The one strict validator: an object of ours against its structural schema and the rules across fields.

The schema is the one in the CRD, so what passes here passes the API server, and what fails here is said with the file,
line and column before anything reaches a cluster.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

from gitops import api, errors
from gitops.api import crds, rules
from gitops.api.structural import Schema
from gitops.lint import codes, structure
from gitops.lint.structure import Violation
from gitops.location import Location
from gitops.objects import Manifest, ref_of

_TEXTS: Schema = {"type": "object", "additionalProperties": {"type": "string"}}
_METADATA: Schema = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "minLength": 1, "maxLength": 253},
        "generateName": {"type": "string"},
        "namespace": {"type": "string", "maxLength": 63},
        "labels": _TEXTS,
        "annotations": _TEXTS,
        "finalizers": {"type": "array", "items": {"type": "string"}},
        "ownerReferences": {"type": "array", "items": {"type": "object"}},
    },
}


def validate(manifest: Manifest, locate: Callable[[str], Location | None]) -> tuple[errors.ConfigError, ...]:
    """Everything that is wrong with an object of ours; nothing for other kinds, which the API server judges.

    `locate` gives the place of a field by its JSON Pointer, or None.
    """
    ref = ref_of(manifest)
    if ref.group != api.GROUP:
        return ()
    return tuple(
        errors.ConfigError(found.message, hint=found.hint, location=_place(found.pointer, locate), ref=ref)
        for found in violations(manifest)
    )


def violations(manifest: Manifest) -> Iterator[Violation]:
    """Everything that is wrong with an object whose apiVersion is of our group, with JSON Pointers."""
    named = str(manifest.get("kind", ""))
    kind = crds.kind_named(named)
    if kind is None:
        known = [one.name for one in crds.KINDS]
        hint = structure.nearest(named, known)
        yield Violation("/kind", f"{api.GROUP} has no kind {named or '(none)'}", hint, code=codes.UNKNOWN_KIND)
        return
    if manifest["apiVersion"] != api.API_VERSION:
        message = f"unknown version {manifest['apiVersion']}"
        yield Violation("/apiVersion", message, f"write {api.API_VERSION}", code=codes.UNKNOWN_KIND)
        return
    found = list(structure.violations(manifest, _schema(kind.name)))
    yield from found
    for rule in rules.of_kind(kind.name):
        yield from _broken(rule, manifest, found)


def _broken(rule: rules.Rule, manifest: Manifest, found: list[Violation]) -> Iterator[Violation]:
    """Where a rule does not hold; a value of a wrong type, or without its required fields, is not judged again."""
    if rule.holds is None:
        return
    code = codes.PROTECTED if rule.path.startswith("/spec/podTemplate") else codes.FIELDS_DISAGREE
    for pointer, value in _values(manifest, rule.path.split("/")[1:], ""):
        malformed = any(
            (one.malformed and f"{one.pointer}/".startswith(f"{pointer}/"))
            or (one.code is codes.MISSING_FIELD and one.pointer == pointer)
            for one in found
        )
        if not malformed and not rule.holds(value):
            there = [one for one in rule.forbidden if _is_there(value, one)]
            for field in there or [rule.field]:
                yield Violation(pointer + field, rule.message, rule.hint, code=code)


def _is_there(value: Any, pointer: str) -> bool:
    for part in pointer.split("/")[1:]:
        if not isinstance(value, dict) or part not in value:
            return False
        value = value[part]
    return True


def _values(value: Any, path: list[str], pointer: str) -> Iterator[tuple[str, Any]]:
    if not path:
        yield pointer, value
    elif path[0] == "*" and isinstance(value, list):
        for index, item in enumerate(value):
            yield from _values(item, path[1:], f"{pointer}/{index}")
    elif isinstance(value, dict) and path[0] in value:
        yield from _values(value[path[0]], path[1:], f"{pointer}/{path[0]}")


@cache
def _schema(name: str) -> Schema:
    kind = crds.kind_named(name)
    schema = crds.schema(kind) if kind else {}
    return {**schema, "properties": {**schema["properties"], "metadata": _METADATA}}


def _place(pointer: str, locate: Callable[[str], Location | None]) -> Location | None:
    """The place of a field, or of the nearest thing around it that has one."""
    while True:
        place = locate(pointer)
        if place is not None or not pointer:
            return place
        pointer = pointer.rpartition("/")[0]
