"""`gitops wait`: until a GitSync or an object is as wanted, saying what it waits for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from gitops_cli import _edge, _shell

if TYPE_CHECKING:
    from gitops import cluster
    from gitops.sync.means import Means

GOALS = ("ready", "healthy", "synced", "deleted")


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The command line, parsed."""

    what: str
    goal: str
    timeout: str


@click.command(
    epilog="""\
\b
Examples:
  gitops wait dev                               until GitSync dev is Ready
  gitops wait dev --for synced                  until the newest commit is applied
  gitops wait dev --for healthy --timeout 10m   until everything it owns is healthy
  gitops wait deployment/web -n shop            until the Deployment is healthy
  gitops wait pod/web-0 -n shop --for deleted

\b
Exit codes: 0 it is so, 124 it was not in time: the message says what stood in the way (image, quota, scheduling,
probe, volume).
"""
)
@click.argument("what", metavar="NAME|KIND/NAME")
@click.option(
    "--for",
    "goal",
    type=click.Choice(GOALS),
    default=None,
    help="What to wait for; default: ready for a GitSync, healthy for an object.",
)
@click.option("--timeout", metavar="DURATION", default="5m", show_default=True, help="How long.")
@click.pass_context
def command(context: click.Context, /, what: str, goal: str | None, timeout: str) -> int:
    """Wait until a GitSync, or any object, is ready, healthy, synced or deleted."""
    options = Options(what=what, goal=goal or ("healthy" if "/" in what else "ready"), timeout=timeout)
    if "/" in what and options.goal == "synced":
        raise click.UsageError("only a GitSync is synced: name it without a kind")
    return _edge.start(run(_shell.of(context), options), lasting=True)


async def run(shell: _shell.Shell, options: Options) -> int:
    """Find out what is meant, then wait."""
    from gitops.api import duration
    from gitops_cli import _wiring

    async with _wiring.connected(shell) as connection:
        means = _wiring.means(shell, connection, patience=float(duration.seconds(options.timeout)), loud=True)
        if "/" in options.what:
            await _object(shell, connection, means, options)
        else:
            await _sync(shell, connection, means, options)
    shell.console.note(f"{options.what} is {options.goal}")
    return 0


async def _object(shell: _shell.Shell, connection: cluster.Cluster, means: Means, options: Options) -> None:
    from gitops.ref import ResourceRef
    from gitops.sync import until
    from gitops_cli import _kinds

    kind, _, name = options.what.partition("/")
    resource = await _kinds.find(connection, kind)
    namespace = shell.settings.namespace or connection.config.namespace or "default"
    where = namespace if resource.namespaced else ""
    ref = ResourceRef(group=resource.group, kind=resource.kind, namespace=where, name=name)
    goal = until.Goal(options.goal)
    await until.until(means, ref, goal, lambda: until.of_object(means, resource, ref, goal))


async def _sync(shell: _shell.Shell, connection: cluster.Cluster, means: Means, options: Options) -> None:
    from gitops import api
    from gitops.ref import ResourceRef
    from gitops.sync import until
    from gitops_cli import _target

    goal = until.Goal(options.goal)
    if goal is until.Goal.DELETED and not await _target.exists(shell, connection, options.what):
        return
    sync = await _target.git_sync(shell, connection, options.what)
    ref = ResourceRef(group=api.GROUP, kind="GitSync", namespace=sync.metadata.namespace, name=sync.metadata.name)

    async def newest() -> str:
        async with _target.opened(shell, connection, sync) as mirror:
            return str(await mirror.resolve(sync.spec.source.ref))

    await until.until(means, ref, goal, lambda: until.of_sync(means, ref, goal, newest))
