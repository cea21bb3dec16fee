"""`gitops resume`: a suspended GitSync goes on."""

from __future__ import annotations

import click

from gitops_cli import _edge, _shell


@click.command(
    epilog="""\
\b
Examples:
  gitops resume dev                             the newest commit is applied by the next turn, at once
"""
)
@click.argument("name")
@click.pass_context
def command(context: click.Context, /, name: str) -> int:
    """Let the reconciler act on GitSync NAME again."""
    return _edge.start(run(_shell.of(context), name))


async def run(shell: _shell.Shell, name: str) -> int:
    """Unset the field."""
    from gitops.sync import suspension
    from gitops_cli import _target, _wiring

    async with _wiring.connected(shell) as connection:
        sync = await _target.git_sync(shell, connection, name)
        moved = await suspension.resume(_wiring.means(shell, connection), sync)
    where = f"{sync.metadata.namespace}/{sync.metadata.name}"
    shell.console.answer(f"{where} goes on" if moved else f"{where} was not suspended")
    return 0
