"""`gitops drift`: how live differs from the revision last applied, who did it, how bad it is."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

import click

from gitops_cli import _edge, _options, _shell


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The command line, parsed."""

    target: str
    revision: str
    output: str


@click.command(
    epilog="""\
\b
Examples:
  gitops drift dev                              GitSync dev against the revision it last applied
  gitops drift dev --at main -o json            against another revision, as data
  gitops drift overlays/dev                     a directory against the cluster

\b
Exit codes: 0 in sync, 1 drift (even if something else could not be read), 4 none found, but something could not
be read.
"""
)
@click.argument("target")
@click.option("--at", "revision", metavar="REV", default="", help="A branch or commit instead of the one last applied.")
@_options.output("table", "json")
@click.pass_context
def command(context: click.Context, /, **given: str) -> int:
    """Show how the cluster differs from what was applied, and who did it."""
    return _edge.start(run(_shell.of(context), Options(**given)))


async def run(shell: _shell.Shell, options: Options) -> int:
    """Compare and report."""
    import msgspec

    from gitops.report import drifts
    from gitops.sync import story
    from gitops.sync.means import Means
    from gitops_cli import _target, _wiring

    asked = _target.Asked(argument=options.target, revision=options.revision, applied=not options.revision)
    async with _wiring.connected(shell) as connection:
        target = await _target.find(shell, connection, asked)
        means = Means(objects=connection.objects, clock=connection.clock)
        header = target.header
        found = await story.find_drift(means, target.desired, name=header.name, namespace=header.namespace)
    salt = secrets.token_hex(16)
    if options.output == "json":
        where = (header.name, header.namespace, header.revision)
        made = drifts.report(found.drifts, found.unreadable, header=where, compared=found.compared, salt=salt)
        shell.console.answer(msgspec.json.format(msgspec.json.encode(made), indent=2).decode())
    else:
        for line in drifts.lines(found.drifts, found.unreadable, salt=salt):
            shell.console.answer(line)
        shell.console.note(
            f"{len(found.drifts)} paths of {found.compared} objects differ from {header.revision or options.target}"
            if found.drifts
            else f"in sync: {found.compared} objects are as {header.revision or options.target} says"
        )
    if found.drifts:
        return 1
    return 4 if found.unreadable else 0
