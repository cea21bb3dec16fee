"""A create that is sent in time or not at all: what may be carried out late has an end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web

from gitops import cluster, errors
from gitops.cluster.http import Limits
from gitops.cluster.settings import ClusterConfig
from gitops.ports.objects import Resource
from gitops.testing import stub
from gitops.testing.clock import FakeClock
from gitops.testing.stub import Stub

PODS = Resource(group="", version="v1", kind="Pod", plural="pods", namespaced=True)
POD: dict[str, Any] = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a", "resourceVersion": "1"}}


@asynccontextmanager
async def client(server: Stub, *, clock: FakeClock | None = None, **limits: Any) -> AsyncIterator[cluster.Cluster]:
    config = ClusterConfig(server=server.url, origin="a test")
    async with cluster.connect(config, component="test", clock=clock, limits=Limits(**limits)) as connected:
        yield connected


@pytest.fixture
async def server() -> AsyncIterator[Stub]:
    async with Stub() as made:
        yield made


async def test_the_server_is_told_when_to_give_up(server: Stub) -> None:
    server.on(stub.json(POD, 201))
    async with client(server) as connected:
        await connected.objects.create(PODS, POD, within=10)
        await connected.objects.create(PODS, POD)
    assert [seen.query.get("timeout") for seen in server.requests] == ["30s", None]


@pytest.mark.parametrize("wish", ["20", "6"])
async def test_what_the_server_puts_off_for_too_long_is_not_sent_again(server: Stub, wish: str) -> None:
    """Once too long by itself, once because of what was waited for before."""
    server.on(stub.status(429, "TooManyRequests", "x", retry_after=wish))
    async with client(server, clock=FakeClock(eager=True)) as connected:
        with pytest.raises(errors.ClusterUnavailable) as caught:
            await connected.objects.create(PODS, POD, within=10)
        assert not caught.value.ambiguous
        sent = len(server.requests)
        assert sent == {"20": 1, "6": 2}[wish]
        # Another one of the class that is held back does not wait for its turn either.
        with pytest.raises(errors.ClusterUnavailable) as caught:
            await connected.objects.create(PODS, POD, within=1)
        assert not caught.value.ambiguous
        assert len(server.requests) == sent


async def test_what_finds_no_free_connection_in_time_is_not_sent(server: Stub) -> None:
    arrived = asyncio.Event()

    async def silent(request: web.Request) -> web.StreamResponse:
        arrived.set()
        return await stub.silent()(request)

    server.on(silent, method="GET")
    server.on(stub.json(POD, 201), method="POST")
    async with client(server, connections=1) as connected:
        slow = asyncio.ensure_future(connected.objects.get(PODS, "n", "b"))
        await arrived.wait()
        with pytest.raises(errors.ClusterUnavailable) as caught:
            await connected.objects.create(PODS, POD, within=0.3)
        assert not caught.value.ambiguous
        slow.cancel()
        await asyncio.gather(slow, return_exceptions=True)
    assert [seen.method for seen in server.requests] == ["GET"]
