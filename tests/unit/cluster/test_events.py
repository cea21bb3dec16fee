from __future__ import annotations

from gitops.cluster.events import EVENTS, ServerEvents
from gitops.errors import ClusterDenied
from gitops.objects import Manifest
from gitops.ports.events import Happening
from gitops.testing.clock import FakeClock
from gitops.testing.objects import FakeObjects, failing

POOL: Manifest = {
    "apiVersion": "gitops-worker.io/v1alpha1",
    "kind": "WorkerPool",
    "metadata": {"name": "linux", "namespace": "default", "uid": "u1"},
}
STUCK = Happening(reason="Stuck", action="Launching", note="no room", severity="Warning")


def site() -> tuple[FakeObjects, FakeClock, ServerEvents]:
    clock = FakeClock()
    objects = FakeObjects(clock=clock)
    return objects, clock, ServerEvents(objects, clock, component="worker", instance="pod-1")


def told(objects: FakeObjects) -> list[Manifest]:
    return list(objects.server.list(EVENTS).items)


async def test_what_is_told() -> None:
    objects, _, events = site()
    await events.tell(POOL, STUCK)
    (event,) = told(objects)
    assert (event["reason"], event["action"], event["type"], event["note"]) == (
        "Stuck",
        "Launching",
        "Warning",
        "no room",
    )
    assert event["regarding"]["uid"] == "u1"
    assert event["reportingController"] == "gitops-worker.io/worker"
    assert "series" not in event


async def test_the_same_again_is_counted_in_few_writes() -> None:
    objects, _, events = site()
    for _ in range(1000):
        await events.tell(POOL, STUCK)
    (event,) = told(objects)
    assert event["series"]["count"] == 512
    assert len(objects.calls) == 10


async def test_something_else_or_much_later_is_another_event() -> None:
    objects, clock, events = site()
    await events.tell(POOL, STUCK)
    await events.tell(POOL, Happening(reason="Stuck", action="Launching", note="other"))
    await clock.advance(3601)
    await events.tell(POOL, STUCK)
    assert len(told(objects)) == 3


async def test_a_cluster_scoped_object_is_told_of_in_default_and_long_notes_are_cut() -> None:
    objects, _, events = site()
    namespace: Manifest = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "n"}}
    await events.tell(namespace, Happening(reason="R", action="A", note="é" * 1000))
    (event,) = told(objects)
    assert event["metadata"]["namespace"] == "default"
    assert len(event["note"].encode()) <= 1024
    assert event["note"].endswith(" ...")


async def test_telling_never_fails() -> None:
    objects, _, events = site()
    objects.before.append(failing(ClusterDenied("no"), verb="apply"))
    await events.tell(POOL, STUCK)
    assert told(objects) == []
