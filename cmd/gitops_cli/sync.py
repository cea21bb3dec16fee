"""`gitops sync`: make the cluster what Git says now, taking back what others changed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from gitops_cli import _edge, _options, _shell
from gitops_cli.plan import FORMS

if TYPE_CHECKING:
    from gitops_cli import _beside


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The command line, parsed."""

    target: str
    inventory: str
    revision: str
    consent: frozenset[str]
    timeout: str
    wait: bool
    dry_run: bool
    output: str


@click.command(
    epilog="""\
\b
Examples:
  gitops sync dev                               apply the newest commit of GitSync dev, take back drift
  gitops sync dev --consent workerpool/gpu      the same, agreeing to the deletion of a pool
  gitops sync overlays/dev                      apply a directory, with an inventory of its own
  gitops sync gitsync/dev                       the GitSync, though there is a directory dev here
  gitops sync dev --dry-run                     show the plan and stop, as `gitops plan --sync dev` does

\b
Exit codes: 0 done or nothing to do, 3 Git or cluster not reachable, 4 denied, 5 refused: nothing was written,
124 written, but not healthy in time. With --dry-run those of `gitops plan`: 1 something would change.
"""
)
@click.argument("target")
@click.option("--inventory", metavar="NAME", default="", help="Inventory of a directory; default: its name.")
@click.option("--at", "revision", metavar="REV", default="", help="A branch or commit instead of the newest.")
@click.option("--consent", metavar="KIND/NAME", multiple=True, help="Agree to a deletion or replacement; repeatable.")
@click.option(
    "--timeout", metavar="DURATION", default="5m", show_default=True, help="For waiting until all is healthy."
)
@click.option("--wait/--no-wait", default=True, show_default=True, help="Wait until what was written is healthy.")
@click.option("--dry-run", is_flag=True, help="Show the plan and stop.")
@_options.output(*FORMS)
@click.pass_context
def command(context: click.Context, /, *, consent: tuple[str, ...], wait: bool, dry_run: bool, **given: str) -> int:
    """Make the cluster what Git says; TARGET is a GitSync or a directory."""
    names = _options.names(consent)
    options = Options(consent=names, wait=wait, dry_run=dry_run, **given)
    from gitops_cli import _beside

    with _beside.rendering(options.target) as beside:
        return _edge.start(run(_shell.of(context), options, beside))


async def run(shell: _shell.Shell, options: Options, beside: _beside.Beside | None = None) -> int:
    """Plan with the right to take back, then carry out."""
    from gitops.api import duration
    from gitops.report import values
    from gitops.sync import story
    from gitops_cli import _finish, _reports, _target, _wiring

    patience = float(duration.seconds(options.timeout))
    asked = _target.Asked(
        argument=options.target,
        either=True,
        inventory=options.inventory,
        revision=options.revision,
        consent=options.consent,
        force=True,
        ahead=True,
        beside=beside,
    )
    async with _wiring.connected(shell) as connection:
        target = await _target.find(shell, connection, asked)
        means = _wiring.means(shell, connection, patience=patience, loud=True)
        planned = await story.plan(means, target.desired, header=target.header, rules=target.rules, ahead=target.ahead)
        made = await _reports.document(connection.objects, planned, target)
        _reports.show(shell.console, made, options.output)
        if options.dry_run:
            return _reports.code(made)
        _target.refuse_leaving(target.sync)
        outcome = await story.carry_out(means, planned, healthy=options.wait)
        await _finish.tell(means, target, planned, outcome)
    shell.console.note(
        f"{outcome.moved} written, {outcome.deleted} deleted, {planned.plan.unchanged} unchanged"
        if outcome.moved or outcome.deleted
        else f"nothing to do: {values.count(planned.plan.unchanged, 'object')} as Git says"
    )
    return 0
