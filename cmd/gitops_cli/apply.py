"""`gitops apply`: exactly what a saved plan says, or nothing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gitops_cli import _edge, _shell

if TYPE_CHECKING:
    from gitops.api.plan import PlanDocument


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The command line, parsed."""

    file: Path
    signers: str
    timeout: str
    wait: bool


@click.command(
    epilog="""\
\b
Examples:
  gitops plan --sync dev --out plan.json
  gitops apply plan.json
  gitops apply plan.json --allowed-signers signers     only if somebody of the list signed it

\b
Exit codes: 0 done, 5 the cluster or the configuration moved since the plan was made, or the plan was edited or is for
another cluster: nothing was written, 124 written, but not healthy in time.
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
@click.option(
    "--timeout", metavar="DURATION", default="5m", show_default=True, help="For waiting until all is healthy."
)
@click.option("--wait/--no-wait", default=True, show_default=True, help="Wait until what was written is healthy.")
@click.pass_context
def command(context: click.Context, /, *, file: str, wait: bool, **given: str) -> int:
    """Carry out a saved plan: exactly what was reviewed, or nothing."""
    return _edge.start(run(_shell.of(context), Options(file=Path(file), wait=wait, **given)))


async def run(shell: _shell.Shell, options: Options) -> int:
    """Make the plan again, compare, carry it out."""
    from gitops.api import duration
    from gitops.plan import document
    from gitops.report import plans
    from gitops.sync import story
    from gitops_cli import _finish, _reports, _signing, _target, _wiring

    now = datetime.now(UTC)
    if options.signers:
        shell.console.note(f"signed by {_signing.verify(options.file, Path(options.signers), now=now)}")
    reviewed = _read(options.file)
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
    patience = float(duration.seconds(options.timeout))
    async with _wiring.connected(shell) as connection:
        _refuse_elsewhere(reviewed, await _wiring.cluster_id(connection))
        target = await _target.find(shell, connection, asked)
        means = _wiring.means(shell, connection, patience=patience, loud=True)
        planned = await story.plan(means, target.desired, header=target.header, rules=target.rules)
        document.assert_same(reviewed, planned.plan)
        document.assert_shown(
            reviewed, await _reports.document(connection.objects, planned, target, salt=reviewed.salt)
        )
        _target.refuse_leaving(target.sync)
        outcome = await story.carry_out(means, planned, healthy=options.wait)
        await _finish.tell(means, target, planned, outcome)
    shell.console.answer(f"applied plan {reviewed.digest[:12]}: {plans.summary(reviewed)}")
    return 0


def _refuse_expired(reviewed: PlanDocument, now: datetime) -> None:
    from gitops import errors

    if reviewed.expires and now >= datetime.fromisoformat(reviewed.expires):
        raise errors.PlanStale(f"the plan expired at {reviewed.expires}", hint="make a new plan")


def _refuse_elsewhere(reviewed: PlanDocument, here: str) -> None:
    from gitops import errors

    if reviewed.cluster and here and reviewed.cluster != here:
        raise errors.PlanStale(
            "the plan was made for another cluster",
            cause=f"its namespace kube-system has the UID {reviewed.cluster}, here it has {here}",
            hint="choose the cluster with --context or KUBECONFIG, or make a new plan",
        )


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
