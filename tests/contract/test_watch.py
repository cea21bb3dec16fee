"""The `Watch` port: the fake and a real API server say the same."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from pathlib import Path

import pytest

from gitops import cluster, errors
from gitops.ports.objects import DeleteOptions
from gitops.ports.watch import Gone, Put, Synced, WatchEvent
from tests.cluster.bare import BareApiServer
from tests.contract import clusters
from tests.contract.clusters import Ground

PATIENCE = 20
MINE = "mine=yes"


@pytest.fixture(params=["memory", pytest.param("real", marks=pytest.mark.integration)])
async def ground(request: pytest.FixtureRequest) -> AsyncIterator[Ground]:
    if request.param == "memory":
        source = clusters.in_memory()
    else:
        source = clusters.real(request.getfixturevalue("bare").kubeconfig)
    async for made in source:
        yield made


class Follower:
    """Takes the events of one watch, one after the other."""

    def __init__(self, events: AsyncIterator[WatchEvent]) -> None:
        self._events = events

    async def next(self) -> WatchEvent:
        async with asyncio.timeout(PATIENCE):
            return await anext(self._events)

    async def told(self) -> tuple[type[WatchEvent], str, dict[str, str]]:
        event = await self.next()
        assert isinstance(event, Put | Gone)
        assert (event.object["apiVersion"], event.object["kind"]) == ("v1", "ConfigMap")
        return type(event), event.object["metadata"]["name"], event.object.get("data") or {}

    async def synced(self) -> Sequence[str]:
        event = await self.next()
        assert isinstance(event, Synced)
        return [item["metadata"]["name"] for item in event.items]


async def test_what_is_there_then_what_changes(ground: Ground) -> None:
    kind = await ground.kind("v1", "ConfigMap")
    await ground.objects.apply(kind, ground.config_map("a", {"x": "1"}, labels={"mine": "yes"}))
    async with aclosing(ground.watch.watch(kind, ground.namespace, labels=MINE)) as events:
        follower = Follower(events)
        assert await follower.synced() == ["a"]
        await ground.objects.apply(kind, ground.config_map("b", {"x": "1"}, labels={"mine": "yes"}))
        await ground.objects.apply(kind, ground.config_map("b", {"x": "2"}, labels={"mine": "yes"}))
        await ground.objects.delete(kind, ground.namespace, "a", options=DeleteOptions())
        assert await follower.told() == (Put, "b", {"x": "1"})
        assert await follower.told() == (Put, "b", {"x": "2"})
        assert await follower.told() == (Gone, "a", {"x": "1"})


async def test_signs_of_life_are_heard(ground: Ground) -> None:
    kind, signs = await ground.kind("v1", "ConfigMap"), asyncio.Event()
    async with aclosing(ground.watch.watch(kind, ground.namespace, heard=signs.set)) as events:
        follower = Follower(events)
        await follower.synced()
        assert signs.is_set()
        signs.clear()
        await ground.objects.apply(kind, ground.config_map("a"))
        assert (await follower.told())[:2] == (Put, "a")
        assert signs.is_set()


async def test_what_leaves_the_selector_is_gone(ground: Ground) -> None:
    kind = await ground.kind("v1", "ConfigMap")
    made = (await ground.objects.apply(kind, ground.config_map("a", labels={"mine": "yes"}))).object
    async with aclosing(ground.watch.watch(kind, ground.namespace, labels=MINE)) as events:
        follower = Follower(events)
        assert await follower.synced() == ["a"]
        changed = copy.deepcopy(made)
        changed["metadata"]["labels"] = {"mine": "no"}
        await ground.objects.replace(kind, changed)
        assert (await follower.told())[:2] == (Gone, "a")
        await ground.objects.apply(kind, ground.config_map("z", labels={"mine": "yes"}))
        assert (await follower.told())[:2] == (Put, "z")


async def test_a_no_op_says_nothing(ground: Ground) -> None:
    kind = await ground.kind("v1", "ConfigMap")
    await ground.objects.apply(kind, ground.config_map("a", {"x": "1"}, labels={"mine": "yes"}))
    async with aclosing(ground.watch.watch(kind, ground.namespace, labels=MINE)) as events:
        follower = Follower(events)
        assert await follower.synced() == ["a"]
        await ground.objects.apply(kind, ground.config_map("a", {"x": "1"}, labels={"mine": "yes"}))
        await ground.objects.apply(kind, ground.config_map("b", labels={"mine": "yes"}))
        assert (await follower.told())[:2] == (Put, "b")


@pytest.mark.integration
async def test_a_watch_that_may_not_be_is_denied(bare: BareApiServer) -> None:
    config = cluster.load(kubeconfig=str(bare.user("nobody-special")))
    async with cluster.connect(config, component="contract") as connected:
        kind = await connected.objects.resource("v1", "Secret")
        with pytest.raises(errors.ClusterDenied, match='User "nobody-special" cannot list resource "secrets"'):
            await anext(connected.watch.watch(kind))


@pytest.mark.integration
async def test_the_api_server_gone_and_back(tmp_path: Path) -> None:
    with BareApiServer(tmp_path) as bare:
        async for ground in clusters.real(bare.kubeconfig):
            await follow_through_a_restart(ground, bare)


async def follow_through_a_restart(ground: Ground, bare: BareApiServer) -> None:
    kind = await ground.kind("v1", "ConfigMap")
    async with aclosing(ground.watch.watch(kind, ground.namespace, labels=MINE)) as events:
        follower = Follower(events)
        assert await follower.synced() == []
        await asyncio.to_thread(bare.stop)
        waiting = asyncio.ensure_future(follower.next())
        await asyncio.to_thread(bare.start)
        await ground.objects.apply(kind, ground.config_map("after", labels={"mine": "yes"}))
        event = await waiting
        items = event.items if isinstance(event, Synced) else [event.object]
        assert [item["metadata"]["name"] for item in items] == ["after"]
