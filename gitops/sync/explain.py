"""Asking the cluster why an object is not healthy: its pods, and the Events about them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gitops import errors
from gitops.health import reasons
from gitops.objects import Manifest
from gitops.ports.objects import Objects, Resource

PODS = Resource(group="", version="v1", kind="Pod", plural="pods", namespaced=True)
EVENTS = Resource(group="", version="v1", kind="Event", plural="events", namespaced=True)
_OWNERS = frozenset({"Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Job"})


async def why(objects: Objects, manifest: Manifest) -> str:
    """The reason in words; empty if nothing tells one, or our account may not see it."""
    namespace = manifest["metadata"].get("namespace") or ""
    if not namespace:
        return ""
    labels = _selector(manifest) if manifest.get("kind") in _OWNERS else ""
    pods = await _list(objects, PODS, namespace, labels) if labels else ()
    names = {manifest["metadata"]["name"], *(pod["metadata"]["name"] for pod in pods)}
    names |= {owner["name"] for pod in pods for owner in pod["metadata"].get("ownerReferences") or ()}
    events = [one for one in await _list(objects, EVENTS, namespace) if _concerns(one, names, manifest)]
    return reasons.of(manifest, pods, events)


def _selector(manifest: Manifest) -> str:
    wanted: dict[str, Any] = ((manifest.get("spec") or {}).get("selector") or {}).get("matchLabels") or {}
    return ",".join(f"{key}={value}" for key, value in sorted(wanted.items()))


def _concerns(event: Manifest, names: set[str], manifest: Manifest) -> bool:
    about = (event.get("involvedObject") or {}).get("name") or ""
    # A replica set that got no pod at all is known by its Deployment's name alone.
    return about in names or about.startswith(f"{manifest['metadata']['name']}-")


async def _list(objects: Objects, resource: Resource, namespace: str, labels: str = "") -> Sequence[Manifest]:
    try:
        return (await objects.list(resource, namespace, labels=labels)).items
    except errors.ClusterDenied:
        return ()
