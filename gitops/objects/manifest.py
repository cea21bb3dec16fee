"""A manifest is a plain JSON dict; these functions read its identity."""

from __future__ import annotations

from typing import Any

from gitops.ref import ResourceRef

Manifest = dict[str, Any]
"""One Kubernetes object as JSON data: never a generated model class."""


def group_of(api_version: str) -> str:
    """The group of an apiVersion; empty for the core group (`v1`)."""
    group, slash, _ = api_version.rpartition("/")
    return group if slash else ""


def api_version_of(group: str, version: str) -> str:
    """The reverse of `group_of`: `v1` for the core group, `group/version` for others."""
    return f"{group}/{version}" if group else version


def ref_of(manifest: Manifest) -> ResourceRef:
    """The identity a manifest states; a namespaced object without a namespace has an empty one."""
    metadata = manifest.get("metadata") or {}
    return ResourceRef(
        group=group_of(str(manifest.get("apiVersion") or "")),
        kind=str(manifest.get("kind") or ""),
        namespace=str(metadata.get("namespace") or ""),
        name=str(metadata.get("name") or metadata.get("generateName") or ""),
    )
