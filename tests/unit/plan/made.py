"""Objects as a server would have them: content, and who owns what of it."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from gitops.api.meta import FIELD_MANAGER
from gitops.location import Location
from gitops.objects import Manifest, inventory, ref_of
from gitops.plan.change import Desired

Fields = dict[str, Any]
TIME = "2026-01-01T00:00:00Z"


def entry(
    fields: Mapping[str, Any], manager: str = FIELD_MANAGER, operation: str = "Apply", **more: Any
) -> dict[str, Any]:
    return {"manager": manager, "operation": operation, "apiVersion": "v1", "time": TIME, "fieldsV1": fields, **more}


def live(manifest: Manifest, *entries: Mapping[str, Any], **metadata: Any) -> Manifest:
    """The manifest with what a server adds."""
    out = copy.deepcopy(manifest)
    added = {"uid": f"uid-{manifest['metadata']['name']}", "resourceVersion": "7", "creationTimestamp": TIME}
    out["metadata"] = {**out["metadata"], **added, "managedFields": list(entries), **metadata}
    return out


def applied(manifest: Manifest, **metadata: Any) -> Manifest:
    """The manifest as we applied it; every map merges, every list is one value."""
    rest = {key: value for key, value in manifest.items() if key not in {"apiVersion", "kind", "metadata"}}
    named = {key: value for key, value in manifest["metadata"].items() if key not in {"name", "namespace"}}
    return live(manifest, entry(owned({**rest, **({"metadata": named} if named else {})})), **metadata)


def owned(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        return {}
    return {f"f:{key}": owned(one) for key, one in value.items()}


def config_map(name: str = "a", data: Mapping[str, str] | None = None, **metadata: Any) -> Manifest:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": "home", **metadata},
        "data": dict(data if data is not None else {"a": "1"}),
    }


def secret(data: Mapping[str, str], name: str = "s") -> Manifest:
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": name, "namespace": "home"},
        "data": dict(data),
    }


def of_kind(kind: str, name: str = "x", api_version: str = "v1", namespace: str = "home", **content: Any) -> Manifest:
    metadata = {"name": name, "namespace": namespace} if namespace else {"name": name}
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, **content}


def desired(manifest: Manifest, authored: Manifest | None = None) -> Desired:
    ref = ref_of(manifest)
    return Desired(
        manifest=manifest,
        ref=ref,
        authored=ref_of(authored) if authored else ref,
        location=Location(file="base/x.yaml", line=3),
    )


def inventory_of(*wanted: Desired) -> inventory.Inventory:
    entries = {one.ref: inventory.Entry(version="v1", authored=one.authored) for one in wanted}
    return inventory.Inventory(entries=entries, revision="r1")


def world(*manifests: Manifest) -> dict[Any, Manifest]:
    return {ref_of(one): one for one in manifests}
