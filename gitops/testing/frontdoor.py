"""The FrontDoor port in memory: a server that hands out operations and keeps what it is told, without any cluster."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping
from typing import Any

from gitops import api, errors
from gitops.objects import Manifest
from gitops.ports.frontdoor import FrontDoor
from gitops.ports.objects import DeleteOptions, Resource
from gitops.ports.watch import Gone, Put, Synced, WatchEvent, nobody
from gitops.testing.server import FakeServer
from gitops.testing.store import Stored, copy

KIND = Resource(group=api.GROUP, version=api.VERSION, kind="Operation", plural="operations", namespaced=True)


class FakeFrontDoor(FrontDoor):
    """Operations of one namespace of a server that may be the fake cluster's, or one that no cluster knows of."""

    def __init__(self, server: FakeServer, namespace: str) -> None:
        self._server = server
        self._namespace = namespace

    def submit(self, name: str, spec: Mapping[str, Any]) -> Manifest:
        """Somebody wants an operation."""
        metadata = {"name": name, "namespace": self._namespace}
        return self._server.create(
            KIND, {"apiVersion": api.API_VERSION, "kind": "Operation", "metadata": metadata, "spec": dict(spec)}
        )

    def kept(self, name: str) -> Manifest:
        """An operation as its owner sees it.

        Raises:
            ObjectMissing: there is none of that name.
        """
        found = self._server.get(KIND, self._namespace, name)
        if found is None:
            raise errors.ObjectMissing(f"no operation {name}")
        return found

    async def arrivals(self, *, heard: Callable[[], None] = nobody) -> AsyncGenerator[WatchEvent, None]:
        """See `gitops.ports.frontdoor.FrontDoor`."""
        queue: asyncio.Queue[Stored] = asyncio.Queue()
        silence = self._server.store.listen(queue.put_nowait)
        try:
            yield Synced(self._server.list(KIND, self._namespace, "").items)
            while True:
                heard()
                change = await queue.get()
                if change.address[:3] == (KIND.group, KIND.kind, self._namespace):
                    yield Gone(copy(change.object)) if change.gone else Put(copy(change.object))
        finally:
            silence()

    async def read(self, metadata: api.Metadata) -> Manifest | None:
        """See `gitops.ports.frontdoor.FrontDoor`."""
        found = self._server.get(KIND, metadata.namespace, metadata.name)
        return found if found is not None and found["metadata"]["uid"] == metadata.uid else None

    async def write(self, operation: api.Operation, status: Mapping[str, Any]) -> Manifest:
        """See `gitops.ports.frontdoor.FrontDoor`."""
        metadata = operation.metadata
        known = {"resourceVersion": metadata.resource_version, "uid": metadata.uid}
        patch = copy({"metadata": known, "status": dict(status)})
        return self._server.patch_status(KIND, metadata.namespace, metadata.name, patch)

    async def forget(self, operation: api.Operation) -> None:
        """See `gitops.ports.frontdoor.FrontDoor`."""
        metadata = operation.metadata
        try:
            self._server.delete(KIND, metadata.namespace, metadata.name, DeleteOptions(uid=metadata.uid))
        except errors.VersionConflict:
            return

    def moment(self, operation: api.Operation) -> str:
        """Its versions are none of the cluster's."""
        del operation
        return ""
