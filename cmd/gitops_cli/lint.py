"""`gitops lint`: everything that is wrong with a directory, or a commit, before it reaches a cluster."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gitops_cli import _options, _shell

if TYPE_CHECKING:
    from gitops.git.checkout import Opened
    from gitops.lint.check import Checked
    from gitops.report.findings import Block


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The command line, parsed."""

    path: str
    output: str
    fix: bool
    exit_zero: bool
    sync: str = ""


@click.command(
    epilog="""\
\b
Examples:
  gitops lint overlays/dev                      a kustomization, with all it is made of
  gitops lint .                                 every kustomization below
  gitops lint overlays/dev@main -o json         as it is in a commit, as data
  gitops lint overlays/dev --fix                mend what can be mended safely
  gitops lint --sync dev                        what a GitSync's reference points at now
  gitops explain GW301                          what a code means

\b
Exit codes: 0 nothing found (notes do not count), 1 something was, 2 it could not be looked at.
"""
)
@click.argument("path", default="")
@click.option(
    "--sync", metavar="NAME", default="", help="Look at what a GitSync of the cluster renders, instead of PATH."
)
@click.option("--fix", is_flag=True, help="Mend what is safe, in the working tree; comments and order stay.")
@click.option("--exit-zero", is_flag=True, help="Exit with 0 whatever was found.")
@_options.output("table", "json", "sarif", "junit", "github")
@click.pass_context
def command(context: click.Context, path: str, sync: str, output: str, *, fix: bool, exit_zero: bool) -> int:
    """Say everything that is wrong with PATH (default: here), or PATH@REVISION, with its place."""
    if sync and (path or fix):
        raise click.UsageError("--sync looks at a commit: it goes with neither PATH nor --fix")
    options = Options(path=path or ".", output=output, fix=fix, exit_zero=exit_zero, sync=sync)
    if sync:
        from gitops_cli import _edge

        return _edge.start(_of_sync(_shell.of(context), options))
    return run(_shell.of(context), options)


def run(shell: _shell.Shell, options: Options) -> int:
    """Look, mend if asked to, and print what is left."""
    from gitops.git import checkout

    opened = checkout.open_path(options.path, describe=False)
    if options.fix:
        opened = _mended(shell, opened, options)
    return _answered(shell, opened, _about(options.path, opened, _checked(opened)), options)


async def _of_sync(shell: _shell.Shell, options: Options) -> int:
    """Look at what a GitSync's reference points at now."""
    from gitops.git.checkout import Opened
    from gitops_cli import _target, _wiring

    async with _wiring.connected(shell) as connection:
        sync, revision, tree = await _target.newest(shell, connection, options.sync)
    path = sync.spec.source.path
    opened = Opened(tree=tree, path=path, root=Path(), revision=revision)
    return _answered(shell, opened, _checked(opened), replace(options, path=path or "."))


def _answered(shell: _shell.Shell, opened: Opened, checked: Checked, options: Options) -> int:
    from gitops.lint.finding import answer

    shell.source = opened.tree
    shell.redactor.add(*checked.secrets)
    _print(shell, opened, checked, options)
    return 0 if options.exit_zero else answer(checked.findings)


def _checked(opened: Opened) -> Checked:
    from gitops import runner
    from gitops.lint import check

    return check.check(opened.tree, opened.path, runner=runner.files())


def _about(argument: str, opened: Opened, checked: Checked) -> Checked:
    """If a file was named, what there is to say of that file."""
    given = Path(argument)
    if not given.is_file():
        return checked
    name = given.resolve().relative_to(opened.root).as_posix()
    return replace(
        checked, findings=tuple(one for one in checked.findings if one.location and one.location.file == name)
    )


def _mended(shell: _shell.Shell, opened: Opened, options: Options) -> Opened:
    """Write the safe edits, and read the directory anew."""
    from gitops import errors
    from gitops.git import checkout
    from gitops.git.worktree import WorkTree
    from gitops.lint.mend import mend

    if not isinstance(opened.tree, WorkTree):
        raise errors.ConfigError(
            f"{options.path} is a commit, which cannot be changed", hint="check it out, and leave @REVISION away"
        )
    contents = mend(_checked(opened).findings, opened.tree.read)
    for path, content in contents.items():
        opened.tree.replace(path, content)
        shell.console.note(f"mended {path}")
    return checkout.open_path(options.path, describe=False) if contents else opened


def _print(shell: _shell.Shell, opened: Opened, checked: Checked, options: Options) -> None:
    import msgspec

    from gitops import __version__
    from gitops.report import findings

    console = shell.console
    match options.output:
        case "json":
            revision = str(opened.revision or "")
            made = findings.document(checked, path=options.path, revision=revision)
            console.answer(msgspec.json.format(msgspec.json.encode(made), indent=2).decode())
        case "sarif":
            console.answer(findings.sarif(checked.findings, version=__version__))
        case "junit":
            console.answer(findings.junit(checked))
        case "github":
            for line in findings.github(checked.findings):
                console.answer(line)
        case _:
            for block in findings.blocks(checked.findings, shell.text, width=console.width):
                console.answer(_painted(shell, block))
            console.note(findings.summary(checked))


_COLORS = {"error": "red", "warning": "yellow", "note": "cyan"}


def _painted(shell: _shell.Shell, block: Block) -> str:
    paint = shell.console.paint
    head = f"{paint(block.head, _COLORS[block.severity], 'bold')}: {paint(block.message, 'bold')}"
    return "\n".join([head, *block.lines, ""])
