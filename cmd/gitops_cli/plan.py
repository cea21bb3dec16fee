"""`gitops plan`: what would change, as JSON Patches. Writes nothing."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gitops_cli import _edge, _options, _shell

if TYPE_CHECKING:
    from datetime import datetime

    from gitops.api.plan import PlanDocument
    from gitops_cli import _beside

FORMS = ("table", "json", "yaml", "markdown", "sarif", "junit")


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The command line, parsed."""

    path: str
    sync: str
    inventory: str
    consent: frozenset[str]
    before: str
    after: str
    out: str
    key: str
    expires: str
    output: str


@click.command(
    epilog="""\
\b
Examples:
  gitops plan --sync dev                        what the newest commit would change
  gitops plan overlays/dev                      what the working tree would change
  gitops plan overlays/dev@HEAD~1 -o json       the same for a commit, as data
  gitops plan --sync dev --out plan.json        to review; then: gitops apply plan.json
  gitops plan --sync dev --out plan.json --sign ~/.ssh/id_ed25519 --expires 24h
  gitops plan overlays/dev --from main --to HEAD -o markdown
                                                a pull request, for a comment on it; needs no cluster

\b
Exit codes: 0 nothing would change, 1 something would, 5 part of it is refused.
"""
)
@click.argument("path", required=False, default="")
@click.option("--sync", metavar="NAME", default="", help="Plan for a GitSync of the cluster.")
@click.option("--inventory", metavar="NAME", default="", help="Inventory of PATH; default: the directory's name.")
@click.option("--consent", metavar="KIND/NAME", multiple=True, help="Agree to a deletion or replacement; repeatable.")
@click.option(
    "--from", "before", metavar="REV", default="", help="Compare with PATH at this revision, not with a cluster."
)
@click.option("--to", "after", metavar="REV", default="", help="With --from: PATH at this revision; default: as it is.")
@click.option("--out", metavar="FILE", default="", help="Save the plan, to be applied by `gitops apply FILE`.")
@click.option(
    "--sign", "key", metavar="KEY", default="", help="With --out: sign the file with this SSH key (FILE.sig)."
)
@click.option("--expires", metavar="DURATION", default="", help="With --out: not to be applied after this long.")
@_options.output(*FORMS)
@click.pass_context
def command(context: click.Context, /, *, consent: tuple[str, ...], **given: str) -> int:
    """Show what would change in the cluster, as JSON Patches, and what that means for running work."""
    if bool(given["path"]) == bool(given["sync"]):
        raise click.UsageError("name a PATH, or a GitSync with --sync")
    if given["after"] and not given["before"]:
        raise click.UsageError("--to needs --from")
    if given["before"] and (given["sync"] or given["out"]):
        raise click.UsageError("--from compares revisions of PATH: it goes with neither --sync nor --out")
    if (given["key"] or given["expires"]) and not given["out"]:
        raise click.UsageError("--sign and --expires are about the file of --out")
    options = Options(consent=_options.names(consent), **given)
    if options.before:
        return _compared(_shell.of(context), options)
    from gitops_cli import _beside

    with _beside.rendering(options.path) as beside:
        return _edge.start(run(_shell.of(context), options, beside))


async def run(shell: _shell.Shell, options: Options, beside: _beside.Beside | None = None) -> int:
    """Make the plan and show it."""
    from gitops.sync import story
    from gitops_cli import _reports, _target, _wiring

    asked = _target.Asked(
        argument=options.path,
        sync=options.sync,
        inventory=options.inventory,
        consent=options.consent,
        force=True,
        ahead=True,
        beside=beside,
    )
    async with _wiring.connected(shell) as connection:
        target = await _target.find(shell, connection, asked)
        means = _wiring.means(shell, connection)
        planned = await story.plan(means, target.desired, header=target.header, rules=target.rules, ahead=target.ahead)
        made = await _reports.document(connection.objects, planned, target)
        if options.out:
            made = _bound(made, await _wiring.cluster_id(connection), options.expires, means.clock.now())
    if options.out:
        await asyncio.to_thread(_save, made, options)
        shell.console.note(f"saved to {options.out}; apply it with: gitops apply {options.out}")
    _reports.show(shell.console, made, options.output)
    return _reports.code(made)


def _bound(made: PlanDocument, cluster: str, after: str, now: datetime) -> PlanDocument:
    """For this cluster only, and not for ever if `after` says how long."""
    from datetime import timedelta

    import msgspec

    from gitops.api import duration

    end = now + timedelta(seconds=duration.seconds(after)) if after else None
    expires = end.strftime("%Y-%m-%dT%H:%M:%SZ") if end else ""
    return msgspec.structs.replace(made, cluster=cluster, expires=expires)


def _save(made: PlanDocument, options: Options) -> None:
    from gitops.report import forms
    from gitops_cli import _signing

    Path(options.out).write_text(f"{forms.data(made, 'json')}\n")
    if options.key:
        _signing.sign(Path(options.out), Path(options.key))


def _compared(shell: _shell.Shell, options: Options) -> int:
    """Without a cluster: one revision of a directory against another, with the guards of a plan."""
    from gitops.plan.settle import Rules
    from gitops_cli import _comparison, _reports

    after = f"{options.path}@{options.after}" if options.after else options.path
    rules = Rules(force=True, consent=options.consent)
    made = _comparison.make(shell, f"{options.path}@{options.before}", after, rules=rules)
    _reports.show(shell.console, made, options.output)
    return _reports.code(made)
