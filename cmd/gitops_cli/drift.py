"""`gitops drift`: how live differs from the revision last applied, who did it, how bad it is."""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from gitops_cli import _edge, _options, _shell
from gitops_cli.plan import FORMS

if TYPE_CHECKING:
    from gitops.api.plan import DriftReport
    from gitops.sync import story
    from gitops_cli._target import Target


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
@click.option(
    "--at",
    "revision",
    metavar="REV",
    default="",
    help="A branch, tag or commit (`main~2`) instead of what was last applied.",
)
@_options.output(*FORMS)
@click.pass_context
def command(context: click.Context, /, **given: str) -> int:
    """Show how the cluster differs from what was applied, and who did it."""
    return _edge.start(run(_shell.of(context), Options(**given)))


async def run(shell: _shell.Shell, options: Options) -> int:
    """Compare and report."""
    from gitops.report import drifts, forms
    from gitops.sync import story
    from gitops_cli import _target, _wiring

    asked = _target.Asked(argument=options.target, revision=options.revision, applied=not options.revision, either=True)
    async with _wiring.connected(shell) as connection:
        target = await _target.find(shell, connection, asked)
        means = _wiring.means(shell, connection)
        header = target.header
        rules = target.rules.ignore
        found = await story.find_drift(means, target.desired, name=header.name, namespace=header.namespace, rules=rules)
    made = await asyncio.to_thread(_report, found, target)
    if options.output == "table":
        for line in drifts.lines(made, width=shell.console.width, paint=shell.console.paint):
            shell.console.answer(line)
        shell.console.note(drifts.summary(made, header.revision or options.target))
        for ref in found.leftover:
            shell.console.note(f"{ref} is ours and lives, and Git no longer has it")
    else:
        shell.console.answer(forms.drift(made, options.output))
    if found.drifts:
        return 1
    return 4 if found.unreadable else 0


def _report(found: story.Drifted, target: Target) -> DriftReport:
    from gitops.plan import ignore
    from gitops.report import drifts

    pairs = {one.ref: (found.live.get(one.ref), one.manifest) for one in found.desired}
    header = target.header
    return drifts.report(
        drifts.located(found.drifts, pairs, target.locate),
        found.unreadable,
        header=(header.name, header.namespace, header.revision),
        compared=found.compared,
        salt=secrets.token_hex(16),
        rules=ignore.Sorted(drifts=found.drifts, ignored=found.ignored, expired=found.expired),
    )
