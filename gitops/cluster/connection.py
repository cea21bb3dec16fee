"""A connection to one cluster: every adapter of this folder, wired once."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass

import gitops
from gitops.cluster.access import ServerAccess
from gitops.cluster.clock import SystemClock
from gitops.cluster.discovery import Discovery
from gitops.cluster.events import ServerEvents
from gitops.cluster.history import ServerHistory
from gitops.cluster.http import Http, Limits, Observer
from gitops.cluster.objects import ServerObjects
from gitops.cluster.podexec import ServerPodExec
from gitops.cluster.podlogs import ServerPodLogs
from gitops.cluster.portforward import PortForward
from gitops.cluster.reflector import Patience, Reflector
from gitops.cluster.settings import ClusterConfig
from gitops.ports.clock import Clock


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """The ports of one cluster, as one user, for one half of the program."""

    config: ClusterConfig
    clock: Clock
    discovery: Discovery
    objects: ServerObjects
    watch: Reflector
    logs: ServerPodLogs
    exec: ServerPodExec
    history: ServerHistory
    access: ServerAccess
    ports: PortForward
    events: ServerEvents


@contextlib.asynccontextmanager
async def connect(
    config: ClusterConfig,
    *,
    component: str,
    clock: Clock | None = None,
    limits: Limits | None = None,
    patience: Patience | None = None,
    observe: Observer | None = None,
) -> AsyncIterator[Cluster]:
    """Connect lazily: the first request opens the first connection.

    `component` names the half of the program in the User-Agent, and so in the cluster's audit log.

    Raises:
        ConfigError: certificates or keys in the configuration are not usable.
    """
    time = clock or SystemClock()
    agent = f"gitops/{gitops.__version__} ({component})"
    async with Http(config, clock=time, agent=agent, limits=limits or Limits(), observe=observe) as http:
        discovery = Discovery(http, time)
        objects = ServerObjects(http, discovery)
        yield Cluster(
            config=config,
            clock=time,
            discovery=discovery,
            objects=objects,
            watch=Reflector(http, objects, time, patience),
            logs=ServerPodLogs(http, silence=(patience or Patience()).silence),
            exec=ServerPodExec(http),
            history=ServerHistory(http),
            access=ServerAccess(http),
            ports=PortForward(http),
            events=ServerEvents(objects, time, component=component, instance=socket.gethostname()),
        )
