"""`gitops install`: everything a cluster needs to follow a repository, from a checkout of it."""

from __future__ import annotations

import asyncio
import sys
from dataclasses import dataclass
from pathlib import Path

import click

from gitops_cli import _edge, _shell


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The command line, parsed. `path` of a file may be `-` for stdin."""

    path: str
    url: str
    branch: str
    name: str
    token_file: str
    ca_file: str
    timeout: str
    dry_run: bool
    wait: bool


@click.command(
    epilog="""\
\b
Examples:
  gitops install overlays/dev --git-url https://git.example.com/team/workers.git --git-token-file token.txt
  gitops install overlays/production --git-url … --git-token-file - --git-ca-file ca.pem < token.txt

The token is read from a file or from stdin, never from the command line, and kept in a Secret of the cluster.
Running it again brings an installation up to date with the checkout; it needs the rights of an administrator.

\b
Exit codes: 0 installed and Ready, 2 configuration, 3 cluster not reachable, 4 denied, 5 refused, 124 not Ready in time.
"""
)
@click.argument("path")
@click.option(
    "--git-url", "url", required=True, metavar="URL", help="Repository the cluster follows, as pods reach it."
)
@click.option("--git-branch", "branch", default="main", show_default=True, metavar="NAME", help="Branch to follow.")
@click.option("--name", default="", metavar="NAME", help="Name of the GitSync; default: the directory's name.")
@click.option(
    "--git-token-file", "token_file", default="", metavar="FILE", help="Token for the repository; - is stdin."
)
@click.option("--git-ca-file", "ca_file", default="", metavar="FILE", help="PEM certificates that sign the server's.")
@click.option("--timeout", default="5m", show_default=True, metavar="DURATION", help="For waiting until it is Ready.")
@click.option("--dry-run", is_flag=True, help="Show the plan and stop.")
@click.option(
    "--wait/--no-wait", default=True, show_default=True, help="Wait until the cluster follows the repository."
)
@click.pass_context
def command(context: click.Context, /, *, dry_run: bool, wait: bool, **given: str) -> int:
    """Install PATH (an overlay in a checkout) and let the cluster follow its repository."""
    return _edge.start(run(_shell.of(context), Options(dry_run=dry_run, wait=wait, **given)))


async def run(shell: _shell.Shell, options: Options) -> int:
    """Render, plan, apply; then credentials and GitSync; then wait for the cluster's own first sync."""
    from gitops.api import duration
    from gitops.report import plans
    from gitops.sync import story
    from gitops_cli import _installation, _reports, _target, _wiring

    patience = float(duration.seconds(options.timeout))
    token, ca = await asyncio.to_thread(_read_files, shell, options)
    async with _wiring.connected(shell) as connection:
        asked = _target.Asked(argument=_slashed(options.path), inventory=options.name, force=True)
        target = await _target.find(shell, connection, asked)
        made = _installation.describe(target, url=options.url, branch=options.branch, token=token, ca=ca)
        means = _wiring.means(shell, connection, patience=patience, loud=True)
        planned = await story.plan(means, target.desired, header=target.header, rules=target.rules)
        plan = await _reports.document(connection.objects, planned, target)
        shell.console.note(f"{target.header.namespace}/{target.header.name}: {plans.summary(plan)}")
        if options.dry_run:
            _reports.show(shell.console, plan, "table")
            return 1 if planned.plan.writes else 0
        await story.carry_out(means, planned, healthy=False)
        await _installation.follow(means, made)
        if options.wait:
            await _installation.until_ready(means, made)
    shell.console.answer(f"{made.namespace}/{made.name} follows {options.url} ({options.branch}), {made.path or '/'}")
    return 0


def _slashed(path: str) -> str:
    """A directory name without a slash is a directory here, never a GitSync."""
    return path if "/" in path or "@" in path else f"./{path}"


def _read_files(shell: _shell.Shell, options: Options) -> tuple[str, str]:
    token = _read(options.token_file, "--git-token-file").strip()
    if token:
        shell.redactor.add(token)
    return token, _read(options.ca_file, "--git-ca-file")


def _read(name: str, option: str) -> str:
    from gitops import errors

    if not name:
        return ""
    try:
        text = sys.stdin.read() if name == "-" else Path(name).read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise errors.ConfigError(f"cannot read {option} {name}", cause=str(error)) from error
    if not text.strip():
        raise errors.ConfigError(f"{option} {name} is empty")
    return text
