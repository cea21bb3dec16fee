"""`gitops suspend`: a GitSync does nothing until it is resumed."""

from __future__ import annotations

import click

from gitops_cli import _edge, _shell


@click.command(
    epilog="""\
\b
Examples:
  gitops suspend dev --reason "incident 4711"   new commits wait, drift is not looked for
  gitops resume dev

A turn that has begun is broken off, as by a restart. `gitops sync NAME` by a person still works.
"""
)
@click.argument("name")
@click.option("--reason", metavar="TEXT", default="", help="Kept with who and when; `gitops status` shows it.")
@click.pass_context
def command(context: click.Context, /, name: str, reason: str) -> int:
    """Stop the reconciler from acting on GitSync NAME."""
    return _edge.start(run(_shell.of(context), name, reason))


async def run(shell: _shell.Shell, name: str, reason: str) -> int:
    """Set the field, and say who did it."""
    from gitops.sync import suspension
    from gitops_cli import _target, _wiring

    async with _wiring.connected(shell) as connection:
        sync = await _target.git_sync(shell, connection, name)
        means = _wiring.means(shell, connection)
        moved = await suspension.suspend(means, sync, reason=reason)
    where = f"{sync.metadata.namespace}/{sync.metadata.name}"
    shell.console.answer(f"{where} is suspended" if moved else f"{where} was suspended already")
    return 0
