"""Spellings the server would change or refuse, written the server's way before anything is compared or sent.

Secrets get `data` for `stringData` (server-side apply would own a field the object never has), quantities written as
numbers become strings (server-side apply refuses numbers there), and empty maps a person left behind are dropped.
"""

from __future__ import annotations

import base64
from typing import Any

from gitops.objects import Manifest

_QUANTITY_MAPS = frozenset({"limits", "requests", "hard", "capacity", "default", "defaultRequest", "max", "min"})
_QUANTITIES = frozenset({"sizeLimit"})


def normalise(manifest: Manifest) -> Manifest:
    """The same object in the server's spelling; the argument is not changed."""
    out: Manifest = _walk(manifest)
    if out.get("kind") == "Secret" and out.get("apiVersion") == "v1" and "stringData" in out:
        data = dict(out.get("data") or {})
        data |= {key: base64.b64encode(str(text).encode()).decode() for key, text in (out["stringData"] or {}).items()}
        out = {**{key: value for key, value in out.items() if key != "stringData"}, "data": data}
    metadata = out.get("metadata")
    if isinstance(metadata, dict):
        out["metadata"] = {key: value for key, value in metadata.items() if key != "creationTimestamp"}
    out.pop("status", None)
    return out


def _walk(value: Any, key: str = "") -> Any:
    if isinstance(value, dict):
        if key in _QUANTITY_MAPS:
            return {name: _quantity(one) for name, one in value.items()}
        return {name: _walk(one, name) for name, one in value.items()}
    if isinstance(value, list):
        return [_walk(one) for one in value]
    return _quantity(value) if key in _QUANTITIES else value


def _quantity(value: Any) -> Any:
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else _walk(value)
