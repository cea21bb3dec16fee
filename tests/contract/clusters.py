"""The clusters a contract is held against: one in memory, one real API server."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from gitops import cluster
from gitops.api.meta import FIELD_MANAGER
from gitops.objects import Manifest
from gitops.ports.objects import Objects, Resource
from gitops.ports.watch import Watch
from gitops.testing.objects import FakeObjects
from gitops.testing.watch import FakeWatch


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """The ports of one cluster, and a fresh namespace in it."""

    objects: Objects
    watch: Watch

    namespace: str

    async def kind(self, api_version: str, kind: str) -> Resource:
        return await self.objects.resource(api_version, kind)

    def config_map(self, name: str, data: dict[str, str] | None = None, **metadata: object) -> Manifest:
        made: Manifest = {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": name, "namespace": self.namespace, **metadata},
        }
        return {**made, "data": data} if data else made


async def in_memory() -> AsyncIterator[Ground]:
    objects = FakeObjects(namespaces=("default", "here"))
    yield Ground(objects=objects, watch=FakeWatch(objects), namespace="here")


async def real(kubeconfig: Path) -> AsyncIterator[Ground]:
    config = cluster.load(kubeconfig=str(kubeconfig))
    name = f"contract-{secrets.token_hex(4)}"
    async with cluster.connect(config, component="contract") as connected:
        kind = await connected.objects.resource("v1", "Namespace")
        await connected.objects.create(kind, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
        yield Ground(objects=connected.objects, watch=connected.watch, namespace=name)


def owned_by(manifest: Manifest, manager: str = FIELD_MANAGER, operation: str = "Apply") -> dict[str, object]:
    """The fieldsV1 of a manager, empty if it owns nothing."""
    for entry in manifest["metadata"].get("managedFields") or ():
        if (entry["manager"], entry["operation"]) == (manager, operation) and not entry.get("subresource"):
            owned: dict[str, object] = entry["fieldsV1"]
            return owned
    return {}


async def a_moment() -> None:
    """Real time, for a server that needs some."""
    await asyncio.sleep(0.1)
