"""The long-running program, wired: connections, elections, stories, probes.

Each half has a connection of its own, so that its User-Agent tells it apart in the audit log, and a Lease of its own.
"""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from gitops import api, cluster, runner, worker
from gitops.logstore import DirectoryStore
from gitops.reconcile import loop, turn
from gitops.sync.means import Means
from gitops_cli import _logging, _wiring
from gitops_cli._shell import Shell

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The command line, parsed. `half` is empty for both."""

    half: str
    worker: str
    log_directory: str
    mirrors: str
    port: int
    log_port: int


def options(given: Mapping[str, object]) -> Options:
    """The options click collected."""
    return Options(**given)  # type: ignore[arg-type]


async def run(shell: Shell, chosen: Options) -> int:
    """Run until cancelled."""
    _logging.start(shell.redactor, verbose=shell.settings.verbose)
    config = cluster.load(kubeconfig=shell.settings.kubeconfig, context=shell.settings.context)
    namespace = shell.settings.namespace or config.namespace or "default"
    identity = f"{os.environ.get('POD_NAME') or os.uname().nodename}-{secrets.token_hex(3)}"
    log.info("gitops run %s: worker %s/%s as %s", chosen.half or "embedded", namespace, chosen.worker, identity)
    async with asyncio.TaskGroup() as group:
        if chosen.half != "worker":
            group.create_task(_reconcile(shell, chosen, config, namespace, identity))
        if chosen.half != "reconciler":
            group.create_task(_work(chosen, config, namespace, identity))
    return 0


async def _reconcile(
    shell: Shell, chosen: Options, config: cluster.ClusterConfig, namespace: str, identity: str
) -> None:
    async with cluster.connect(config, component="reconciler") as connection:
        means = Means(objects=connection.objects, clock=connection.clock)
        directory = Path(chosen.mirrors)

        @asynccontextmanager
        async def open_turn(sync: api.GitSync) -> AsyncIterator[turn.Turn]:
            async with _wiring.repository(connection.objects, sync, directory, shell.redactor) as repository:
                yield turn.Turn(sync=sync, repository=repository, render=_wiring.render, means=means)

        del identity
        await loop.serve(connection.watch, means, namespace=namespace, open_turn=open_turn)


async def _work(chosen: Options, config: cluster.ClusterConfig, namespace: str, identity: str) -> None:
    async with cluster.connect(config, component="worker") as connection:
        store = DirectoryStore(Path(chosen.log_directory), connection.clock)
        ports = worker.Ports(
            objects=connection.objects,
            watch=connection.watch,
            logs=connection.logs,
            store=store,
            clock=connection.clock,
        )
        who = worker.Identity(
            namespace=namespace,
            worker=chosen.worker,
            process=identity,
            runner=runner.config_map_name(runner.files()),
        )
        await worker.serve(ports, who)
