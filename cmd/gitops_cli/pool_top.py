"""`gitops pool top`: what the operations of pools used, by step."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from gitops_cli import _edge, _options, _shell

if TYPE_CHECKING:
    from gitops import api
    from gitops.api.workerpool import StepUsage

HEADER = (
    "POOL",
    "STEP",
    "RUNS",
    "CPU P50",
    "CPU P90",
    "CPU MAX",
    "MEM P50",
    "MEM PEAK",
    "THROTTLED",
    "OOM",
    "ASKED FOR",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The command line, parsed."""

    pools: tuple[str, ...]
    everywhere: bool
    output: str


@click.command(
    epilog="""\
\b
Examples:
  gitops pool top
  gitops pool top linux
  gitops pool top -A -o json

CPU is what a run used on average, memory its peak, files in memory included: both from the pod's own cgroup. Runs are
told apart by the label gitops-worker.io/step of their Operation. Kept are the last two to four weeks.
"""
)
@click.argument("pools", nargs=-1, metavar="[POOL]...")
@click.option("-A", "--all-namespaces", "everywhere", is_flag=True, help="Of all namespaces.")
@_options.output("table", "json")
@click.pass_context
def command(context: click.Context, /, **given: Any) -> None:
    """Show what the operations of pools used, by step."""
    context.exit(_edge.start(run(_shell.of(context), Options(**given))))


async def run(shell: _shell.Shell, options: Options) -> int:
    """Read and print."""
    from gitops_cli import _pools, _wiring

    async with _wiring.connected(shell) as connection:
        pools = await _pools.find(shell, connection, options.pools, everywhere=options.everywhere)
    rows = [(pool, step, own, entries) for pool in pools for (step, own), entries in _steps(pool).items()]
    if options.output == "json":
        shell.console.answer(json.dumps([_document(*row) for row in rows], indent=2, ensure_ascii=False))
        return 0
    shell.console.table(HEADER, [_row(*row) for row in rows])
    if not rows:
        shell.console.note("no operation has told yet what it used")
    return 0


def _steps(pool: api.WorkerPool) -> dict[tuple[str, bool], list[StepUsage]]:
    found: dict[tuple[str, bool], list[StepUsage]] = {}
    for entry in pool.status.usage:
        found.setdefault((entry.step, entry.own_resources), []).append(entry)
    return dict(sorted(found.items()))


def _document(pool: api.WorkerPool, step: str, own: bool, entries: list[StepUsage]) -> dict[str, Any]:  # noqa: FBT001
    from gitops.sizing import observed
    from gitops_cli import _pools

    return {
        "namespace": pool.metadata.namespace,
        "pool": pool.metadata.name,
        "step": step,
        "ownResources": own,
        **_pools.document(observed.summary(entries)),
    }


def _row(pool: api.WorkerPool, step: str, own: bool, entries: list[StepUsage]) -> list[str]:  # noqa: FBT001
    from gitops.sizing import observed
    from gitops_cli import _pools

    summary = observed.summary(entries)
    requests = pool.spec.resources.requests
    asked = ", ".join(f"{name} {value}" for name, value in sorted(requests.items())) or "nothing"
    return [
        pool.metadata.name,
        step or "-",
        str(summary.runs),
        *(_pools.cores(value) for value in (summary.cpu_median, summary.cpu_p90, summary.cpu_most)),
        *(_pools.memory(value) for value in (summary.memory_median, summary.memory_peak)),
        str(summary.throttled_runs),
        str(summary.out_of_memory_runs),
        "their own" if own else asked,
    ]
