"""`gitops uninstall`: a GitSync, everything it owns, its credentials and its inventory; nothing else."""

from __future__ import annotations

from dataclasses import dataclass

import click

from gitops_cli import _edge, _options, _shell
from gitops_cli.plan import FORMS


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The command line, parsed."""

    name: str
    inventory: str
    consent: frozenset[str]
    timeout: str
    definitions: bool
    dry_run: bool
    output: str


@click.command(
    epilog="""\
\b
Examples:
  gitops uninstall dev --dry-run                what would go
  gitops uninstall dev --consent namespace/gitops-worker --consent workerpool/linux
  gitops uninstall dev --consent … --delete-crds

Deleted is what the inventory says is ours, pools drained first; then the GitSync, the Secret and ConfigMap that
`gitops install` made for it, the Leases of its workers, and the inventory. Namespaces, volumes, secrets and definitions
go only if --consent names them, or what they were made for: a pool's namespace goes with workerpool/NAME. Our own
definitions stay unless --delete-crds is given and no object of their kinds is left in the cluster. Interrupted, it goes
on when it is run again.

\b
Exit codes: 0 removed, 5 something needs consent: nothing was deleted, 124 something is held back. With --dry-run those
of `gitops plan`.
"""
)
@click.argument("name")
@click.option("--inventory", metavar="NAME", default="", help="Inventory of a directory; default: its name.")
@click.option("--consent", metavar="KIND/NAME", multiple=True, help="Agree to a deletion; repeatable.")
@click.option("--delete-crds", "definitions", is_flag=True, help="Delete our definitions too, if nothing uses them.")
@click.option("--timeout", metavar="DURATION", default="10m", show_default=True, help="For draining and deleting.")
@click.option("--dry-run", is_flag=True, help="Show what would go and stop.")
@_options.output(*FORMS)
@click.pass_context
def command(
    context: click.Context, /, *, consent: tuple[str, ...], definitions: bool, dry_run: bool, **given: str
) -> int:
    """Remove GitSync NAME (or a directory's inventory) and everything it owns."""
    names = _options.names(consent)
    options = Options(consent=names, definitions=definitions, dry_run=dry_run, **given)
    return _edge.start(run(_shell.of(context), options))


async def run(shell: _shell.Shell, options: Options) -> int:
    """Plan the removal, show it, carry it out."""
    import secrets

    from gitops.api import duration
    from gitops.api.plan import PlanSource
    from gitops.plan.change import Action
    from gitops.report import documents, values
    from gitops.sync import remove
    from gitops_cli import _reports, _subject, _wiring

    async with _wiring.connected(shell) as connection:
        means = _wiring.means(shell, connection, patience=float(duration.seconds(options.timeout)), loud=True)
        subject = await _subject.installed(shell, connection, options.name, inventory=options.inventory)
        found = await remove.plan(
            means, subject.sync, name=subject.name, namespace=subject.namespace, consent=options.consent
        )
        source = PlanSource(sync=subject.name if subject.sync else "", revision=found.plan.revision)
        made = documents.Made(plan=found.plan, source=source, live=found.planned.live.objects)
        document = documents.of(made, salt=secrets.token_hex(16))
        _reports.show(shell.console, document, options.output)
        if options.dry_run:
            return _reports.code(document)
        count = await remove.carry_out(means, found, definitions=options.definitions)
    gone = set(found.definitions) if options.definitions else set()
    for change in found.plan.changes:
        if change.action is Action.KEEP and change.ref not in gone:
            shell.console.note(f"kept: {change.ref}, {change.why}")
    where = f"{subject.namespace}/{subject.name}"
    shell.console.note(f"removed {where}: {values.count(count, 'object')} deleted")
    return 0
