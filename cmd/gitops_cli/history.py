"""`gitops history`: which revisions were applied, when, by whom."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from gitops_cli import _edge, _options, _shell

if TYPE_CHECKING:
    from gitops.api.plan import History
    from gitops.objects.inventory import Record
    from gitops_cli._subject import Subject


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The command line, parsed."""

    target: str
    inventory: str
    output: str


@click.command(
    epilog="""\
\b
Examples:
  gitops history dev                            what GitSync dev applied, newest first
  gitops history dev -o json                    as data
  gitops rollback dev --to 3f2a90c1d77e         back to one of them

Passes that changed nothing are not remembered; the last 20 others are, in the inventory beside the GitSync.
"""
)
@click.argument("target", metavar="NAME")
@click.option("--inventory", metavar="NAME", default="", help="Inventory of a directory; default: its name.")
@_options.output("table", "json", "yaml")
@click.pass_context
def command(context: click.Context, /, **given: str) -> int:
    """Show the revisions that were applied; NAME is a GitSync or a directory."""
    return _edge.start(run(_shell.of(context), Options(**given)))


async def run(shell: _shell.Shell, options: Options) -> int:
    """Read and print."""
    from gitops.report import forms
    from gitops_cli import _subject, _wiring

    async with _wiring.connected(shell) as connection:
        subject = await _subject.find(shell, connection, options.target, inventory=options.inventory)
    records = subject.stored.inventory.history[::-1]
    if options.output != "table":
        shell.console.answer(forms.data(_document(subject), options.output))
        return 0
    rows = [
        [one.revision or "(files of no commit)", one.at, one.by, *_counts(one), _mark(subject, one)] for one in records
    ]
    shell.console.table(["REVISION", "APPLIED", "BY", "WRITTEN", "DELETED", "REFUSED", ""], rows)
    if not rows:
        shell.console.note(f"{subject.namespace}/{subject.name} has not applied anything yet")
    return 0


def _counts(one: Record) -> list[str]:
    return [str(one.moved), str(one.deleted), str(one.refused)]


def _mark(subject: Subject, one: Record) -> str:
    rollback = subject.sync.status.rollback if subject.sync else None
    if rollback is not None and one.revision == rollback.pinned:
        return f"rolled back, by {rollback.by}"
    current = subject.stored.inventory
    newest = next((known for known in reversed(current.history) if known.revision == current.revision), None)
    return "current" if one is newest else ""


def _document(subject: Subject) -> History:
    from gitops.api.plan import AppliedRevision, History

    return History(
        name=subject.name,
        namespace=subject.namespace,
        current=subject.stored.inventory.revision,
        pinned=subject.sync.status.rollback.pinned if subject.sync and subject.sync.status.rollback else "",
        applied=[
            AppliedRevision(
                revision=one.revision, at=one.at, by=one.by, moved=one.moved, deleted=one.deleted, refused=one.refused
            )
            for one in reversed(subject.stored.inventory.history)
        ],
    )
