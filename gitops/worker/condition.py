"""Writing one condition of an object that others write conditions of, too."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gitops import api, errors
from gitops.objects import conditions
from gitops.ports.objects import Resource
from gitops.worker import status
from gitops.worker.station import Station

ATTEMPTS = 3


async def say(
    station: Station,
    resource: Resource,
    metadata: api.Metadata,
    news: Mapping[str, Any],
    *,
    more: Mapping[str, Any] | None = None,
) -> Mapping[str, Any] | None:
    """Set a condition by compare-and-swap; `more` goes into the status with it. Nothing is written if all is so.

    Returns the condition as it was before, None if it was not set or the object is gone.

    Raises:
        ClusterError: it could not be written.
    """
    objects = station.ports.objects
    for attempt in range(ATTEMPTS):
        found = await objects.get(resource, metadata.namespace, metadata.name)
        if found is None or found["metadata"]["uid"] != metadata.uid:
            return None
        known = found.get("status") or {}
        before = known.get("conditions") or []
        old = conditions.find(before, news["type"])
        put = conditions.put(before, news, now=status.rfc3339(station.ports.clock.now()))
        if conditions.find(put, news["type"]) == old and all(
            known.get(key) == value for key, value in (more or {}).items()
        ):
            return old
        swap = {"resourceVersion": found["metadata"]["resourceVersion"], "uid": metadata.uid}
        content = {"conditions": put, **(more or {})}
        try:
            await objects.patch_status(
                resource, metadata.namespace, metadata.name, {"metadata": swap, "status": content}
            )
        except errors.VersionConflict:
            if attempt == ATTEMPTS - 1:
                raise
        else:
            return old
    return None
