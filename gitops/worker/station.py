"""Who this worker is and what it stands on."""

from __future__ import annotations

from dataclasses import dataclass

from gitops.ports.clock import Clock
from gitops.ports.download import Downloads
from gitops.ports.events import Events
from gitops.ports.frontdoor import FrontDoor
from gitops.ports.history import History
from gitops.ports.logstore import LogStore
from gitops.ports.objects import Objects, Resource
from gitops.ports.podexec import PodExec
from gitops.ports.podlogs import PodLogs
from gitops.ports.watch import Watch


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """The outside world."""

    door: FrontDoor
    objects: Objects
    watch: Watch
    logs: PodLogs
    exec: PodExec
    downloads: Downloads
    history: History
    store: LogStore
    events: Events
    clock: Clock


@dataclass(frozen=True, slots=True, kw_only=True)
class Kinds:
    """The kinds the worker reads and writes, as the server serves them."""

    pools: Resource
    workers: Resource
    syncs: Resource
    pods: Resource
    namespaces: Resource
    accounts: Resource
    nodes: Resource
    events: Resource
    config_maps: Resource


@dataclass(frozen=True, slots=True, kw_only=True)
class Station:
    """One process of one Worker: `identity` tells it from every other, earlier or later."""

    namespace: str
    worker: str
    identity: str
    runner: str
    ports: Ports
    kinds: Kinds
