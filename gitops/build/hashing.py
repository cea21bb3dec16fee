"""The suffix a generated ConfigMap or Secret gets: a hash of its content, as kustomize computes it (api/hasher)."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from gitops.build.resource import Resource
from gitops.yaml.scalars import is_null, plain, text_of
from gitops.yaml.tracked import Text

_LENGTH = 10
_READABLE = str.maketrans("013ae", "ghkmt")


def add_hashes(resources: list[Resource]) -> None:
    """Append its hash to the name of every resource that wants one."""
    for resource in resources:
        if resource.needs_hash:
            digest = content_hash(resource)
            resource.remember()
            old = resource.metadata()["name"]
            name = f"{resource.name}-{digest}"
            resource.metadata()["name"] = (
                Text.placed(name, old.at, old, derived=True) if isinstance(old, Text) else name
            )


def content_hash(resource: Resource) -> str:
    """Ten characters of the SHA-256 of the object's content, without vowels and easily confused digits."""
    # kustomize looks the name up under a path that never exists, so it hashes an empty one.
    data = resource.data
    kind = resource.kind
    content: dict[str, Any]
    if kind == "ConfigMap":
        content = {"kind": kind, "name": "", "data": _value(data, "data")}
        if isinstance(data.get("binaryData"), dict):
            content["binaryData"] = _value(data, "binaryData")
    elif kind == "Secret":
        content = {"kind": kind, "type": _value(data, "type"), "name": "", "data": _value(data, "data")}
        if isinstance(data.get("stringData"), dict):
            content["stringData"] = _value(data, "stringData")
    else:
        content = plain(data)
    return hashlib.sha256(_go_json(content).encode()).hexdigest()[:_LENGTH].translate(_READABLE)


def _value(data: dict[str, Any], field: str) -> Any:
    value = data.get(field)
    if isinstance(value, dict):
        return plain(value)
    return "" if is_null(value) else text_of(value)


def _go_json(value: Any) -> str:
    """JSON as Go's encoder writes it: sorted keys, no spaces, `<`, `>`, `&` and two line separators escaped."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    for char in "<>&\u2028\u2029":
        text = text.replace(char, f"\\u{ord(char):04x}")
    return text.replace("\\b", "\\u0008").replace("\\f", "\\u000c")
