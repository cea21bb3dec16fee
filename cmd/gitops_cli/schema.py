"""`gitops schema`: JSON Schemas for editors, CustomResourceDefinitions for clusters. Talks to nobody."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from gitops_cli import _shell

if TYPE_CHECKING:
    from gitops.api.crds import Kind


@click.command(
    epilog="""\
\b
Examples:
  gitops schema workerpool > workerpool.json    for an editor: # yaml-language-server: $schema=workerpool.json
  gitops schema                                 all kinds in one schema
  gitops schema --crd | kubectl apply -f -      the CustomResourceDefinitions
"""
)
@click.argument("kind", required=False, default="")
@click.option("--crd", is_flag=True, help="Print CustomResourceDefinitions (YAML) instead of JSON Schema.")
@click.pass_context
def command(context: click.Context, kind: str, *, crd: bool) -> None:
    """Print the JSON Schema of KIND, or of all our kinds."""
    chosen = _chosen(kind)
    _shell.of(context).console.answer(_definitions(chosen) if crd else _schema(chosen))


def _chosen(name: str) -> tuple[Kind, ...]:
    from gitops import errors
    from gitops.api import crds
    from gitops.lint import structure
    from gitops.report import fields

    if not name:
        return crds.KINDS
    found = fields.kind_of(name)
    if found is None:
        raise errors.ConfigError(f"there is no kind {name}", hint=structure.nearest(name, fields.names()))
    return (found,)


def _definitions(kinds: tuple[Kind, ...]) -> str:
    from gitops import yaml
    from gitops.api import crds

    return yaml.dump_all([crds.crd(kind) for kind in kinds]).removesuffix("\n")


def _schema(kinds: tuple[Kind, ...]) -> str:
    from gitops.api import schemas

    made = schemas.json_schema(kinds[0]) if len(kinds) == 1 else schemas.of_all()
    return json.dumps(made, indent=2, ensure_ascii=False)
