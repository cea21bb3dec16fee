"""A pool's pod template, merged into the operation's pod without touching what the worker relies on."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from typing import Any, Final

from gitops import errors
from gitops.api.rules.template import PROTECTED_CONTAINER
from gitops.merge import schema, strategic
from gitops.objects import Manifest
from gitops.pods import marks

PROTECTED_SPEC: Final = ("restartPolicy", "activeDeadlineSeconds", "serviceAccountName", "enableServiceLinks")
OURS: Final = "gitops-"
"""Volumes whose names begin so belong to the runner."""


def merge(pod: Manifest, template: Mapping[str, Any], *, location: str) -> Manifest:
    """The pod with the template merged in (strategic merge). `location` names the pool in an error.

    Raises:
        ConfigError: the template does not fit a pod, or changes a protected field; all of them are named.
    """
    if not template:
        return pod
    try:
        merged = strategic.merge(copy.deepcopy(pod), copy.deepcopy(dict(template)), schema.builtin(), "Pod")
    except strategic.MergeError as error:
        raise errors.ConfigError(
            f"the pod template of pool {location} does not fit a pod",
            cause=f"{error.message} at {'.'.join(error.path)}",
        ) from error
    changed = sorted(_changed(pod, merged))
    if changed:
        raise errors.ConfigError(
            f"the pod template of pool {location} changes protected fields: {', '.join(changed)}",
            hint="the worker relies on these; remove them from spec.podTemplate",
        )
    return _spread_by_affinity(merged)


def _changed(before: Manifest, after: Manifest | None) -> Iterator[str]:
    if not isinstance(after, dict):
        yield "the whole pod"
        return
    for name in ("apiVersion", "kind"):
        if after.get(name) != before[name]:
            yield name
    yield from _metadata(before["metadata"], after.get("metadata") or {})
    spec, merged = before["spec"], after.get("spec") or {}
    for name in PROTECTED_SPEC:
        if merged.get(name) != spec.get(name):
            yield f"spec.{name}"
    yield from _container(spec["containers"][0], merged)
    yield from _runners(spec, merged, "volumes")


def _metadata(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    for name in ("name", "namespace"):
        if after.get(name) != before[name]:
            yield f"metadata.{name}"
    if after.get("ownerReferences") or after.get("finalizers"):
        yield "metadata.ownerReferences or finalizers"
    for part in ("labels", "annotations"):
        merged = after.get(part) or {}
        yield from (f"metadata.{part}.{key}" for key, value in before[part].items() if merged.get(key) != value)


def _container(before: Mapping[str, Any], spec: Mapping[str, Any]) -> Iterator[str]:
    named = [one for one in spec.get("containers") or () if one.get("name") == marks.CONTAINER]
    if len(named) != 1:
        yield f"spec.containers[{marks.CONTAINER}]"
        return
    for name in PROTECTED_CONTAINER:
        if named[0].get(name) != before.get(name):
            yield f"spec.containers[{marks.CONTAINER}].{name}"
    yield from _runners(before, named[0], "volumeMounts")


def _runners(before: Mapping[str, Any], after: Mapping[str, Any], part: str) -> Iterator[str]:
    """The runner's own volumes and mounts; the workspace may become another kind of volume."""
    merged = {one.get("name"): one for one in after.get(part) or ()}
    for one in before[part]:
        if one["name"].startswith(OURS) and merged.get(one["name"]) != one:
            yield f"{part}[{one['name']}]"


def _spread_by_affinity(pod: Manifest) -> Manifest:
    """Spreading is our wish, not the pool's: a template that spreads by host itself replaces it."""
    constraints = pod["spec"].get("topologySpreadConstraints") or []
    hosts = [one for one in constraints if one.get("topologyKey") == "kubernetes.io/hostname"]
    if len(hosts) > 1:
        ours = {marks.POOL}
        keep = [one for one in constraints if set((one.get("labelSelector") or {}).get("matchLabels") or ()) != ours]
        pod["spec"]["topologySpreadConstraints"] = keep
    return pod
