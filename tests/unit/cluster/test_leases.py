from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from gitops.cluster.leases import LEASES, Election
from gitops.errors import ClusterDenied, ClusterUnavailable
from gitops.objects import Manifest
from gitops.ports.objects import DeleteOptions, Resource
from gitops.testing.clock import FakeClock, settle
from gitops.testing.objects import Call, FakeObjects


class Site:
    """A cluster, a clock, and who works when."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.objects = FakeObjects(clock=self.clock)
        self.log: list[str] = []
        self.tasks: dict[str, asyncio.Task[None]] = {}
        self.elections: dict[str, Election] = {}

    def stand(self, name: str, objects: FakeObjects | None = None) -> None:
        place = objects or self.objects
        election = Election(place, self.clock, namespace="default", name="leader", identity=name)
        self.elections[name] = election
        self.tasks[name] = asyncio.ensure_future(election.run(lambda: self.work(name)))

    async def work(self, name: str) -> None:
        self.log.append(f"{name} begins")
        try:
            await asyncio.Event().wait()
        finally:
            self.log.append(f"{name} ends")

    async def end(self) -> None:
        for task in self.tasks.values():
            task.cancel()
        await asyncio.gather(*self.tasks.values(), return_exceptions=True)

    @property
    def holder(self) -> str:
        lease = self.objects.server.get(LEASES, "default", "leader")
        assert lease
        name: str = lease["spec"]["holderIdentity"]
        return name


class Stuck(FakeObjects):
    """Its writes take as long as `free` is not set."""

    def __init__(self, clock: FakeClock) -> None:
        super().__init__(clock=clock)
        self.free = asyncio.Event()
        self.free.set()

    async def replace(self, resource: Resource, manifest: Manifest) -> Manifest:
        await self.free.wait()
        return await super().replace(resource, manifest)


def unreachable(when: Callable[[Call], bool] = lambda _: True) -> Callable[[Call], None]:
    def hook(call: Call) -> None:
        if when(call):
            raise ClusterUnavailable("gone")

    return hook


async def test_one_works_and_keeps_working() -> None:
    site = Site()
    site.stand("a")
    await settle()
    site.stand("b")
    for _ in range(60):
        await site.clock.advance(1)
    assert site.log == ["a begins"]
    assert site.elections["a"].leading
    assert not site.elections["b"].leading
    assert site.elections["b"].holder == "a"
    await site.end()


async def test_on_shutdown_the_work_ends_before_the_lease_is_given_back() -> None:
    site = Site()
    site.stand("a")
    await settle()
    site.objects.before.append(lambda call: site.log.append(call.verb) if call.verb == "replace" else None)
    site.tasks["a"].cancel()
    await settle()
    assert site.log == ["a begins", "a ends", "replace"]
    assert site.holder == ""
    site.stand("b")
    await settle()
    assert site.log[-1] == "b begins"
    await site.end()


async def test_a_leader_that_cannot_renew_stops_before_another_may_begin() -> None:
    site = Site()
    site.stand("a")
    await settle()
    cut = unreachable(lambda call: (call.body or {}).get("spec", {}).get("holderIdentity") == "a")
    site.objects.before.append(cut)
    site.stand("b")
    stopped = began = 0.0
    for _ in range(400):
        await site.clock.advance(0.1)
        stopped = stopped or ("a ends" in site.log and site.clock.monotonic()) or 0.0
        began = began or ("b begins" in site.log and site.clock.monotonic()) or 0.0
    assert site.log == ["a begins", "a ends", "b begins"]
    assert 9.9 <= stopped <= 10.2
    assert began >= stopped + 4
    await site.end()


async def test_a_renewal_that_hangs_does_not_outlast_the_deadline() -> None:
    site = Site()

    objects = Stuck(clock=site.clock)
    site.stand("a", objects)
    await settle()
    objects.free.clear()
    await site.clock.advance(9.8)
    assert site.log == ["a begins"]
    await site.clock.advance(0.4)
    assert site.log == ["a begins", "a ends"]
    objects.free.set()
    await site.clock.advance(5)
    assert site.log == ["a begins", "a ends", "a begins"]
    await site.end()


async def test_a_renewal_whose_answer_is_lost_changes_nothing() -> None:
    site = Site()
    site.stand("a")
    await settle()
    lost = iter([True, False, True, True] + [False] * 1000)
    site.objects.after.append(unreachable(lambda call: call.verb == "replace" and next(lost)))
    for _ in range(40):
        await site.clock.advance(1)
    assert site.log == ["a begins"]
    await site.end()


async def test_a_lease_taken_by_force_is_lost_at_once() -> None:
    site = Site()
    site.stand("a")
    await settle()
    lease = site.objects.server.get(LEASES, "default", "leader")
    assert lease
    site.objects.server.replace(LEASES, {**lease, "spec": {**lease["spec"], "holderIdentity": "thief"}})
    await site.clock.advance(2.5)
    assert site.log == ["a begins", "a ends"]
    assert site.holder == "thief"
    await site.clock.advance(20)
    assert site.log[-1] == "a begins"
    await site.end()


async def test_a_lease_that_was_deleted_is_made_again() -> None:
    site = Site()
    site.stand("a")
    await settle()
    site.objects.server.delete(LEASES, "default", "leader", DeleteOptions())
    await site.clock.advance(3)
    assert site.log == ["a begins"]
    assert site.holder == "a"
    await site.end()


async def test_work_that_returns_ends_the_term_and_work_that_fails_is_heard() -> None:
    site = Site()
    election = Election(site.objects, site.clock, namespace="default", name="leader", identity="a")

    async def nothing() -> None:
        return

    async def failing() -> None:
        raise ClusterDenied("no")

    await election.run(nothing)
    assert site.holder == ""
    with pytest.raises(ClusterDenied):
        await election.run(failing)
    assert site.holder == ""
