"""`gitops pool recommend`: requests that fit what operations used, and the commit that sets them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from gitops_cli import _edge, _options, _shell

if TYPE_CHECKING:
    from gitops.api.meta import Resources
    from gitops.sizing.packing import Effect
    from gitops.sizing.proposal import Proposal


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The command line, parsed. `overlay` is empty if nothing is to be written."""

    pool: str
    overlay: str
    branch: str
    runs: int
    output: str


@click.command(
    epilog="""\
\b
Examples:
  gitops pool recommend linux
  gitops pool recommend linux overlays/production
  gitops pool recommend linux overlays/production --branch resize-linux
  git push origin resize-linux

With OVERLAY it writes a commit after HEAD on a new branch, evidence in its message; files on disk stay as they are.
CPU: nine runs of ten, memory: the highest peak, both with 15 % headroom. Runs with resources of their own do not count.

\b
Exit codes: 0 nothing to change, or the commit is written; 1 there is something to change;
2 no such pool, or the overlay cannot be edited.
"""
)
@click.argument("pool")
@click.argument("overlay", default="")
@click.option("--branch", metavar="NAME", default="", help="Name of the branch; default: right-size/POOL.")
@click.option("--min-runs", "runs", default=20, show_default=True, help="Propose nothing on fewer runs.")
@_options.output("table", "json")
@click.pass_context
def command(context: click.Context, /, **given: Any) -> None:
    """Propose requests for POOL from what its operations used; with OVERLAY, commit them on a branch."""
    options = Options(**given)
    if options.branch and not options.overlay:
        raise click.UsageError("say which OVERLAY to change")
    context.exit(_edge.start(run(_shell.of(context), options)))


async def run(shell: _shell.Shell, options: Options) -> int:
    """Read the pool and the nodes, print, and write the commit if asked to."""
    from gitops import errors
    from gitops.sizing import packing, proposal
    from gitops_cli import _pools, _wiring

    async with _wiring.connected(shell) as connection:
        (pool,) = await _pools.find(shell, connection, (options.pool,))
        made = proposal.propose(pool, enough=options.runs)
        effect, blind = None, ""
        if made.changes:
            try:
                kind = await connection.objects.resource("v1", "Node")
                nodes = (await connection.objects.list(kind)).items
                effect = packing.effect(pool, packing.shapes(nodes, pool), made.before, made.after)
            except errors.ClusterDenied as error:
                blind = f"nodes may not be read, so the effect on packing is unknown: {error.cause}"
    lines = [
        *evidence(made),
        *differences(made, pool.spec.resources),
        *([blind] if blind else consequences(effect)),
        *made.notes,
    ]
    commit = _commit(shell, options, made, lines) if options.overlay and made.changes else ""
    if options.output == "json":
        shell.console.answer(json.dumps(_document(made, effect, commit), indent=2, ensure_ascii=False))
    else:
        for line in lines:
            shell.console.answer(line)
    return 1 if made.changes and not commit else 0


def evidence(made: Proposal) -> list[str]:
    """On what it stands."""
    from gitops_cli import _pools

    seen = made.evidence
    if seen is None:
        return []
    text = (
        f"{seen.runs} runs from {seen.since[:10]} to {seen.last[:10]}: CPU p50 {_pools.cores(seen.cpu_median)}, "
        f"p90 {_pools.cores(seen.cpu_p90)}, most {_pools.cores(seen.cpu_most)}; "
        f"memory p50 {_pools.memory(seen.memory_median)}, peak {_pools.memory(seen.memory_peak)}; "
        f"{seen.throttled_runs} throttled, {seen.out_of_memory_runs} out of memory"
    )
    return [text]


def differences(made: Proposal, resources: Resources) -> list[str]:
    """What would change."""
    if not made.changes:
        return [] if made.notes else ["the requests fit"]
    now = {"requests": resources.requests, "limits": resources.limits}
    return [
        f"spec.{'.'.join(path)}: {now[path[1]].get(path[2], 'not set')} -> {value}"
        for path, value in made.changes.items()
    ]


def consequences(effect: Effect | None) -> list[str]:
    """What the scheduler and an autoscaler would make of it."""
    if effect is None:
        return []
    from gitops.report import values

    shape, mebi = effect.shape, int(effect.shape.memory) >> 20
    before, after = (
        "no number of nodes" if nodes is None else values.count(nodes, "node")
        for nodes in (effect.nodes_before, effect.nodes_after)
    )
    packing = (
        f"an empty node of {shape.cpu:g} CPU and {mebi} Mi takes "
        f"{values.count(effect.per_node_after, 'operation')} at once "
        f"instead of {effect.per_node_before}"
    )
    scaling = (
        f"maxOperations ({effect.operations}) at once need {after} like that instead of {before}; "
        f"the nodes there are take {effect.at_once_after} instead of {effect.at_once_before}"
    )
    return [packing, scaling]


def _commit(shell: _shell.Shell, options: Options, made: Proposal, lines: list[str]) -> str:
    """Write the commit, look at what it builds to, and only then make the branch."""
    from gitops import errors
    from gitops.git import checkout, commit
    from gitops.git.tree import GitTree
    from gitops_cli import _pool_edits

    where = options.overlay if "@" in options.overlay else f"{options.overlay}@HEAD"
    opened = checkout.open_path(where)
    if opened.revision is None:
        raise errors.ConfigError(f"{options.overlay} is in no Git repository", hint="a commit needs one")
    files = _pool_edits.files(opened.tree, opened.path, made.pool, made.changes)
    subject = f"Fit the requests of pool {made.pool} to what its operations use"
    message = "\n".join([subject, "", *lines, ""])
    revision = commit.write(opened.root, opened.revision, files, message)
    _pool_edits.check(GitTree(opened.root, revision.commit), opened.path, made.pool, made.changes)
    branch = options.branch or f"right-size/{made.pool}"
    commit.branch(opened.root, branch, revision)
    shell.console.note(f"commit {revision.short} on branch {branch}: git show {branch}; git push origin {branch}")
    return revision.commit


def _document(made: Proposal, effect: Effect | None, commit: str) -> dict[str, Any]:
    from gitops_cli import _pools

    return {
        "pool": made.pool,
        "namespace": made.namespace,
        "evidence": _pools.document(made.evidence) if made.evidence else None,
        "changes": [{"path": ".".join(("spec", *path)), "value": value} for path, value in made.changes.items()],
        "effect": _pools.document(effect) if effect else None,
        "notes": list(made.notes),
        "commit": commit,
    }
