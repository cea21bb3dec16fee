"""`gitops init`: a configuration repository to start from: base, one overlay, schemas for editors."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from gitops_cli import _folder, _shell

TEMPLATES = {"embedded": "overlays/dev/", "split": "overlays/production/"}
"""The shipped overlay that each topology starts from."""
SCHEMAS = "schemas"
NAME = r"[a-z0-9]([-a-z0-9]{0,48}[a-z0-9])?"
"""What may name a directory, a GitSync and the value of a label at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The command line, parsed."""

    directory: str
    overlay: str
    topology: str
    image: str
    program: str
    upgrade: bool


@click.command(
    epilog="""\
\b
Examples:
  gitops init workers && cd workers && git init
  gitops init . --overlay production --topology split -n ci-workers
  gitops init . --image registry.example/tools:4 --program-image registry.example/gitops-worker:0.1.0

It writes base/ (definitions, a Worker, the pool `linux`), overlays/NAME/ (what you change) and schemas/ (editors check
as you type). -n names the namespace of the installation. What is written has been built and linted first.

With a newer version of this program, --upgrade replaces base/ and schemas/ by its own and leaves all else alone:
`git diff` shows what is new, `gitops plan overlays/NAME` what it means.

\b
Exit codes: 0 written, 2 an option cannot be used, 5 a file with other content is in the way.
"""
)
@click.argument("directory", default=".")
@click.option("--overlay", default="dev", show_default=True, metavar="NAME", help="Name of the overlay.")
@click.option(
    "--topology",
    type=click.Choice(list(TEMPLATES)),
    default="embedded",
    show_default=True,
    help="Reconciler and worker in one process, or apart with two replicas each.",
)
@click.option("--image", default="", metavar="IMAGE", help="Image in which the scripts of the pool `linux` run.")
@click.option("--program-image", "program", default="", metavar="IMAGE", help="Image of this program.")
@click.option("--upgrade", is_flag=True, help="Replace base/ and schemas/ by this version's; leave overlays alone.")
@click.pass_context
def command(context: click.Context, /, **given: Any) -> int:
    """Write a configuration repository into DIRECTORY (default: here)."""
    return run(_shell.of(context), Options(**given))


def run(shell: _shell.Shell, options: Options) -> int:
    """Make the files in memory, build and lint them, then write them; all of them, or none."""
    contents = _base()
    if options.upgrade:
        _folder.write(Path(options.directory), contents, overwrite=True, hint="")
    else:
        contents |= _overlay(shell, options)
        _check(shell, contents, f"overlays/{options.overlay}")
        hint = "choose another directory; --upgrade replaces base/ and schemas/ only"
        _folder.write(Path(options.directory), contents, overwrite=False, hint=hint)
    shell.console.answer(f"{len(contents)} files in {options.directory}")
    for line in _next(options):
        shell.console.note(line)
    return 0


def _next(options: Options) -> tuple[str, ...]:
    if options.upgrade:
        return ("look at what is new with: git diff; gitops plan overlays/NAME",)
    overlay = f"overlays/{options.overlay}"
    return (
        f"change it:    {overlay}/pool-linux.yaml",
        f"look at it:   gitops build {Path(options.directory) / overlay}",
        f"commit, push: gitops install {overlay} --git-url URL --git-token-file FILE",
    )


def _base() -> dict[str, bytes]:
    """`base/` as it is shipped, and the schemas its comments point editors to."""
    from gitops.api import crds, schemas
    from gitops_cli import _shipped

    found = {
        path: content.replace(b"/docs/schemas/", f"/{SCHEMAS}/".encode())
        for path, content in _shipped.files().items()
        if path.startswith("base/")
    }
    for kind in crds.KINDS:
        text = json.dumps(schemas.json_schema(kind), indent=2, ensure_ascii=False)
        found[f"{SCHEMAS}/{kind.name.lower()}.json"] = f"{text}\n".encode()
    return found


def _overlay(shell: _shell.Shell, options: Options) -> dict[str, bytes]:
    """The shipped overlay of the topology under its new name, the options written into it."""
    from gitops_cli import _shipped

    if not re.fullmatch(NAME, options.overlay):
        said = f"{options.overlay} is not lower-case letters, digits and dashes, 50 at most"
        raise click.BadParameter(said, param_hint="--overlay")
    template, target = TEMPLATES[options.topology], f"overlays/{options.overlay}/"
    shipped = _shipped.files().items()
    found = {target + path.removeprefix(template): content for path, content in shipped if path.startswith(template)}
    kustomization = f"{target}kustomization.yaml"
    return found | {kustomization: _chosen(shell, options, found[kustomization], kustomization)}


def _chosen(shell: _shell.Shell, options: Options, content: bytes, path: str) -> bytes:
    """The kustomization with namespace, environment and images as asked for."""
    from gitops.yaml import roundtrip

    if shell.settings.namespace:
        content = roundtrip.put(content, ["namespace"], shell.settings.namespace, file=path)
    pairs = {"app.kubernetes.io/environment": options.overlay}
    content = roundtrip.put(content, ["labels"], [{"pairs": pairs}], file=path)
    images = [_image("gitops-worker", options.program), _image("worker-tools", options.image)]
    named = [one for one in images if one]
    if not named:
        return content
    kept = [one for one in _images(content, path) if one["name"] not in {each["name"] for each in named}]
    return roundtrip.put(content, ["images"], [*kept, *named], file=path)


def _images(content: bytes, path: str) -> list[dict[str, str]]:
    from gitops import yaml

    found: list[dict[str, str]] = next(iter(yaml.load_all(content, path))).value["images"]
    return found


def _image(name: str, reference: str) -> dict[str, str]:
    """The entry of `images:` that puts a reference in the place of the name base/ uses; empty if none was given."""
    from gitops.build.transform import split_image

    if not reference:
        return {}
    new, tag, digest = split_image(reference)
    if not new or not (tag or digest):
        raise click.BadParameter(f"{reference} has neither tag nor digest, so it may change unseen")
    pin = {"digest": digest} if digest else {"newTag": tag}
    return {"name": name, "newName": new, **pin}


def _check(shell: _shell.Shell, contents: dict[str, bytes], overlay: str) -> None:
    """Nothing is written that would not build, or that lint calls an error.

    Raises:
        ConfigError: what is wrong.
    """
    from gitops import errors, runner
    from gitops.lint import check
    from gitops.lint.code import Severity
    from gitops.source.tree import MemoryTree

    shell.source = MemoryTree(contents)
    findings = check.check(shell.source, overlay, runner=runner.files()).findings
    told = [f"{one.message} ({one.code.code})" for one in findings if one.severity is Severity.ERROR]
    if told:
        raise errors.ConfigError("what these options make is not right", cause="; ".join(told))
