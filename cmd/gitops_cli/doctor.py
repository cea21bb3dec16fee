"""`gitops doctor`: what keeps operations from running, looked at from outside and from inside a pod."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import click

from gitops_cli import _edge, _options, _shell

if TYPE_CHECKING:
    from gitops.report.doctor import Finding


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The command line, parsed."""

    pools: tuple[str, ...]
    run: bool
    timeout: str
    output: str


@click.command(
    epilog="""\
\b
Examples:
  gitops doctor
  gitops doctor linux
  gitops doctor --no-run                look only, start no pod

It looks at your rights, at the Worker and its pools, at quotas, limits and pull secrets of their operations namespaces,
and runs one operation on each pool, which tries the image, the working directory and its log. Each problem comes with
what to do.

\b
Exit codes: 0 nothing stands in the way; 1 something does.
"""
)
@click.argument("pools", nargs=-1, metavar="[POOL]...")
@click.option("--run/--no-run", default=True, show_default=True, help="Run an operation on each pool.")
@click.option("--timeout", metavar="DURATION", default="2m", show_default=True, help="For each of them.")
@_options.output("table", "json")
@click.pass_context
def command(context: click.Context, /, **given: Any) -> None:
    """Find out what keeps operations from running, and say what to do."""
    context.exit(_edge.start(run(_shell.of(context), Options(**given))))


async def run(shell: _shell.Shell, options: Options) -> int:
    """Look, print each finding as it comes, and give the verdict."""
    from gitops.report.doctor import Level
    from gitops_cli import _doctor, _wiring

    found: list[Finding] = []
    async with _wiring.connected(shell) as connection:
        visit = _doctor.Visit(shell, connection, pools=options.pools, run=options.run, timeout=options.timeout)
        async for finding in visit.findings():
            found.append(finding)
            if options.output == "table":
                _print(shell, finding)
    if options.output == "json":
        shell.console.answer(json.dumps([asdict(one) for one in found], indent=2, ensure_ascii=False))
    return 1 if any(one.level is Level.FAILED for one in found) else 0


def _print(shell: _shell.Shell, finding: Finding) -> None:
    colours = {"ok": "green", "failed": "red", "warning": "yellow", "unknown": "dim"}
    paint = shell.console.paint
    level = paint(f"{finding.level.value:<8}", colours[finding.level.value])
    shell.console.answer(f"{level} {paint(finding.about)}: {paint(finding.says)}")
    if finding.todo:
        shell.console.answer(f"{'':<8} -> {paint(finding.todo)}")
