"""Volume claims that nobody can wait for: their class binds a volume when the first pod uses it, and not before."""

from __future__ import annotations

from collections.abc import Mapping

from gitops import errors
from gitops.objects import Manifest
from gitops.ports.objects import Objects, Resource
from gitops.ref import ResourceRef

CLASSES = Resource(group="storage.k8s.io", version="v1", kind="StorageClass", plural="storageclasses", namespaced=False)
_DEFAULT = "storageclass.kubernetes.io/is-default-class"


async def waiting_for_use(objects: Objects, waited: Mapping[ResourceRef, Manifest]) -> frozenset[ResourceRef]:
    """Which of the objects are such claims. One request if there is any claim, none otherwise.

    A pod that uses one is itself not ready until the volume is there. Without the right to read classes, none is.
    """
    found = {
        ref: (one.get("spec") or {}).get("storageClassName")
        for ref, one in waited.items()
        if ref.kind == "PersistentVolumeClaim" and not ref.group
    }
    if not found:
        return frozenset()
    try:
        classes = (await objects.list(CLASSES)).items
    except (errors.ClusterDenied, errors.KindUnknown):
        return frozenset()
    lazy = {one["metadata"]["name"] for one in classes if one.get("volumeBindingMode") == "WaitForFirstConsumer"}
    usual = {one["metadata"]["name"] for one in classes if _is_default(one)}
    return frozenset(ref for ref, name in found.items() if name in lazy or (name is None and usual & lazy))


def _is_default(one: Manifest) -> bool:
    return (one["metadata"].get("annotations") or {}).get(_DEFAULT) == "true"
