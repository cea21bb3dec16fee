"""`gitops diff`: what would change, as a unified diff. Writes nothing."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from gitops_cli import _edge, _shell

if TYPE_CHECKING:
    from gitops_cli import _beside


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The command line, parsed."""

    path: str
    sync: str
    inventory: str


@click.command(
    epilog="""\
\b
Examples:
  gitops diff overlays/dev                      the working tree against the cluster
  gitops diff --sync dev                        the newest commit of a GitSync
  gitops diff overlays/dev@HEAD~1 | delta       for any viewer of patches

The same pass as `gitops plan`, and as exact: the API server is asked what it would store. A plan says it as JSON
Patches, with owners, guards and impact, and can be saved; a diff shows whole lines of YAML and judges nothing.

\b
Exit codes, as those of diff(1): 0 no difference, 1 differences, more than 1 something went wrong.
"""
)
@click.argument("path", required=False, default="")
@click.option("--sync", metavar="NAME", default="", help="Compare for a GitSync of the cluster.")
@click.option("--inventory", metavar="NAME", default="", help="Inventory of PATH; default: the directory's name.")
@click.pass_context
def command(context: click.Context, /, **given: str) -> int:
    """Show what would change in the cluster, as a unified diff from live to Git."""
    if bool(given["path"]) == bool(given["sync"]):
        raise click.UsageError("name a PATH, or a GitSync with --sync")
    from gitops_cli import _beside

    options = Options(**given)
    with _beside.rendering(options.path) as beside:
        return _edge.start(run(_shell.of(context), options, beside))


async def run(shell: _shell.Shell, options: Options, beside: _beside.Beside | None = None) -> int:
    """Plan, and print each object before and after."""
    from gitops.plan.change import Action
    from gitops.report import unified
    from gitops.sync import story
    from gitops_cli import _target, _wiring

    asked = _target.Asked(
        argument=options.path, sync=options.sync, inventory=options.inventory, force=True, beside=beside
    )
    async with _wiring.connected(shell) as connection:
        target = await _target.find(shell, connection, asked)
        means = _wiring.means(shell, connection)
        planned = await story.plan(means, target.desired, header=target.header, rules=target.rules)
    salt = secrets.token_hex(16)
    differs = False
    for change in planned.plan.changes:
        if change.action is Action.REFUSE:
            shell.console.note(f"{change.ref}: {change.why}")
        for line in unified.lines(change, planned.live.objects.get(change.ref), salt=salt):
            differs = True
            color = unified.color(line)
            shell.console.answer(shell.console.paint(line, color) if color else line)
    return 1 if differs or planned.plan.refused else 0
