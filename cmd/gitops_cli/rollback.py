"""`gitops rollback`: an earlier revision, and the newest one pinned until a newer commit arrives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from gitops_cli import _edge, _options, _shell
from gitops_cli.plan import FORMS

if TYPE_CHECKING:
    from gitops.objects.inventory import Inventory
    from gitops.source import Revision


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The command line, parsed."""

    name: str
    to: str
    consent: frozenset[str]
    timeout: str
    wait: bool
    dry_run: bool
    output: str


@click.command(
    epilog="""\
\b
Examples:
  gitops rollback dev                           to what was applied before the current revision
  gitops rollback dev --to 3f2a90c1d77e         to one that `gitops history dev` lists
  gitops rollback dev --dry-run                 show the plan and stop

The newest commit, as it is now, is pinned: the reconciler does not apply it again, though the branch still points at
it. Until then the GitSync is not Ready (RolledBack). The next commit goes on as usual; `gitops sync NAME` ends the
rollback at once.

\b
Exit codes: as those of `gitops sync`.
"""
)
@click.argument("name")
@click.option(
    "--to", metavar="REV", default="", help="Revision of the history, commit or branch; default: the previous."
)
@click.option("--consent", metavar="KIND/NAME", multiple=True, help="Agree to a deletion or replacement; repeatable.")
@click.option(
    "--timeout", metavar="DURATION", default="5m", show_default=True, help="For waiting until all is healthy."
)
@click.option("--wait/--no-wait", default=True, show_default=True, help="Wait until what was written is healthy.")
@click.option("--dry-run", is_flag=True, help="Show the plan and stop.")
@_options.output(*FORMS)
@click.pass_context
def command(context: click.Context, /, *, consent: tuple[str, ...], wait: bool, dry_run: bool, **given: str) -> int:
    """Apply an earlier revision of GitSync NAME, and keep the newest from coming back by itself."""
    names = _options.names(consent)
    return _edge.start(run(_shell.of(context), Options(consent=names, wait=wait, dry_run=dry_run, **given)))


async def run(shell: _shell.Shell, options: Options) -> int:
    """Find both revisions, plan, pin, apply."""
    from gitops.api import duration
    from gitops.api.gitsync import Rollback
    from gitops.source import Revision
    from gitops.sync import inventories, status, story
    from gitops_cli import _finish, _reports, _target, _wiring

    patience = float(duration.seconds(options.timeout))
    async with _wiring.connected(shell) as connection:
        sync = await _target.git_sync(shell, connection, options.name)
        stored = await inventories.load(connection.objects, name=sync.metadata.name, namespace=sync.metadata.namespace)
        async with _target.opened(shell, connection, sync) as mirror:
            newest = await mirror.resolve(sync.spec.source.ref)
        pinned = sync.status.rollback.pinned if sync.status.rollback else ""
        to = _chosen(options, stored.inventory, pinned=pinned)
        asked = _target.Asked(sync=options.name, revision=to, consent=options.consent, force=True)
        target = await _target.find(shell, connection, asked)
        _refuse_newest(newest, Revision.parse(target.header.revision))
        means = _wiring.means(shell, connection, patience=patience, loud=True)
        planned = await story.plan(means, target.desired, header=target.header, rules=target.rules)
        made = await _reports.document(connection.objects, planned, target)
        _reports.show(shell.console, made, options.output)
        if options.dry_run:
            return _reports.code(made)
        now = means.clock.now().strftime("%Y-%m-%dT%H:%M:%SZ")
        done = Rollback(pinned=str(newest), to=target.header.revision, by=await means.who(), at=now)
        _target.refuse_leaving(sync)
        if not planned.plan.blocked:
            await status.pin(connection.objects, sync, done)
        outcome = await story.carry_out(means, planned, healthy=options.wait)
        await _finish.tell(means, target, planned, outcome, rollback=done)
    shell.console.note(
        f"rolled back to {target.header.revision}; {newest.short} is pinned until a newer commit arrives"
    )
    return 0


def _chosen(options: Options, known: Inventory, *, pinned: str) -> str:
    """The revision to go back to, as `_target` takes it.

    Raises:
        ConfigError: the history holds nothing earlier.
    """
    from gitops import errors

    revisions = [one.revision for one in known.history if one.revision and not one.refused]
    if options.to:
        return next((one for one in reversed(revisions) if _commit(one).startswith(options.to)), options.to)
    before = revisions[: revisions.index(known.revision)] if known.revision in revisions else revisions
    earlier = [one for one in before if one != pinned]
    if not earlier:
        raise errors.ConfigError(
            f"nothing was applied before {known.revision or 'anything'}",
            cause="the history holds no earlier revision",
            hint="name one with --to",
        )
    return earlier[-1]


def _commit(revision: str) -> str:
    return revision.rpartition("sha1:")[2]


def _refuse_newest(newest: Revision, chosen: Revision) -> None:
    from gitops import errors

    if newest.commit == chosen.commit:
        raise errors.ConfigError(
            f"{newest.short} is the newest revision: there is nothing to go back from",
            hint="gitops sync NAME applies it",
        )
