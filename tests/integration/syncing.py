"""A sync against a real API server, without Git: manifests in, plan, apply, drift out."""

from __future__ import annotations

import asyncio
import copy
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import yaml

from gitops import cluster
from gitops.objects import Manifest, ref_of
from gitops.plan import normal, waves
from gitops.plan.change import Desired
from gitops.plan.settle import Header, Rules
from gitops.sync import execute, story
from gitops.sync.means import Means

KINDS = Path(__file__).parent / "data" / "kinds.yaml"
SPELLINGS = KINDS.with_name("spellings.yaml")
AT_ONCE = 10
"""Runs that are killed side by side, each in namespaces of its own."""


def kinds(namespace: str, file: Path = KINDS) -> list[Manifest]:
    """One object of every kind, in a namespace of its own."""
    text = file.read_text().replace("NAMESPACE", namespace)
    return [one for one in yaml.load_all(text, Loader=yaml.CSafeLoader) if one]


def wanted(manifests: Iterable[Manifest], *, authored: Manifest | None = None) -> tuple[Desired, ...]:
    spelled = [normal.normalise(copy.deepcopy(manifest)) for manifest in manifests]
    nodes = [waves.Node(ref=ref_of(one), annotations=one["metadata"].get("annotations") or {}) for one in spelled]
    ranks = waves.arrange(nodes).ranks
    return tuple(
        Desired(
            manifest=one,
            ref=ref_of(one),
            authored=ref_of(authored) if authored else ref_of(one),
            rank=ranks.get(ref_of(one)),
        )
        for one in spelled
    )


def fresh(prefix: str) -> str:
    return f"{prefix}-{secrets.token_hex(3)}"


@dataclass(kw_only=True)
class Sync:
    """One inventory in one namespace; `settled` remembers every event."""

    means: Means
    namespace: str
    name: str = "it"
    rules: Rules = field(default_factory=Rules)

    async def plan(
        self, manifests: Iterable[Manifest], *, revision: str = "main@sha1:1", **rules: Any
    ) -> story.Planned:
        header = Header(name=self.name, namespace=self.namespace, revision=revision)
        return await story.plan(self.means, wanted(manifests), header=header, rules=replace(self.rules, **rules))

    async def apply(
        self, manifests: Iterable[Manifest], *, healthy: bool = False, **rules: Any
    ) -> tuple[story.Planned, execute.Outcome]:
        planned = await self.plan(manifests, **rules)
        return planned, await story.carry_out(self.means, planned, healthy=healthy)

    async def drift(self, manifests: Iterable[Manifest]) -> story.Drifted:
        return await story.find_drift(self.means, wanted(manifests), name=self.name, namespace=self.namespace)


@asynccontextmanager
async def connected(kubeconfig: Path, namespace: str, *, patience: float = 10.0) -> AsyncIterator[Sync]:
    async with cluster.connect(cluster.load(kubeconfig=str(kubeconfig)), component="test") as connection:
        means = Means(objects=connection.objects, clock=connection.clock, patience=patience)
        yield Sync(means=means, namespace=namespace)


def namespace_of(name: str) -> Manifest:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}


async def at_every_place(killed_at: Callable[[int], Awaitable[bool]]) -> int:
    """Try 1, 2, 3 and so on, several at once, up to a place that lies behind the end; gives how many were tried."""
    place = 1
    while not any(await asyncio.gather(*(killed_at(place + step) for step in range(AT_ONCE)))):
        place += AT_ONCE
    return place + AT_ONCE
