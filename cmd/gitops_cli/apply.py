"""`gitops apply`: exactly what a saved plan says, or nothing."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gitops_cli import _edge, _shell

if TYPE_CHECKING:
    from gitops.api.plan import PlanDocument


@click.command(
    epilog="""\
\b
Examples:
  gitops plan --sync dev --out plan.json
  gitops apply plan.json
  gitops apply plan.json --allowed-signers signers     only if somebody of the list signed it

\b
Exit codes: 0 done, 5 the cluster or the configuration moved since the plan was made: nothing was written.
"""
)
@click.argument("file", type=click.Path(exists=True, dir_okay=False))
@click.option(
    "--allowed-signers",
    "signers",
    metavar="FILE",
    default="",
    help="Who must have signed the plan, as ssh-keygen(1) lists them.",
)
@click.pass_context
def command(context: click.Context, /, *, file: str, signers: str) -> int:
    """Carry out a saved plan: exactly what was reviewed, or nothing."""
    return _edge.start(run(_shell.of(context), Path(file), signers))


async def run(shell: _shell.Shell, file: Path, signers: str) -> int:
    """Make the plan again, compare, carry it out."""
    from gitops.plan import document
    from gitops.report import plans
    from gitops.sync import story
    from gitops_cli import _finish, _signing, _target, _wiring

    now = datetime.now(UTC)
    if signers:
        shell.console.note(f"signed by {_signing.verify(file, Path(signers), now=now)}")
    reviewed = _read(file)
    _refuse_expired(reviewed, now)
    if not shell.settings.namespace:
        shell.set("namespace", reviewed.namespace)
    asked = _target.Asked(
        argument=reviewed.source.path if not reviewed.source.sync else "",
        sync=reviewed.source.sync,
        inventory=reviewed.name,
        revision=reviewed.source.revision if reviewed.source.sync else "",
        consent=frozenset(reviewed.consent),
        force=reviewed.force,
    )
    async with _wiring.connected(shell) as connection:
        target = await _target.find(shell, connection, asked)
        means = _wiring.means(shell, connection, loud=True)
        planned = await story.plan(means, target.desired, header=target.header, rules=target.rules)
        document.assert_same(reviewed, planned.plan)
        _target.refuse_leaving(target.sync)
        outcome = await story.carry_out(means, planned)
        await _finish.tell(means, target, planned, outcome)
    shell.console.answer(f"applied plan {reviewed.digest[:12]}: {plans.summary(reviewed)}")
    return 0


def _refuse_expired(reviewed: PlanDocument, now: datetime) -> None:
    from gitops import errors

    if reviewed.expires and now >= datetime.fromisoformat(reviewed.expires):
        raise errors.PlanStale(f"the plan expired at {reviewed.expires}", hint="make a new plan")


def _read(file: Path) -> PlanDocument:
    import msgspec

    from gitops import errors
    from gitops.api.plan import PlanDocument
    from gitops.location import Location

    try:
        found = msgspec.json.decode(file.read_bytes(), type=PlanDocument)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise errors.ConfigError(
            "this is no saved plan",
            cause=str(error),
            hint="make one: gitops plan --out FILE",
            location=Location(str(file)),
        ) from error
    if found.kind != "Plan":
        raise errors.ConfigError(
            f"this is a {found.kind}, no plan for a cluster",
            cause="it was made without one",
            hint="make a plan: gitops plan PATH --out FILE",
            location=Location(str(file)),
        )
    return found
