"""`gitops plan`: what would change, as JSON Patches. Writes nothing."""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import dataclass
from pathlib import Path

import click

from gitops_cli import _edge, _options, _shell


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The command line, parsed."""

    path: str
    sync: str
    inventory: str
    consent: frozenset[str]
    out: str
    output: str


@click.command(
    epilog="""\
\b
Examples:
  gitops plan --sync dev                        what the newest commit would change
  gitops plan overlays/dev                      what the working tree would change
  gitops plan overlays/dev@HEAD~1 -o json       the same for a commit, as data
  gitops plan --sync dev --out plan.json        to review; then: gitops apply plan.json

\b
Exit codes: 0 nothing would change, 1 something would, 5 part of it is refused.
"""
)
@click.argument("path", required=False, default="")
@click.option("--sync", metavar="NAME", default="", help="Plan for a GitSync of the cluster.")
@click.option("--inventory", metavar="NAME", default="", help="Inventory of PATH; default: the directory's name.")
@click.option("--consent", metavar="KIND/NAME", multiple=True, help="Agree to a deletion or replacement; repeatable.")
@click.option("--out", metavar="FILE", default="", help="Save the plan, to be applied by `gitops apply FILE`.")
@_options.output("table", "json")
@click.pass_context
def command(context: click.Context, /, *, consent: tuple[str, ...], **given: str) -> int:
    """Show what would change in the cluster, as JSON Patches."""
    if bool(given["path"]) == bool(given["sync"]):
        raise click.UsageError("name a PATH, or a GitSync with --sync")
    options = Options(consent=frozenset(name.lower() for name in consent), **given)
    return _edge.start(run(_shell.of(context), options))


async def run(shell: _shell.Shell, options: Options) -> int:
    """Make the plan and show it."""
    import msgspec

    from gitops.plan import document
    from gitops.report import plans
    from gitops.sync import story
    from gitops.sync.means import Means
    from gitops_cli import _target, _wiring

    asked = _target.Asked(
        argument=options.path, sync=options.sync, inventory=options.inventory, consent=options.consent, force=True
    )
    async with _wiring.connected(shell) as connection:
        target = await _target.find(shell, connection, asked)
        means = Means(objects=connection.objects, clock=connection.clock)
        planned = await story.plan(means, target.desired, header=target.header, rules=target.rules)
    salt = secrets.token_hex(16)
    made = document.document(
        planned.plan, target.source, salt=salt, force=target.rules.force, consent=target.rules.consent
    )
    text = msgspec.json.format(msgspec.json.encode(made), indent=2).decode()
    if options.out:
        await asyncio.to_thread(Path(options.out).write_text, f"{text}\n")
        shell.console.note(f"saved to {options.out}; apply it with: gitops apply {options.out}")
    if options.output == "json":
        shell.console.answer(text)
    else:
        for line in plans.lines(planned.plan, salt=salt):
            shell.console.answer(line)
    return _code(refused=bool(planned.plan.refused), changes=bool(planned.plan.writes))


def _code(*, refused: bool, changes: bool) -> int:
    if refused:
        return 5
    return 1 if changes else 0
