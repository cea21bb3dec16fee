"""`gitops trace`: where a field of a rendered object was written, what changed it, and who committed that."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gitops_cli import _edge, _options, _shell

if TYPE_CHECKING:
    from gitops.sync import trace as tracing


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The command line, parsed; exactly one of `path` and `sync` is set."""

    kind: str
    name: str
    field: str
    path: str
    sync: str
    output: str


@click.command(
    epilog="""\
\b
Examples:
  gitops trace deployment/web .spec.replicas overlays/production
  gitops trace workerpool linux .spec.image overlays/production@main
  gitops trace deploy/worker '.spec.template.spec.containers[name=worker].image' overlays/dev
  gitops trace configmap/settings overlays/dev             every field of the object
  gitops trace deployment/web /spec/replicas --sync dev    as the GitSync's newest commit has it

FIELD is a path with dots or a JSON Pointer; without it, the whole object is traced. An object that our kinds expand to
leads back to the field of the Worker or WorkerPool that decides it. Values of Secrets are masked.

\b
Exit codes: 0 traced, 2 no such object or field, or the configuration is wrong.
"""
)
@click.argument("words", metavar="KIND/NAME [FIELD] [PATH]", nargs=-1, required=True)
@click.option(
    "--sync", metavar="NAME", default="", help="Trace what a GitSync of the cluster renders, instead of PATH."
)
@_options.output("table", "json")
@click.pass_context
def command(context: click.Context, words: tuple[str, ...], sync: str, output: str) -> int:
    """Show which line set a field, what changed it after, and each line's commit; PATH can be PATH@REVISION."""
    kind, name, rest = _object(words)
    field, path = _field(rest, sync)
    options = Options(kind=kind, name=name, field=field, path=path, sync=sync, output=output)
    shell = _shell.of(context)
    if sync:
        return _edge.start(_of_sync(shell, options))
    return run(shell, options)


def _object(words: tuple[str, ...]) -> tuple[str, str, tuple[str, ...]]:
    kind, slash, name = words[0].partition("/")
    if slash and kind and name:
        return kind, name, words[1:]
    if slash or len(words) == 1:
        raise click.UsageError(f"name an object: KIND/NAME, not {words[0]!r}")
    return kind, words[1], words[2:]


def _field(rest: tuple[str, ...], sync: str) -> tuple[str, str]:
    """The field and the path; one word alone is a path if there is such a directory, or an @."""
    most = 1 if sync else 2
    if len(rest) > most:
        raise click.UsageError(f"what is {rest[most]!r}? after the object come a field{'' if sync else ' and a PATH'}")
    if len(rest) == 1 and not sync and (Path(rest[0]).exists() or "@" in rest[0]):
        return "", rest[0]
    return rest[0] if rest else "", rest[1] if len(rest) > 1 else "." if not sync else ""


def run(shell: _shell.Shell, options: Options) -> int:
    """Trace in a directory or commit."""
    from gitops.api.plan import PlanSource
    from gitops.git import blame, checkout
    from gitops.git.tree import GitTree
    from gitops.sync import trace as tracing

    opened = checkout.open_path(options.path)
    shell.source = opened.tree
    committed = None if opened.revision is None else blame.Committed(opened.root, opened.revision.commit)
    authors: Any = committed if isinstance(opened.tree, GitTree) else blame.Edited(opened.tree, committed)
    revision = "" if opened.revision is None or opened.dirty else str(opened.revision)
    place = tracing.Place(
        tree=opened.tree,
        path=opened.path,
        blame=authors,
        source=PlanSource(path=options.path, revision=revision),
        salt=secrets.token_hex(16),
    )
    return _answer(shell, options, place)


async def _of_sync(shell: _shell.Shell, options: Options) -> int:
    """Trace in what a GitSync's reference points at now."""
    from gitops.api.plan import PlanSource
    from gitops.git import blame
    from gitops.git.tree import GitTree
    from gitops.sync import trace as tracing
    from gitops_cli import _target, _wiring

    async with _wiring.connected(shell) as connection:
        sync, revision, tree = await _target.newest(shell, connection, options.sync)
    if not isinstance(tree, GitTree):
        raise TypeError(tree)
    shell.source = tree
    where, commit = tree.identity
    place = tracing.Place(
        tree=tree,
        path=sync.spec.source.path,
        blame=blame.Committed(Path(where), commit),
        source=PlanSource(sync=options.sync, path=sync.spec.source.path, revision=str(revision)),
        salt=secrets.token_hex(16),
    )
    # -n names the GitSync's namespace here, not the object's.
    return _answer(replace_namespace(shell), options, place)


def replace_namespace(shell: _shell.Shell) -> _shell.Shell:
    """The shell without its namespace."""
    return replace(shell, settings=replace(shell.settings, namespace=""))


def _answer(shell: _shell.Shell, options: Options, place: tracing.Place) -> int:
    from gitops import runner
    from gitops.sync import trace as tracing

    wanted = tracing.Wanted(
        kind=options.kind, name=options.name, namespace=shell.settings.namespace, field=options.field
    )
    found = tracing.trace(place, wanted, runner=runner.files())
    if options.output == "json":
        import msgspec

        text = msgspec.json.format(msgspec.json.encode(found), indent=2).decode()
        shell.console.answer(text)
        return 0
    from gitops.report import traces

    for line in traces.lines(found, width=shell.console.width, paint=shell.console.paint):
        shell.console.answer(line)
    return 0
