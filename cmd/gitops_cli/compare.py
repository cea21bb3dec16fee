"""`gitops compare`: two overlays, or two commits of one, as JSON Patches between what they render to."""

from __future__ import annotations

import click

from gitops_cli import _options, _shell
from gitops_cli.plan import FORMS


@click.command(
    epilog="""\
\b
Examples:
  gitops compare overlays/dev overlays/production         how two overlays differ
  gitops compare overlays/dev@v1.2 overlays/dev           what changed since a release
  gitops compare overlays/dev@main overlays/dev -o json

It talks to no cluster, and knows no guards: `gitops plan PATH --from REV --to REV` judges a commit as a plan would be.
Objects that differ in their namespace alone are taken for the same.

\b
Exit codes: 0 both render to the same, 1 they differ.
"""
)
@click.argument("before", metavar="A")
@click.argument("after", metavar="B")
@_options.output(*FORMS)
@click.pass_context
def command(context: click.Context, before: str, after: str, output: str) -> int:
    """Show what turns A into B; each is PATH or PATH@REV."""
    from gitops_cli import _comparison, _reports

    shell = _shell.of(context)
    made = _comparison.make(shell, before, after)
    _reports.show(shell.console, made, output)
    return 1 if made.changes else 0
