"""`gitops operation logs`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import click

from gitops_cli import _edge, _shell


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The command line, parsed. `since` is a duration, empty for all."""

    name: str
    follow: bool
    tail: int | None
    since: str
    attempt: int


@click.command(
    epilog="""\
\b
Examples:
  gitops operation logs linux-3f9c2e1a
  gitops operation logs linux-3f9c2e1a -f --tail 20

The worker keeps logs after their pods are gone. Reading one takes the right to forward a port to the worker's pod.
"""
)
@click.argument("name")
@click.option("-f", "--follow", is_flag=True, help="Go on until the operation ended.")
@click.option("--tail", type=click.IntRange(min=0), default=None, metavar="N", help="Only the last N lines.")
@click.option("--since", default="", metavar="DURATION", help="Only what came after: 5m, 1h.")
@click.option("--attempt", type=click.IntRange(min=1), default=None, metavar="N", help="Of an attempt before the last.")
@click.pass_context
def command(
    context: click.Context, name: str, tail: int | None, since: str, attempt: int | None, *, follow: bool
) -> None:
    """Print what an operation wrote."""
    options = Options(name=name, follow=follow, tail=tail, since=since, attempt=attempt or 0)
    context.exit(_edge.start(run(_shell.of(context), options), lasting=True))


async def run(shell: _shell.Shell, options: Options) -> int:
    """Print it."""
    from gitops import errors
    from gitops.api import duration
    from gitops_cli import _logs, _operations, _wiring

    async with _wiring.connected(shell) as connection:
        where = _operations.namespace(shell, connection)
        operation = await _operations.find(connection, where, options.name)
        if operation.status.phase not in _logs.READABLE and not options.follow and not options.attempt:
            shell.console.note(
                f"operation {operation.metadata.name} has written nothing yet: {_operations.stands(operation)}"
            )
            return 0
        if options.attempt > _operations.attempt(operation):
            raise errors.ConfigError(
                f"operation {operation.metadata.name} has no attempt {options.attempt}",
                cause=f"{_operations.attempt(operation)} is the last one",
            )
        since = ""
        if options.since:
            moment = connection.clock.now() - timedelta(seconds=duration.seconds(options.since))
            since = moment.strftime("%Y-%m-%dT%H:%M:%SZ")
        if options.follow and not options.attempt and operation.status.phase not in _logs.READABLE:
            operation = await _operations.begun(connection, operation, _logs.READABLE)
        span = _logs.Span(follow=options.follow, tail=options.tail, since=since, attempt=options.attempt)
        await _logs.print_log(shell, connection, operation, span)
        operation = await _operations.find(connection, where, options.name)
    if _operations.log_gap(operation):
        shell.console.complain(_operations.log_gap(operation))
    return 0
