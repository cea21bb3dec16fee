"""`gitops build`: a directory, or a commit, as Kubernetes objects. Talks to nobody."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from gitops_cli import _options, _shell

if TYPE_CHECKING:
    from gitops.source import Tree


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The command line, parsed."""

    path: str
    expand: bool
    output: str


@click.command(
    epilog="""\
\b
Examples:
  gitops build overlays/dev                     as it is on disk
  gitops build overlays/dev@main                as it is in a commit, branch or tag
  gitops build --no-expand overlays/dev         exactly what kubectl kustomize prints

\b
Exit codes: 0 built, 2 the configuration is wrong: where, and what to do about it.
"""
)
@click.argument("path", default=".")
@click.option(
    "--expand/--no-expand",
    default=True,
    show_default=True,
    help="Check our kinds, and add the objects they stand for: accounts, roles, namespaces, Deployments.",
)
@_options.output("yaml", "json")
@click.pass_context
def command(context: click.Context, path: str, output: str, *, expand: bool) -> None:
    """Render PATH (default: here), or PATH@REVISION, to Kubernetes objects."""
    run(_shell.of(context), Options(path=path, expand=expand, output=output))


def run(shell: _shell.Shell, options: Options) -> None:
    """Build and print."""
    from gitops.git import checkout
    from gitops_cli import _builds

    opened = checkout.open_path(options.path, describe=False)
    shell.source = opened.tree

    def make(tree: Tree) -> bytes:
        manifests = _expanded(tree, opened.path) if options.expand else _authored(tree, opened.path)
        return _text(manifests, options.output).encode()

    question = ("text", opened.path, options.output, str(options.expand))
    shell.console.answer(_builds.kept(opened.tree, *question, make=make).decode())


def _authored(tree: Tree, path: str) -> list[dict[str, Any]]:
    from gitops import build

    return [one.manifest for one in build.build(tree, path).objects]


def _expanded(tree: Tree, path: str) -> list[dict[str, Any]]:
    from gitops import runner
    from gitops.sync import desired

    return [one.manifest for one in desired.render(tree, path, runner=runner.files())]


def _text(manifests: Sequence[dict[str, Any]], form: str) -> str:
    if form == "json":
        return json.dumps({"apiVersion": "v1", "kind": "List", "items": manifests}, indent=2, ensure_ascii=False)
    from gitops import yaml

    return yaml.dump_all(manifests).removesuffix("\n")
