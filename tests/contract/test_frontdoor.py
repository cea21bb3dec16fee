"""The `FrontDoor` port: a door of its own in memory, and `Operation` objects, in memory and on a real API server."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

import msgspec
import pytest

from gitops import api, errors
from gitops.api import crds
from gitops.cluster import OperationObjects
from gitops.ports.frontdoor import FrontDoor
from gitops.ports.watch import Gone, Put, Synced
from gitops.testing.clock import FakeClock
from gitops.testing.frontdoor import KIND, FakeFrontDoor
from gitops.testing.server import FakeServer
from tests.cluster.bare import BareApiServer
from tests.contract import clusters

PATIENCE = 20


@dataclass(frozen=True, kw_only=True)
class House:
    """A front door, and what people do in front of it."""

    door: FrontDoor
    ground: clusters.Ground | None = None

    async def submit(self, name: str) -> api.Operation:
        spec = {"pool": "linux", "script": "echo hi\n"}
        if isinstance(self.door, FakeFrontDoor):
            return msgspec.convert(self.door.submit(name, spec), api.Operation)
        assert self.ground is not None
        metadata = {"name": name, "namespace": self.ground.namespace}
        body = {"apiVersion": api.API_VERSION, "kind": "Operation", "metadata": metadata, "spec": spec}
        return msgspec.convert(await self.ground.objects.create(KIND, body), api.Operation)


@pytest.fixture(params=["of its own", "objects", pytest.param("real objects", marks=pytest.mark.integration)])
async def house(request: pytest.FixtureRequest) -> AsyncIterator[House]:
    if request.param == "of its own":
        yield House(door=FakeFrontDoor(FakeServer(FakeClock(), ("here",)), "here"))
        return
    if request.param == "objects":
        source = clusters.in_memory()
    else:
        bare: BareApiServer = request.getfixturevalue("bare")
        definitions = list(crds.crds())
        body = json.dumps({"apiVersion": "v1", "kind": "List", "items": definitions})
        bare.kubectl("apply", "--server-side", "-f", "-", stdin=body)
        names = [f"crd/{one['metadata']['name']}" for one in definitions]
        bare.kubectl("wait", "--for=condition=Established", *names, "--timeout=30s")
        source = clusters.real(bare.kubeconfig)
    async for ground in source:
        door = OperationObjects(objects=ground.objects, watch=ground.watch, namespace=ground.namespace)
        yield House(door=door, ground=ground)


def status(phase: str) -> dict[str, Any]:
    return {"phase": phase, "reason": "Tried"}


async def test_what_came_and_what_becomes_of_it_arrives_in_order(house: House) -> None:
    first = await house.submit("first")
    async with asyncio.timeout(PATIENCE), aclosing(house.door.arrivals()) as arrivals:
        event = await anext(arrivals)
        assert isinstance(event, Synced)
        assert [one["metadata"]["name"] for one in event.items] == ["first"]
        second = await house.submit("second")
        written = msgspec.convert(await house.door.write(second, status("Starting")), api.Operation)
        await house.door.forget(first)
        seen = [await anext(arrivals) for _ in range(3)]
    assert [type(one) for one in seen] == [Put, Put, Gone]
    found = [one.object for one in seen if isinstance(one, Put | Gone)]
    assert [one["metadata"]["name"] for one in found] == ["second", "second", "first"]
    versions = [int(one["metadata"]["resourceVersion"]) for one in found]
    assert versions == sorted(set(versions))
    assert versions[1] == int(written.metadata.resource_version)


async def test_who_knows_an_old_state_may_not_write(house: House) -> None:
    known = await house.submit("build")
    first = await house.door.write(known, {**status("Starting"), "message": "one"})
    with pytest.raises(errors.VersionConflict):
        await house.door.write(known, {"message": "two"})
    kept = await house.door.read(known.metadata)
    assert kept is not None
    assert kept["status"] == first["status"] == {"phase": "Starting", "reason": "Tried", "message": "one"}


async def test_what_is_withdrawn_is_gone_and_its_namesake_another(house: House) -> None:
    old = await house.submit("build")
    await house.door.forget(old)
    await house.door.forget(old)
    assert await house.door.read(old.metadata) is None
    with pytest.raises(errors.ObjectMissing):
        await house.door.write(old, status("Starting"))
    new = await house.submit("build")
    assert await house.door.read(old.metadata) is None
    with pytest.raises(errors.VersionConflict):
        await house.door.write(old, status("Starting"))
    await house.door.forget(old)
    kept = await house.door.read(new.metadata)
    assert kept is not None
    assert kept["metadata"]["uid"] == new.metadata.uid
