"""`gitops pool add`: a new pool in an overlay on disk. Comments and order of the files it edits stay."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gitops_cli import _shell

if TYPE_CHECKING:
    from gitops.git.checkout import Opened
    from gitops.objects import Manifest

KUSTOMIZATION = "kustomization.yaml"


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The command line, parsed."""

    name: str
    overlay: str
    image: str
    operations: int


@click.command(
    epilog="""\
\b
Examples:
  gitops pool add gpu overlays/dev --image worker-tools:1
  gitops plan overlays/dev                      what it will make: namespace, account, roles
  git diff                                      what it wrote

It writes pool-NAME.yaml, adds it to the overlay's resources, and adds NAME to the pools of the overlay's Worker.

\b
Exit codes: 0 written, 2 the overlay cannot be built, or has such a pool already.
"""
)
@click.argument("name")
@click.argument("overlay", default=".")
@click.option("--image", required=True, metavar="IMAGE", help="Image in which the scripts of the pool run.")
@click.option(
    "--max-operations", "operations", default=10, show_default=True, help="Running at the same time, at most."
)
@click.pass_context
def command(context: click.Context, /, **given: Any) -> int:
    """Write a WorkerPool NAME into OVERLAY (default: here)."""
    return run(_shell.of(context), Options(**given))


def run(shell: _shell.Shell, options: Options) -> int:
    """Look at what the overlay builds to, then write the files; all of them, or none."""
    from gitops import build, errors
    from gitops.git import checkout

    opened = checkout.open_path(options.overlay, describe=False)
    shell.source = opened.tree
    directory = opened.root / opened.path
    if not (directory / KUSTOMIZATION).is_file():
        raise errors.ConfigError(f"{options.overlay} has no {KUSTOMIZATION}", hint="name the overlay's directory")
    manifests = [one.manifest for one in build.build(opened.tree, opened.path).objects]
    worker = _worker(manifests, options)
    files = _files(directory, opened, worker, options)
    for path, content in files.items():
        path.write_bytes(content)
        shell.console.answer(str(path.relative_to(opened.root)))
    shell.console.note(f"look at it with: gitops plan {options.overlay}")
    return 0


def _worker(manifests: list[Manifest], options: Options) -> Manifest:
    """The Worker that will serve the pool.

    Raises:
        ConfigError: there is none or more than one, or the pool is there already.
    """
    from gitops import api, errors

    ours = [one for one in manifests if one.get("apiVersion") == api.API_VERSION]
    if any(one["kind"] == "WorkerPool" and one["metadata"]["name"] == options.name for one in ours):
        raise errors.ConfigError(f"{options.overlay} has a WorkerPool {options.name} already")
    workers = [one for one in ours if one["kind"] == "Worker"]
    if len(workers) != 1:
        raise errors.ConfigError(f"{options.overlay} builds to {len(workers)} Workers", hint="a pool needs just one")
    return workers[0]


def _files(directory: Path, opened: Opened, worker: Manifest, options: Options) -> dict[Path, bytes]:
    from gitops.yaml import roundtrip

    name = f"pool-{options.name}.yaml"
    kustomization = directory / KUSTOMIZATION
    content = kustomization.read_bytes()
    where = str(kustomization.relative_to(opened.root))
    content = roundtrip.append(content, ["resources"], name, file=where)
    files = {directory / name: _pool(worker, options)}
    pools = [*worker["spec"]["pools"], options.name]
    patch = _worker_file(directory, worker)
    if patch is None:
        patch = directory / "worker-pools.yaml"
        head = {"apiVersion": worker["apiVersion"], "kind": "Worker", "metadata": {"name": worker["metadata"]["name"]}}
        files[patch] = _dumped({**head, "spec": {"pools": pools}})
        content = roundtrip.append(content, ["patches"], {"path": patch.name}, file=where)
    else:
        inside = str(patch.relative_to(opened.root))
        files[patch] = roundtrip.put(patch.read_bytes(), ["spec", "pools"], pools, file=inside)
    return {**files, kustomization: content}


def _worker_file(directory: Path, worker: Manifest) -> Path | None:
    """The overlay's own file about the Worker, if it has one with nothing else in it."""
    from gitops import errors, yaml

    for path in sorted(directory.glob("*.yaml")):
        try:
            documents = [one.value for one in yaml.load_all(path.read_bytes(), path.name)]
        except errors.ConfigError:
            continue
        if len(documents) == 1 and isinstance(documents[0], dict) and documents[0].get("kind") == worker["kind"]:
            return path
    return None


def _pool(worker: Manifest, options: Options) -> bytes:
    spec = {"image": options.image, "maxOperations": options.operations, "rbac": {"profile": "none"}}
    metadata = {"name": options.name, "namespace": worker["metadata"]["namespace"]}
    return _dumped({"apiVersion": worker["apiVersion"], "kind": "WorkerPool", "metadata": metadata, "spec": spec})


def _dumped(manifest: Manifest) -> bytes:
    from gitops import yaml

    return yaml.dump_all([manifest]).encode()
