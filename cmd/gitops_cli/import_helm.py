"""`gitops import helm`: values of the Octopus kubernetes-agent chart as a kustomization of our kinds."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gitops import __version__, errors
from gitops_cli import _folder, _shell

if TYPE_CHECKING:
    from gitops import convert

STREAM = "-"
_LONG = 8
"""Shorter credentials are words too: masking them would blot out the report. None is ever copied anywhere."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The command line, parsed. `file` and `directory` may be `-`."""

    file: str
    directory: str
    base: str
    worker: str
    pool: str
    image: str
    report: str
    overwrite: bool


@click.command(
    epilog="""\
\b
Examples:
  helm get values octopus-worker -n octopus | gitops import helm -
  gitops import helm values.yaml -o overlays/octopus --base base
  gitops import helm values.yaml -o workers --pool linux --report json 2> report.json

Without --base the directory stands alone: it holds the CRDs too. With it, WorkerPool and Worker become patches of the
base's own. Credentials in the values are copied nowhere: the report says which Secrets to make, and how.
The report goes to stderr, the objects to DIR or stdout.

\b
Exit codes: 0 made, 2 the values cannot be used: where, and why; 5 a file in DIR is in the way.
"""
)
@click.argument("file")
@click.option(
    "-o", "directory", default=STREAM, show_default=True, metavar="DIR", help="Where to write; - prints the objects."
)
@click.option("--base", default="", metavar="DIR", help="Build on this kustomization, which has our kinds already.")
@click.option("--name", "worker", default="", metavar="NAME", help="Name of the Worker; default: after agent.name.")
@click.option("--pool", default="", metavar="NAME", help="Name of the WorkerPool; default: after its Octopus pool.")
@click.option("--image", default="", metavar="IMAGE", help="Image of this program; default: the base's, or by version.")
@click.option("--report", type=click.Choice(["text", "json"]), default="text", show_default=True, help="Its form.")
@click.option("--overwrite", is_flag=True, help="Replace files in DIR that differ.")
@click.pass_context
def command(context: click.Context, /, *, overwrite: bool, **given: str) -> None:
    """Turn FILE, values of the Octopus kubernetes-agent chart (- is stdin), into a WorkerPool and a Worker.

    FILE is a values file or what `helm get values` prints, of chart 2 or 3. -n names the Worker's namespace.
    """
    run(_shell.of(context), Options(overwrite=overwrite, **given))


def run(shell: _shell.Shell, options: Options) -> None:
    """Read, convert, check, write, report: whoever stops reading the report has the files all the same."""
    from gitops import convert

    values = _read(shell, options.file)
    made = convert.convert(values, _names(shell, options, values))
    _check(made)
    if options.directory == STREAM:
        from gitops.convert import files

        _tell(shell, options, made)
        shell.console.answer(files.stream(made).removesuffix("\n"))
        return
    count = _write(options, made)
    _tell(shell, options, made)
    if options.report == "text":
        shell.console.note("")
    shell.console.answer(f"{count} files in {options.directory}; next: gitops build {options.directory}")


def _read(shell: _shell.Shell, file: str) -> convert.Values:
    from gitops import convert

    try:
        text = sys.stdin.buffer.read() if file == STREAM else Path(file).read_bytes()
    except OSError as error:
        raise errors.ConfigError(f"cannot read {file}", cause=error.strerror or str(error)) from error
    values = convert.read(text, "stdin" if file == STREAM else file)
    shell.redactor.add(*(secret for secret in values.secrets() if len(secret) >= _LONG))
    return values


def _names(shell: _shell.Shell, options: Options, values: convert.Values) -> convert.Names:
    """As asked for; on a base, as the base has them."""
    from gitops import convert

    names = convert.names_for(
        values,
        image=options.image or f"gitops-worker:{__version__}",
        namespace=shell.settings.namespace,
        worker=options.worker,
        pool=options.pool,
    )
    if not options.base:
        return names
    if options.directory == STREAM:
        raise errors.ConfigError("--base needs a directory to build on it from", hint="add -o DIR")
    objects = _build(options.base)
    pool = _chosen(objects, "WorkerPool", options.pool, f"base {options.base}", "--pool")
    worker = _chosen(objects, "Worker", options.worker, f"base {options.base}", "--name")
    named = pool["metadata"]["name"]
    return replace(
        names,
        namespace=shell.settings.namespace or worker["metadata"].get("namespace", names.namespace),
        worker=worker["metadata"]["name"],
        pool=named,
        image=options.image or worker["spec"].get("image", names.image),
        beside=tuple(other for other in worker["spec"].get("pools") or () if other != named),
    )


def _chosen(objects: list[dict[str, Any]], kind: str, name: str, base: str, option: str) -> dict[str, Any]:
    """The object of a kind that has this name, or is the only one."""
    found = {one["metadata"]["name"]: one for one in objects if one["kind"] == kind}
    chosen = name or next(iter(found), "")
    if chosen not in found or (len(found) > 1 and not name):
        said = f"the {base} has {kind} {', '.join(found) or '(none)'}"
        raise errors.ConfigError(said, hint=f"name one of them with {option}" if found else "")
    return found[chosen]


def _build(path: str) -> list[dict[str, Any]]:
    from gitops import build
    from gitops.git import checkout

    opened = checkout.open_path(path, describe=False)
    return [one.manifest for one in build.build(opened.tree, opened.path).objects]


def _check(made: convert.Conversion) -> None:
    """What our own validator would refuse is said with the place in the values."""
    from gitops.lint import validate

    found = [
        finding
        for document in (made.pool, made.worker)
        for finding in validate.validate(document.manifest(made.names.namespace), document.locate)
    ]
    if found:
        raise found[0] if len(found) == 1 else errors.SeveralErrors(found)


def _tell(shell: _shell.Shell, options: Options, made: convert.Conversion) -> None:
    from gitops.convert import report

    if options.report == "json":
        shell.console.complain(json.dumps(report.document(made), indent=2, ensure_ascii=False))
        return
    for line in report.lines(made):
        shell.console.note(line)


def _write(options: Options, made: convert.Conversion) -> int:
    """Write the directory, and build it to see that it is whole; returns how many files it has."""
    from gitops.convert import files

    directory = Path(options.directory)
    base = _relative(directory, options.base) if options.base else ""
    source = "values of the Octopus chart" if options.file == STREAM else Path(options.file).name
    texts = files.files(made, source=source, base=base)
    contents = {name: text.encode() for name, text in texts.items()}
    _folder.write(directory, contents, overwrite=options.overwrite, hint="choose another directory, or add --overwrite")
    _build(options.directory)
    return len(texts)


def _relative(directory: Path, base: str) -> str:
    return Path(os.path.relpath(Path(base).resolve(), directory.resolve())).as_posix()
