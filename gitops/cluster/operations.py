"""The FrontDoor port: `Operation` objects of one namespace."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from gitops import api
from gitops.errors import VersionConflict
from gitops.objects import Manifest
from gitops.ports.objects import DeleteOptions, Objects, Resource
from gitops.ports.watch import Watch, WatchEvent, nobody

KIND = Resource(
    group=api.GROUP, version=api.API_VERSION.partition("/")[2], kind="Operation", plural="operations", namespaced=True
)


@dataclass(frozen=True, slots=True, kw_only=True)
class OperationObjects:
    """Objects that people and programs create; their status is the result. See `gitops.ports.frontdoor.FrontDoor`."""

    objects: Objects
    watch: Watch
    namespace: str

    def arrivals(self, *, heard: Callable[[], None] = nobody) -> AsyncGenerator[WatchEvent, None]:
        """A watch."""
        return self.watch.watch(KIND, self.namespace, heard=heard)

    async def read(self, metadata: api.Metadata) -> Manifest | None:
        """A consistent GET."""
        found = await self.objects.get(KIND, metadata.namespace, metadata.name)
        return found if found is not None and found["metadata"]["uid"] == metadata.uid else None

    async def write(self, operation: api.Operation, status: Mapping[str, Any]) -> Manifest:
        """A PATCH of the status subresource with UID and resourceVersion."""
        metadata = operation.metadata
        as_known = {"resourceVersion": metadata.resource_version, "uid": metadata.uid}
        patch = {"metadata": as_known, "status": status}
        return await self.objects.patch_status(KIND, metadata.namespace, metadata.name, patch)

    async def forget(self, operation: api.Operation) -> None:
        """A DELETE with UID."""
        metadata = operation.metadata
        try:
            await self.objects.delete(KIND, metadata.namespace, metadata.name, options=DeleteOptions(uid=metadata.uid))
        except VersionConflict:
            return

    def moment(self, operation: api.Operation) -> str:
        """All kinds of a cluster share one count of versions."""
        return operation.metadata.resource_version
