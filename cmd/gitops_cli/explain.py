"""`gitops explain`: a field, a code of lint, or a reason, in words. Talks to nobody."""

from __future__ import annotations

import click

from gitops_cli import _shell


@click.command(
    epilog="""\
\b
Examples:
  gitops explain workerpool.spec.timeouts       a field: type, default, limits, example
  gitops explain GW301                          a code of gitops lint
  gitops explain ClusterDenied                  a reason in an error or a condition
"""
)
@click.argument("topic")
@click.pass_context
def command(context: click.Context, topic: str) -> None:
    """Say what a field of our kinds, a finding's code, or a reason means."""
    from gitops.report import explain

    _shell.of(context).console.answer("\n".join(explain.lines(topic)))
