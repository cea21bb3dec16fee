"""`gitops rbac`: what each account may do, before and after. Writes nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from gitops_cli import _edge, _options, _shell

if TYPE_CHECKING:
    from gitops import cluster
    from gitops.api.plan import RightsReport
    from gitops.review.rbac import Account
    from gitops.sync import story
    from gitops_cli._target import Target


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The command line, parsed."""

    path: str
    sync: str
    inventory: str
    changed: bool
    output: str


@click.command(
    epilog="""\
\b
Examples:
  gitops rbac overlays/dev                      accounts of a configuration: what they may do, + gained, - lost
  gitops rbac --sync dev --changed              only accounts whose rights the newest commit moves
  gitops rbac overlays/dev -o json

Effective rights: all roles and bindings of the cluster that name the account count, not only those in Git. Marked with
! is what lets an account get more: wildcards, secrets, escalate, bind, impersonate, exec into pods, tokens.

\b
Exit codes: 0 no right moves, 1 some do, 4 none is seen to move, but roles could not be read.
"""
)
@click.argument("path", required=False, default="")
@click.option("--sync", metavar="NAME", default="", help="For a GitSync of the cluster.")
@click.option("--inventory", metavar="NAME", default="", help="Inventory of PATH; default: the directory's name.")
@click.option("--changed", is_flag=True, help="Only accounts whose rights move.")
@_options.output("table", "json", "yaml", "markdown")
@click.pass_context
def command(context: click.Context, /, *, changed: bool, **given: str) -> int:
    """Show effective rights per account before and after, and which of them are dangerous."""
    if bool(given["path"]) == bool(given["sync"]):
        raise click.UsageError("name a PATH, or a GitSync with --sync")
    return _edge.start(run(_shell.of(context), Options(changed=changed, **given)))


async def run(shell: _shell.Shell, options: Options) -> int:
    """Plan, read the cluster's roles, report."""
    from gitops.report import forms, rights
    from gitops.sync import story
    from gitops_cli import _target, _wiring

    asked = _target.Asked(argument=options.path, sync=options.sync, inventory=options.inventory, force=True)
    async with _wiring.connected(shell) as connection:
        target = await _target.find(shell, connection, asked)
        means = _wiring.means(shell, connection)
        planned = await story.plan(means, target.desired, header=target.header, rules=target.rules)
        made = await _report(connection, planned, target, everything=not options.changed)
    if options.output == "table":
        for line in rights.full(made, paint=shell.console.paint):
            shell.console.answer(line)
    else:
        shell.console.answer(forms.rights(made, options.output))
    if any(one.gained or one.lost for one in made.accounts):
        return 1
    return 4 if made.unknown else 0


async def _report(
    connection: cluster.Cluster, planned: story.Planned, target: Target, *, everything: bool
) -> RightsReport:
    from gitops.api.plan import RightsReport
    from gitops.report import documents
    from gitops.review import rights
    from gitops.sync import roles

    found, unread = await roles.everywhere(connection.objects)
    live = {**planned.live.objects, **found}
    accounts = _accounts(planned)
    reviews = rights.review(live, planned.plan.changes, everything=everything)
    return RightsReport(
        name=target.header.name,
        namespace=target.header.namespace,
        source=target.source,
        accounts=[documents.of_review(one) for one in reviews if one.account in accounts],
        unknown=[f"every {kind}" for kind in unread],
    )


def _accounts(planned: story.Planned) -> set[Account]:
    """The accounts this configuration makes or binds, or did before."""
    from gitops.review import rbac

    wanted = {one.ref: one.manifest for one in planned.live.desired}
    made = {
        rbac.Account("ServiceAccount", ref.namespace, ref.name)
        for ref in wanted
        if ref.kind == "ServiceAccount" and not ref.group
    }
    return {*rbac.effective(wanted).rights, *rbac.effective(planned.live.objects).rights, *made}
