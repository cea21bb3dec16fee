"""A GitSync in memory: its repository, its cluster, its loop."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from gitops import api, errors
from gitops.objects import Manifest
from gitops.plan.change import Desired
from gitops.ports.objects import DeleteOptions
from gitops.reconcile import loop, turn
from gitops.source import Revision, Tree
from gitops.sync import status
from gitops.sync.means import Means
from gitops.testing.clock import FakeClock, settle
from gitops.testing.objects import FakeObjects
from gitops.testing.repository import MemoryRepository
from gitops.testing.watch import FakeWatch
from tests.unit.sync.passes import HOME, wanted

NAME = "dev"


async def render(tree: Tree, path: str) -> tuple[Desired, ...]:
    """A file `objects.json` in the place of a build."""
    name = f"{path}/objects.json" if path else "objects.json"
    text = await asyncio.sleep(0, tree.read(name))
    found = json.loads(text)
    if isinstance(found, str):
        raise errors.BuildError(found)
    return tuple(wanted(found))


@dataclass(kw_only=True)
class Dev:
    """The GitSync `dev` in namespace `home`."""

    clock: FakeClock = field(default_factory=FakeClock)
    repository: MemoryRepository = field(default_factory=MemoryRepository)
    failure: errors.GitOpsError | None = None
    patience: float = 30.0

    def __post_init__(self) -> None:
        self.objects = FakeObjects(clock=self.clock, namespaces=("default", HOME))
        self.watch = FakeWatch(self.objects)

    def create(self, **spec: Any) -> None:
        made = {
            "apiVersion": api.API_VERSION,
            "kind": "GitSync",
            "metadata": {"name": NAME, "namespace": HOME},
            "spec": {"source": {"url": "https://git.example/r"}, "interval": "1m", **spec},
        }
        self.objects.server.create(status.GIT_SYNCS, made, manager="kubectl")

    def change(self, **spec: Any) -> None:
        found = self.manifest
        self.objects.server.replace(status.GIT_SYNCS, {**found, "spec": {**found["spec"], **spec}}, manager="kubectl")

    def ask(self, text: str) -> None:
        self.annotate(loop.REQUESTED, text)

    def annotate(self, key: str, text: str) -> None:
        found = self.manifest
        found["metadata"]["annotations"] = {**(found["metadata"].get("annotations") or {}), key: text}
        self.objects.server.replace(status.GIT_SYNCS, found, manager="kubectl")

    def delete(self) -> None:
        self.objects.server.delete(status.GIT_SYNCS, HOME, NAME, DeleteOptions())

    def push(self, *manifests: Manifest, path: str = "", message: str = "change", **options: Any) -> Revision:
        files: Mapping[str, bytes] = {
            f"{path}/objects.json" if path else "objects.json": json.dumps(manifests).encode()
        }
        return self.repository.push(files, message=message, **options)

    def break_build(self, words: str) -> Revision:
        return self.repository.push({"objects.json": json.dumps(words).encode()})

    @property
    def means(self) -> Means:
        return Means(objects=self.objects, clock=self.clock, patience=self.patience)

    @asynccontextmanager
    async def open(self, sync: api.GitSync) -> AsyncIterator[turn.Turn]:
        if self.failure:
            raise self.failure
        yield turn.Turn(sync=sync, repository=self.repository, render=render, means=self.means)

    @asynccontextmanager
    async def on_behalf(self, _: api.GitSync) -> AsyncIterator[Means]:
        yield self.means

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        doors = loop.Doors(turn=self.open, on_behalf=self.on_behalf)
        task = asyncio.create_task(loop.serve(self.watch, self.means, namespace=HOME, doors=doors))
        try:
            await self.advance(0)
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def advance(self, seconds: float) -> None:
        await self.clock.advance(seconds)
        for _ in range(10):
            await settle()

    @property
    def manifest(self) -> Manifest:
        found = self.objects.server.get(status.GIT_SYNCS, HOME, NAME)
        assert found is not None
        return found

    @property
    def exists(self) -> bool:
        return self.objects.server.get(status.GIT_SYNCS, HOME, NAME) is not None

    @property
    def status(self) -> dict[str, Any]:
        return dict(self.manifest.get("status") or {})

    def condition(self, kind: str) -> dict[str, Any]:
        return next((dict(one) for one in self.status.get("conditions") or () if one["type"] == kind), {})

    @property
    def ready(self) -> tuple[str, str]:
        found = self.condition("Ready")
        return found.get("status", ""), found.get("reason", "")

    def data(self, name: str) -> Any:
        found = self.objects.server.get(self.objects.server.kind("v1", "ConfigMap"), HOME, name)
        return None if found is None else found.get("data")

    def edit(self, name: str, data: dict[str, str], manager: str = "kubectl-edit") -> None:
        kind = self.objects.server.kind("v1", "ConfigMap")
        found = self.objects.server.get(kind, HOME, name)
        assert found is not None
        self.objects.server.replace(kind, {**found, "data": data}, manager=manager)

    def writes(self) -> list[tuple[str, str, str]]:
        """What was written since this was last called."""
        found = [
            (call.verb, call.kind, call.name)
            for call in self.objects.calls
            if call.verb not in {"get", "list"} and not call.dry_run
        ]
        self.objects.calls.clear()
        return found
