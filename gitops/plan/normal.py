"""Spellings the server would change or refuse, written the server's way before anything is compared or sent.

Secrets get `data` for `stringData` (server-side apply would own a field the object never has), quantities written as
numbers become strings (server-side apply refuses numbers there), nulls and empty maps of labels go, and so do the rules
of an aggregated ClusterRole, which its controller writes. Only kinds of Kubernetes itself: what a field of somebody
else's definition means, nobody here knows.
"""

from __future__ import annotations

import base64
from typing import Any

from gitops.objects import Manifest, group_of, quantity


def normalise(manifest: Manifest) -> Manifest:
    """The same object in the server's spelling; the argument is not changed."""
    out = {key: value for key, value in manifest.items() if key != "status"}
    metadata = manifest.get("metadata")
    if isinstance(metadata, dict):
        out["metadata"] = {key: value for key, value in metadata.items() if not _says_nothing(key, value)}
    kind, group = out.get("kind"), group_of(out.get("apiVersion") or "")
    if not _is_built_in(group) or kind == "CustomResourceDefinition":
        return out
    out = _map(out)
    if kind == "Secret" and not group and "stringData" in out:
        data = {key: base64.b64encode(str(text).encode()).decode() for key, text in (out.pop("stringData")).items()}
        out["data"] = {**(out.get("data") or {}), **data}
    if kind == "ClusterRole" and out.get("aggregationRule"):
        out.pop("rules", None)
    return out


def _says_nothing(key: str, value: Any) -> bool:
    """An empty map of labels would be ours only until somebody else writes the first one."""
    return key == "creationTimestamp" or value is None or (key in {"labels", "annotations"} and value == {})


def _is_built_in(group: str) -> bool:
    return "." not in group or group.endswith(".k8s.io")


def _map(value: dict[str, Any], name: str = "") -> dict[str, Any]:
    return {key: _walk(one, key, name) for key, one in value.items() if one is not None}


def _walk(value: Any, name: str, parent: str) -> Any:
    if isinstance(value, str):  # first: most values are
        return value
    if isinstance(value, dict):
        return _map(value, name)
    if isinstance(value, list):
        return [_walk(one, "", "") for one in value]
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return str(value) if is_number and quantity.is_place(name, parent) else value
