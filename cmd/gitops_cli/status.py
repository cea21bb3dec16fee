"""`gitops status`: where a GitSync stands, on one screen. Writes nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from gitops_cli import _edge, _options, _shell

if TYPE_CHECKING:
    from gitops import api, cluster
    from gitops.api.report import CommitInfo, SyncReport
    from gitops.ports.repository import Commit, Repository
    from gitops.source import Revision

PENDING = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The command line, parsed."""

    name: str
    everything: bool
    offline: bool
    output: str


@click.command(
    epilog="""\
\b
Examples:
  gitops status                                 every GitSync, one a line
  gitops status dev                             revision, pending commits, drift, conditions, what is not healthy
  gitops status dev --all                       all objects it owns
  gitops status dev -o json

Pending is what Git has and the cluster has not: work to do. Drift is what somebody changed in the cluster.

\b
Exit codes: 0 Ready and all healthy, 1 not.
"""
)
@click.argument("name", required=False, default="")
@click.option("-a", "--all", "everything", is_flag=True, help="List healthy objects too.")
@click.option("--offline", is_flag=True, help="Do not ask Git what is pending.")
@_options.output("table", "json", "yaml")
@click.pass_context
def command(context: click.Context, /, *, everything: bool, offline: bool, **given: str) -> int:
    """Show where GitSync NAME stands, or list all of them."""
    shell = _shell.of(context)
    options = Options(everything=everything, offline=offline, **given)
    return _edge.start(run(shell, options) if options.name else survey(shell, options))


async def run(shell: _shell.Shell, options: Options) -> int:
    """One GitSync."""
    from gitops.health import Health
    from gitops.report import forms, syncs
    from gitops_cli import _target, _wiring

    async with _wiring.connected(shell) as connection:
        sync = await _target.git_sync(shell, connection, options.name)
        report = await _report(shell, connection, sync, offline=options.offline)
        now = connection.clock.now()
    if options.output == "table":
        for line in syncs.lines(report, now=now, everything=options.everything, paint=shell.console.paint):
            shell.console.answer(line)
    else:
        shell.console.answer(forms.data(report, options.output))
    fine = all(one.health in {Health.HEALTHY, Health.SUSPENDED} for one in report.objects)
    ready = any(one.type == "Ready" and one.status == "True" for one in report.conditions)
    return 0 if fine and ready else 1


async def _report(shell: _shell.Shell, connection: cluster.Cluster, sync: api.GitSync, *, offline: bool) -> SyncReport:
    from gitops import errors
    from gitops.api.report import ObjectHealth, SyncReport
    from gitops.sync import suspension, until
    from gitops_cli import _target, _wiring

    metadata, spec = sync.metadata, sync.spec
    applied, newest = _known(sync.status.last_applied_revision), None
    pending: tuple[CommitInfo, ...] = ()
    unknown = "not asked (--offline)"
    if not offline:
        try:
            async with _target.opened(shell, connection, sync) as mirror:
                applied, newest, pending = await _pending(mirror, sync)
            unknown = ""
        except errors.GitOpsError as error:
            unknown = str(error)
    found = await until.inspect(_wiring.means(shell, connection), metadata.name, metadata.namespace)
    note = metadata.annotations.get(suspension.SUSPENDED_BY, "by somebody")
    reference = spec.source.ref
    return SyncReport(
        name=metadata.name,
        namespace=metadata.namespace,
        url=spec.source.url,
        reference=reference.branch or reference.tag or reference.semver or reference.commit,
        path=spec.source.path,
        mode=spec.mode.value,
        suspended=note if spec.suspend else "",
        applied=applied,
        newest=newest,
        pending=list(pending),
        unknown=unknown,
        rollback=sync.status.rollback,
        drift=sync.status.drift,
        ignored=sync.status.ignored,
        corrections=sync.status.corrections,
        conditions=sync.status.conditions,
        objects=[
            ObjectHealth(
                group=one.ref.group,
                kind=one.ref.kind,
                namespace=one.ref.namespace,
                name=one.ref.name,
                health=one.health.value,
                why=one.why,
            )
            for one in found
        ],
    )


def _known(revision: str) -> CommitInfo | None:
    from gitops.api.report import CommitInfo

    return CommitInfo(revision=revision) if revision else None


async def _pending(
    mirror: Repository, sync: api.GitSync
) -> tuple[CommitInfo | None, CommitInfo | None, tuple[CommitInfo, ...]]:
    """What is applied, what is newest, and the commits between; without an applied one only the newest is pending."""
    from gitops import errors
    from gitops.source import Revision

    head = await mirror.resolve(sync.spec.source.ref)
    await mirror.fetch(head)
    newest = _info(head, await mirror.commit(head))
    if not sync.status.last_applied_revision:
        return None, newest, (newest,)
    at = Revision.parse(sync.status.last_applied_revision)
    if at.commit == head.commit:
        return newest, newest, ()
    try:
        await mirror.fetch(at)
        between = await mirror.between(at, head, limit=PENDING)
    except errors.RevisionNotFound:  # gone from the server, by a force-push
        return _known(str(at)), newest, (newest,)
    pending = tuple(_info(Revision(commit=one.id), one) for one in between) or (newest,)
    return _info(at, await mirror.commit(at)), newest, pending


def _info(revision: Revision, commit: Commit) -> CommitInfo:
    from gitops.api.report import CommitInfo

    return CommitInfo(revision=str(revision), subject=commit.subject, author=commit.author, at=commit.when.isoformat())


async def survey(shell: _shell.Shell, options: Options) -> int:
    """Every GitSync, one a line."""
    import msgspec

    from gitops import api
    from gitops.sync import status
    from gitops_cli import _wiring

    async with _wiring.connected(shell) as connection:
        listing = await connection.objects.list(status.GIT_SYNCS, shell.settings.namespace)
    if options.output != "table":
        from gitops import yaml

        document = {"apiVersion": api.API_VERSION, "kind": "GitSyncList", "items": list(listing.items)}
        text = msgspec.json.format(msgspec.json.encode(document), indent=2).decode()
        shell.console.answer(text if options.output == "json" else yaml.dump_all([document]).removesuffix("\n"))
        return 0
    found = sorted(
        (msgspec.convert(one, api.GitSync) for one in listing.items),
        key=lambda one: (one.metadata.namespace, one.metadata.name),
    )
    shell.console.table(
        ["NAMESPACE", "NAME", "READY", "APPLIED", "DRIFT", "SUSPENDED", "MESSAGE"], [_row(one) for one in found]
    )
    if not found:
        shell.console.note("no GitSyncs")
    return 0 if all(_row(one)[2] == "True" for one in found) else 1


def _row(sync: api.GitSync) -> list[str]:
    ready = next((one for one in sync.status.conditions if one.type == "Ready"), None)
    return [
        sync.metadata.namespace,
        sync.metadata.name,
        ready.status if ready else "Unknown",
        sync.status.last_applied_revision,
        str(len(sync.status.drift)),
        "yes" if sync.spec.suspend else "",
        ready.message if ready else "",
    ]
