"""`gitops pool list`: the pools of a namespace, whether they are ready, and how much runs and waits in each."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from gitops_cli import _edge, _options, _shell

if TYPE_CHECKING:
    from gitops import api, cluster

HEADER = ("NAME", "READY", "RUNNING", "WAITING", "PLACES", "IMAGE", "AGE", "MESSAGE")
REFERENCE = "workerpool.gitops-worker.io"


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The command line, parsed."""

    everywhere: bool
    output: str


@click.command(
    epilog="""\
\b
Examples:
  gitops pool list
  gitops pool list -A
  gitops pool list -o json

READY is what the worker says of the pool; unknown: no worker has looked at it. PLACES is spec.maxOperations.
"""
)
@click.option("-A", "--all-namespaces", "everywhere", is_flag=True, help="Of all namespaces.")
@_options.output("table", "json", "name")
@click.pass_context
def command(context: click.Context, output: str, *, everywhere: bool) -> None:
    """List pools, and what runs and waits in each."""
    context.exit(_edge.start(run(_shell.of(context), Options(everywhere=everywhere, output=output))))


async def run(shell: _shell.Shell, options: Options) -> int:
    """Read and print."""
    from gitops_cli import _operations, _pools, _wiring
    from gitops_cli.operation_list import age

    async with _wiring.connected(shell) as connection:
        pools = await _pools.find(shell, connection, (), everywhere=options.everywhere)
        where = "" if options.everywhere else _operations.namespace(shell, connection)
        running, waiting = await _counts(connection, where)
        now = connection.clock.now()
    if options.output == "json":
        found = [_document(pool, running[_key(pool)], waiting[_key(pool)]) for pool in pools]
        shell.console.answer(json.dumps(found, indent=2, ensure_ascii=False))
        return 0
    if options.output == "name":
        for pool in pools:
            shell.console.answer(f"{REFERENCE}/{pool.metadata.name}")
        return 0
    rows = [
        [
            *([pool.metadata.namespace] if options.everywhere else []),
            pool.metadata.name,
            _ready(pool)[0],
            str(running[_key(pool)]),
            str(waiting[_key(pool)]),
            str(pool.spec.max_operations),
            pool.spec.image,
            age(pool.metadata.creation_timestamp, now),
            _ready(pool)[1],
        ]
        for pool in pools
    ]
    shell.console.table(["NAMESPACE", *HEADER] if options.everywhere else HEADER, rows)
    if not rows:
        shell.console.note(f"no pools{f' in {where}' if where else ''}")
    return 0


async def _counts(connection: cluster.Cluster, where: str) -> tuple[Counter[tuple[str, str]], Counter[tuple[str, str]]]:
    """Operations that run, and those that wait, by namespace and pool."""
    import msgspec

    from gitops import api
    from gitops_cli import _operations

    running: Counter[tuple[str, str]] = Counter()
    waiting: Counter[tuple[str, str]] = Counter()
    listing = await connection.objects.list(await _operations.kind(connection), where)
    for item in listing.items:
        one = msgspec.convert(item, api.Operation)
        if not _operations.finished(one):
            counted = running if one.status.claim is not None else waiting
            counted[one.metadata.namespace, one.spec.pool] += 1
    return running, waiting


def _key(pool: api.WorkerPool) -> tuple[str, str]:
    return pool.metadata.namespace, pool.metadata.name


def _ready(pool: api.WorkerPool) -> tuple[str, str]:
    """The condition Ready in a word, and why it is not."""
    found = next((one for one in pool.status.conditions if one.type == "Ready"), None)
    if found is None:
        return "unknown", "no worker serves it" if not pool.status.conditions else ""
    if found.status == "True":
        return ("suspended", "") if pool.spec.suspended else ("yes", "")
    return "no", f"{found.reason}: {found.message}"


def _document(pool: api.WorkerPool, running: int, waiting: int) -> dict[str, Any]:
    ready, message = _ready(pool)
    return {
        "namespace": pool.metadata.namespace,
        "name": pool.metadata.name,
        "ready": ready,
        "message": message,
        "running": running,
        "waiting": waiting,
        "maxOperations": pool.spec.max_operations,
        "suspended": pool.spec.suspended,
        "image": pool.spec.image,
    }
