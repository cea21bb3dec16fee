"""Changing a GitSync itself, its spec or its metadata, as a person would: read, change, replace."""

from __future__ import annotations

from collections.abc import Callable

from gitops import api, errors
from gitops.objects import Manifest
from gitops.ports.objects import Objects
from gitops.sync import status

ATTEMPTS = 5


async def edit(objects: Objects, sync: api.GitSync, change: Callable[[Manifest], bool]) -> bool:
    """Read, change and replace, again if somebody else wrote meanwhile; False if `change` finds nothing to do.

    Raises:
        ObjectMissing: the GitSync is gone, or another one has its name now.
        VersionConflict: somebody writes it again and again.
    """
    where, name = sync.metadata.namespace, sync.metadata.name
    for attempt in range(ATTEMPTS):
        found = await objects.get(status.GIT_SYNCS, where, name)
        if found is None or found["metadata"]["uid"] != sync.metadata.uid:
            raise errors.ObjectMissing(f"GitSync {where}/{name} is gone")
        if not change(found):
            return False
        try:
            await objects.replace(status.GIT_SYNCS, found)
        except errors.VersionConflict:
            if attempt + 1 == ATTEMPTS:
                raise
        else:
            return True
    return False
