"""`gitops operation cancel`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from gitops_cli import _edge, _shell

if TYPE_CHECKING:
    from gitops import api, cluster


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The command line, parsed."""

    names: tuple[str, ...]


@click.command(
    epilog="""\
\b
Examples:
  gitops operation cancel linux-3f9c2e1a

The script gets SIGTERM and the pool's grace period; its last lines are kept. The Operation stays, as Cancelled;
who may delete operations but not change them cancels by deleting.

\b
Exit codes: 0 cancelled, 1 one had finished already.
"""
)
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
@click.pass_context
def command(context: click.Context, names: tuple[str, ...]) -> None:
    """Cancel operations that are queued or running."""
    context.exit(_edge.start(run(_shell.of(context), Options(names=names))))


async def run(shell: _shell.Shell, options: Options) -> int:
    """Ask the worker to end them, unless they finished."""
    from gitops_cli import _operations, _wiring

    code = 0
    async with _wiring.connected(shell) as connection:
        where = _operations.namespace(shell, connection)
        found = [await _operations.find(connection, where, name) for name in options.names]
        for one in found:
            name = one.metadata.name
            if _operations.finished(one):
                shell.console.note(f"{name} has finished already: {_operations.stands(one)}")
                code = 1
                continue
            how = await _cancel(connection, one)
            shell.console.answer(f"{_operations.REFERENCE}/{name} {how}")
    return code


async def _cancel(connection: cluster.Cluster, operation: api.Operation) -> str:
    from gitops import api, errors
    from gitops.pods import marks
    from gitops.ports.objects import DeleteOptions
    from gitops_cli import _operations

    metadata = operation.metadata
    resource = await _operations.kind(connection)
    marked = {
        "name": metadata.name,
        "namespace": metadata.namespace,
        "uid": metadata.uid,
        "annotations": {marks.CANCEL: "gitops operation cancel"},
    }
    manifest = {"apiVersion": api.API_VERSION, "kind": "Operation", "metadata": marked}
    try:
        await connection.objects.apply(resource, manifest, force=True)
    except errors.ClusterDenied:
        options = DeleteOptions(uid=metadata.uid)
        await connection.objects.delete(resource, metadata.namespace, metadata.name, options=options)
        return "cancelled and deleted"
    return "cancelled"
