"""A pass over a cluster in memory."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from gitops.objects import Manifest, inventory, ref_of
from gitops.plan import normal
from gitops.plan.change import Desired
from gitops.plan.settle import Header, Rules
from gitops.ports.objects import Resource
from gitops.sync import events, execute, inventories, story
from gitops.sync.means import Means
from gitops.testing.clock import FakeClock
from gitops.testing.objects import Call, FakeObjects

HOME = "home"


def config_map(name: str, data: dict[str, str] | None = None, *, namespace: str = HOME) -> Manifest:
    made: Manifest = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": namespace}}
    return {**made, "data": data if data is not None else {"a": "1"}}


def namespace_of(name: str) -> Manifest:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": {"of": "us"}}}


def pool(name: str) -> Manifest:
    metadata = {"name": name, "namespace": HOME}
    return {
        "apiVersion": "gitops-worker.io/v1alpha1",
        "kind": "WorkerPool",
        "metadata": metadata,
        "spec": {"image": "i"},
    }


def wanted(manifests: Iterable[Manifest], *, authored: Manifest | None = None) -> list[Desired]:
    found = []
    for manifest in manifests:
        spelled = normal.normalise(manifest)
        ref = ref_of(spelled)
        found.append(Desired(manifest=spelled, ref=ref, authored=ref_of(authored) if authored else ref))
    return found


@dataclass(kw_only=True)
class Passes:
    """One inventory; every method is one pass of the program, with nothing kept in between."""

    objects: FakeObjects = field(default_factory=lambda: FakeObjects(namespaces=("default", HOME)))
    clock: FakeClock = field(default_factory=lambda: FakeClock(eager=True))
    told: list[events.Event] = field(default_factory=list)
    patience: float = 60.0

    @property
    def means(self) -> Means:
        return Means(objects=self.objects, clock=self.clock, report=self.told.append, patience=self.patience)

    async def plan(self, desired: Sequence[Desired], *, revision: str = "r1", **rules: Any) -> story.Planned:
        header = Header(name="sync", namespace=HOME, revision=revision)
        return await story.plan(self.means, desired, header=header, rules=replace(Rules(), **rules))

    async def sync(self, desired: Sequence[Desired], *, revision: str = "r1", **rules: Any) -> execute.Outcome:
        planned = await self.plan(desired, revision=revision, **rules)
        return await story.carry_out(self.means, planned)

    async def inventory(self) -> inventory.Inventory:
        return (await inventories.load(self.objects, name="sync", namespace=HOME)).inventory

    def kind(self, api_version: str, kind: str) -> Resource:
        return self.objects.server.kind(api_version, kind)

    def names(self, kind: str = "ConfigMap", api_version: str = "v1") -> set[str]:
        items = self.objects.server.list(self.kind(api_version, kind)).items
        return {one["metadata"]["name"] for one in items if "inventory" not in one["metadata"]["name"]}

    def get(self, name: str, kind: str = "ConfigMap", api_version: str = "v1", *, namespace: str = HOME) -> Manifest:
        found = self.objects.server.get(self.kind(api_version, kind), namespace, name)
        assert found is not None
        return found

    def edit(self, name: str, *, manager: str = "kubectl-edit", kind: str = "ConfigMap", **fields: Any) -> None:
        """Change top-level fields as somebody else, by an update."""
        found = self.get(name, kind)
        self.objects.server.replace(self.kind("v1", kind), {**found, **fields}, manager=manager)

    def requests(self) -> list[Call]:
        """What was asked since this was last called."""
        found = list(self.objects.calls)
        self.objects.calls.clear()
        return found

    def writes(self) -> list[tuple[str, str, str]]:
        return [
            (call.verb, call.kind, call.name)
            for call in self.requests()
            if call.verb not in {"get", "list"} and not call.dry_run
        ]
