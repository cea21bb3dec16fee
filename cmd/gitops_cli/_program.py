"""The long-running program, wired: connections, elections, stories, probes.

Each half has a connection of its own, so that its User-Agent tells it apart in the audit log, and a Lease of its own.
"""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from prometheus_client import CollectorRegistry
from prometheus_client.registry import Collector

from gitops import api, cluster, errors, runner, worker
from gitops.cluster.clock import SystemClock
from gitops.cluster.leases import Election
from gitops.download import HttpDownloads
from gitops.reconcile import loop, turn
from gitops.sync.means import Means
from gitops.web import serve_logs, serve_probes
from gitops.web.metrics import Requests, WorkerCollector
from gitops_cli import _apart, _logging, _logstore, _sources, _wiring
from gitops_cli._shell import Shell

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The command line, parsed. `half` is empty for both."""

    half: str
    worker: str
    logs: _logstore.Options
    mirrors: str
    port: int
    log_port: int
    allow_file_sources: bool


@dataclass(slots=True, kw_only=True)
class State:
    """What probes and metrics look at: the halves that lead, and whether each has seen its world."""

    registry: CollectorRegistry
    requests: Requests
    waits: dict[str, Callable[[], Sequence[str]]] = field(default_factory=dict)
    collectors: dict[str, Collector] = field(default_factory=dict)

    def enter(self, half: str, waits: Callable[[], Sequence[str]], collector: Collector | None = None) -> None:
        """A half begins to lead; `waits` names what it has not seen yet."""
        self.waits[half] = waits
        if collector is not None:
            self.collectors[half] = collector
            self.registry.register(collector)

    def leave(self, half: str) -> None:
        """A half stands by again."""
        self.waits.pop(half, None)
        collector = self.collectors.pop(half, None)
        if collector is not None:
            self.registry.unregister(collector)

    def waiting_for(self) -> list[str]:
        """What the halves that lead do not know yet; one that stands by is as ready as it can be."""
        return [what for waits in self.waits.values() for what in waits()]


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """This process: `identity` is a name no other process ever has."""

    shell: Shell
    chosen: Options
    namespace: str
    identity: str
    state: State
    store: _logstore.Kept | None
    """Operation logs; None in a process that runs no operations."""


Half = Callable[[Program, cluster.Cluster], Awaitable[None]]


def lease_name(worker_name: str, half: str) -> str:
    """The Lease whose holder is the active process of a half."""
    return f"{worker_name}-{half}"


def options(given: Mapping[str, object]) -> Options:
    """The options click collected."""
    logs = {name: given[name] for name in _logstore.NAMES}
    rest = {name: value for name, value in given.items() if name not in logs}
    return Options(logs=_logstore.Options(**logs), **rest)  # type: ignore[arg-type]


async def run(shell: Shell, chosen: Options) -> int:
    """Run until cancelled."""
    _logging.start(shell.redactor, verbose=shell.settings.verbose)
    config = cluster.load(kubeconfig=shell.settings.kubeconfig, context=shell.settings.context)
    registry = CollectorRegistry()
    program = Program(
        shell=shell,
        chosen=chosen,
        namespace=shell.settings.namespace or config.namespace or "default",
        identity=f"{os.environ.get('POD_NAME') or os.uname().nodename}-{secrets.token_hex(3)}",
        state=State(registry=registry, requests=Requests(registry)),
        store=None if chosen.half == "reconciler" else _logstore.open_store(chosen.logs, SystemClock()),
    )
    where = f"{program.namespace}/{chosen.worker}"
    log.info("gitops run %s: %s as %s", chosen.half or "embedded", where, program.identity)
    halves: dict[str, Half] = {"reconciler": _reconcile, "worker": _work}
    async with (
        serve_probes(chosen.port, waiting_for=program.state.waiting_for, registry=registry),
        _logs_served(program),
        asyncio.TaskGroup() as group,
    ):
        if program.store is not None:
            group.create_task(_store_checked(program, program.store))
        for name, half in halves.items():
            if chosen.half in {"", name}:
                group.create_task(_elected(program, config, name, half))
    return 0


async def _store_checked(program: Program, store: _logstore.Kept) -> None:
    """Not ready until the log store lets us in: a rollout with a wrong one stops before it replaces a right one."""
    missing, pause = ["the log store"], 1.0
    program.state.enter("log store", lambda: missing)
    while missing:
        try:
            await store.check()
            missing.clear()
        except errors.LogStoreUnavailable as error:
            log.error("%s%s", error, f" ({error.hint})" if error.hint else "")  # noqa: TRY400 - it says it all
            await asyncio.sleep(pause)
            pause = min(pause * 2, 60.0)


@asynccontextmanager
async def _logs_served(program: Program) -> AsyncIterator[None]:
    """Serve what this process has stored, leading or not: a former leader still has logs only it can show."""
    if program.store is None:
        yield
        return
    async with serve_logs(program.store, program.chosen.log_port):
        yield


async def _elected(program: Program, config: cluster.ClusterConfig, name: str, half: Half) -> None:
    """Run a half while its Lease is ours; stand by otherwise."""
    observe = program.state.requests.observer(name)
    async with cluster.connect(config, component=name, observe=observe) as connection:
        election = Election(
            connection.objects,
            connection.clock,
            namespace=program.namespace,
            name=lease_name(program.chosen.worker, name),
            identity=program.identity,
        )

        async def lead() -> None:
            log.info("%s: leading", name)
            try:
                await half(program, connection)
            finally:
                program.state.leave(name)
                log.info("%s: no longer leading", name)

        await election.run(lead)


async def _reconcile(program: Program, connection: cluster.Cluster) -> None:
    means = Means(objects=connection.objects, clock=connection.clock)
    chosen = program.chosen
    mirrors = _sources.guarded(Path(chosen.mirrors), program.shell.redactor, files=chosen.allow_file_sources)
    builder = _apart.Builder()
    program.state.enter("reconciler", tuple)

    @asynccontextmanager
    async def open_turn(sync: api.GitSync) -> AsyncIterator[turn.Turn]:
        async with (
            _sources.repository(connection.objects, sync, mirrors) as repository,
            _wiring.on_behalf(connection, sync) as rights,
        ):
            yield turn.Turn(sync=sync, repository=repository, render=builder.render, means=rights)

    doors = loop.Doors(turn=open_turn, on_behalf=partial(_wiring.on_behalf, connection))
    await loop.serve(connection.watch, means, namespace=program.namespace, doors=doors)


async def _work(program: Program, connection: cluster.Cluster) -> None:
    store = program.store
    if store is None:
        return
    ports = worker.Ports(
        door=cluster.OperationObjects(objects=connection.objects, watch=connection.watch, namespace=program.namespace),
        objects=connection.objects,
        watch=connection.watch,
        logs=connection.logs,
        exec=connection.exec,
        downloads=HttpDownloads(os.environ),
        history=connection.history,
        store=store,
        events=connection.events,
        clock=connection.clock,
    )
    who = worker.Identity(
        namespace=program.namespace,
        worker=program.chosen.worker,
        process=program.identity,
        runner=runner.config_map_name(runner.files()),
    )

    def started(service: worker.Service) -> None:
        program.state.enter("worker", service.waiting_for, WorkerCollector(service, service.roster.figures))

    async with asyncio.TaskGroup() as group:
        sweeping = group.create_task(_sweep(store, connection))
        await worker.serve(ports, who, started=started)
        sweeping.cancel()


async def _sweep(store: _logstore.Kept, connection: cluster.Cluster) -> None:
    """Once an hour, remove the logs that the retention no longer keeps."""
    while True:
        try:
            removed = await store.sweep()
        except errors.LogStoreUnavailable as error:
            log.warning("old operation logs stay for now: %s", error)
        else:
            if removed:
                log.info("removed %d operation logs that are no longer kept", removed)
        await connection.clock.sleep(3600)
