"""`gitops sync`: make the cluster what Git says now, taking back what others changed."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

import click

from gitops_cli import _edge, _options, _shell


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The command line, parsed."""

    target: str
    inventory: str
    revision: str
    consent: frozenset[str]
    timeout: str
    wait: bool
    output: str


@click.command(
    epilog="""\
\b
Examples:
  gitops sync dev                               apply the newest commit of GitSync dev, take back drift
  gitops sync dev --consent workerpool/gpu      the same, agreeing to the deletion of a pool
  gitops sync overlays/dev                      apply a directory, with an inventory of its own

\b
Exit codes: 0 done or nothing to do, 3 Git or cluster not reachable, 4 denied, 5 refused: nothing was written,
124 written, but not healthy in time.
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
@_options.output("table", "json")
@click.pass_context
def command(context: click.Context, /, *, consent: tuple[str, ...], wait: bool, **given: str) -> int:
    """Make the cluster what Git says; TARGET is a GitSync or a directory."""
    options = Options(consent=frozenset(name.lower() for name in consent), wait=wait, **given)
    return _edge.start(run(_shell.of(context), options))


async def run(shell: _shell.Shell, options: Options) -> int:
    """Plan with the right to take back, then carry out."""
    import msgspec

    from gitops.api import duration
    from gitops.plan import document
    from gitops.report import plans
    from gitops.sync import story
    from gitops.sync.means import Means
    from gitops_cli import _finish, _progress, _target, _wiring

    patience = float(duration.seconds(options.timeout))
    asked = _target.Asked(
        argument=options.target,
        inventory=options.inventory,
        revision=options.revision,
        consent=options.consent,
        force=True,
    )
    async with _wiring.connected(shell) as connection:
        target = await _target.find(shell, connection, asked)
        reporter = _progress.reporter(shell.console)
        means = Means(objects=connection.objects, clock=connection.clock, report=reporter, patience=patience)
        planned = await story.plan(means, target.desired, header=target.header, rules=target.rules)
        salt = secrets.token_hex(16)
        if options.output == "json":
            made = document.document(planned.plan, target.source, salt=salt, force=True, consent=target.rules.consent)
            shell.console.answer(msgspec.json.format(msgspec.json.encode(made), indent=2).decode())
        else:
            for line in plans.lines(planned.plan, salt=salt):
                shell.console.answer(line)
        outcome = await story.carry_out(means, planned, healthy=options.wait)
        await _finish.tell(means, target, planned, outcome)
    shell.console.note(
        f"{outcome.moved} written, {outcome.deleted} deleted, {planned.plan.unchanged} unchanged"
        if outcome.moved or outcome.deleted
        else f"nothing to do: all {planned.plan.unchanged} objects are as Git says"
    )
    return 0
