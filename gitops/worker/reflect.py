"""The watches: each fills its part of the roster, for ever."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from gitops import api, errors
from gitops.objects import Manifest
from gitops.pods import marks
from gitops.ports.objects import Resource
from gitops.ports.watch import Gone, Put, Synced, WatchEvent
from gitops.worker.roster import Roster, read_all
from gitops.worker.station import Station


class Watching(Protocol):
    """Begins a watch; `heard` is called at every sign of life."""

    def __call__(self, *, heard: Callable[[], None]) -> AsyncGenerator[WatchEvent, None]:
        """Its events."""
        ...


DENIED_AGAIN = 5.0
"""Seconds between attempts while rights are missing: a new pool's rights take a moment to spread."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Handler:
    """What to do with a kind's objects."""

    replace: Callable[[list[Manifest]], None]
    put: Callable[[Manifest], None]
    drop: Callable[[Manifest], None]


async def reflect(
    station: Station, roster: Roster, topic: str, resource: Resource, *, namespace: str, handler: Handler
) -> None:
    """Follow one kind in one namespace."""
    labels = marks.OPERATION if topic.startswith("pods/") else ""
    watch = partial(station.ports.watch.watch, resource, namespace, labels=labels)
    await follow(station, roster, topic, watch, handler=handler)


async def follow(station: Station, roster: Roster, topic: str, watch: Watching, *, handler: Handler) -> None:
    """Follow events until cancelled; without rights, wait for them and say so."""

    def heard() -> None:
        roster.signs[topic] = station.ports.clock.monotonic()

    while True:
        try:
            async with contextlib.aclosing(watch(heard=heard)) as events:
                async for event in events:
                    match event:
                        case Synced(items=items):
                            handler.replace(list(items))
                            roster.sync(topic)
                        case Put(object=found):
                            handler.put(found)
                        case Gone(object=last):
                            handler.drop(last)
        except errors.ClusterDenied as error:
            roster.denied[topic] = str(error)
            roster.wake.set()
        await station.ports.clock.sleep(DENIED_AGAIN)


def operations(roster: Roster) -> Handler:
    """Operations of the worker's namespace."""

    def put(manifest: Manifest) -> None:
        for operation in read_all(api.Operation, [manifest]):
            roster.hear_operation(operation)

    return Handler(
        replace=lambda items: roster.replace_operations(read_all(api.Operation, items)),
        put=put,
        drop=lambda last: roster.drop_operation(last["metadata"]["uid"]),
    )


def pods(roster: Roster, namespace: str) -> Handler:
    """Pods of an operations namespace."""
    return Handler(
        replace=lambda items: roster.replace_pods(namespace, items), put=roster.put_pod, drop=roster.drop_pod
    )


def pools(roster: Roster) -> Handler:
    """WorkerPools."""

    def put(manifest: Manifest) -> None:
        for pool in read_all(api.WorkerPool, [manifest]):
            roster.pools[pool.metadata.name] = pool
            roster.removed_pools.discard(pool.metadata.name)
        roster.wake.set()

    def drop(last: Manifest) -> None:
        roster.pools.pop(last["metadata"]["name"], None)
        roster.removed_pools.add(last["metadata"]["name"])
        roster.wake.set()

    def replace(items: list[Manifest]) -> None:
        fresh = {pool.metadata.name: pool for pool in read_all(api.WorkerPool, items)}
        roster.removed_pools = (roster.removed_pools | roster.pools.keys()) - fresh.keys()
        roster.pools = fresh

    return Handler(replace=replace, put=put, drop=drop)


def workers(roster: Roster, name: str) -> Handler:
    """The one Worker object that is us."""

    def put(manifest: Manifest) -> None:
        for worker in read_all(api.Worker, [manifest]):
            if worker.metadata.name == name:
                roster.worker = worker
                roster.wake.set()

    def drop(last: Manifest) -> None:
        if last["metadata"]["name"] == name:
            roster.worker = None
            roster.wake.set()

    def replace(items: list[Manifest]) -> None:
        roster.worker = next((one for one in read_all(api.Worker, items) if one.metadata.name == name), None)

    return Handler(replace=replace, put=put, drop=drop)


def syncs(roster: Roster) -> Handler:
    """GitSyncs: only to say under which revision an operation ran."""

    def put(manifest: Manifest) -> None:
        for sync in read_all(api.GitSync, [manifest]):
            roster.syncs[sync.metadata.name] = sync

    def drop(last: Manifest) -> None:
        roster.syncs.pop(last["metadata"]["name"], None)

    def replace(items: list[Manifest]) -> None:
        roster.syncs = {sync.metadata.name: sync for sync in read_all(api.GitSync, items)}

    return Handler(replace=replace, put=put, drop=drop)
