"""`gitops operation run`: a script, or a command, in a pod of its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from gitops_cli import _edge, _options, _shell

if TYPE_CHECKING:
    from gitops import api, cluster
    from gitops.objects import Manifest
    from gitops_cli import _specification


@dataclass(frozen=True, slots=True, kw_only=True)
class Stay:
    """What to do with the Operation: print it only, create it, stay with it to its end."""

    dry_run: bool
    follow: bool
    wait: bool
    exit_code: str
    output: str


@click.command(
    context_settings={"ignore_unknown_options": False},
    epilog="""\
\b
Examples:
  gitops operation run --pool linux --follow -- kubectl get pods
  gitops operation run --pool linux --follow -f deploy.sh -- production
  gitops operation run --pool linux -f - < migrate.py        (its #! line says what runs it)
  gitops operation run --pool linux --wait -o json -f deploy.sh
  gitops operation run --pool linux --step deploy --mutex production --request memory=2Gi -f deploy.sh
  gitops operation run --pool linux --file values.yaml --file build/tool:bin/tool -f deploy.sh
  gitops operation run --pool linux --env-from TOKEN=secret/deploy:token --files-from configmap/site:conf -f deploy.sh
  gitops operation run --pool linux --dry-run -f deploy.sh > operation.yaml   (for kubectl create -f)

Secrets and ConfigMaps are those of the pool's operations namespace.

\b
Exit codes: 0 created, or with --follow or --wait succeeded; 1 it did not succeed;
with --exit-code=script the script's own.
""",
)
@click.option("--pool", required=True, metavar="NAME", help="WorkerPool to run on.")
@click.option("-f", "--script", metavar="FILE", default="", help="Script to run; - is stdin.")
@click.option("--name", metavar="NAME", default="", help="Name of the Operation; default: the pool's, and digits.")
@click.option("--interpreter", metavar="COMMAND", default="", help="Default: the script's #! line, else /bin/sh.")
@click.option("--env", "-e", metavar="K=V", multiple=True, help="Environment variable; never a secret. Repeatable.")
@click.option(
    "--env-from", metavar="K=KIND/NAME:KEY", multiple=True, help="The same, from a secret or configmap. Repeatable."
)
@click.option(
    "--file",
    "files",
    metavar="FILE[:PATH]",
    multiple=True,
    help="Bring a file, to PATH below the working directory; default: its name. Repeatable.",
)
@click.option(
    "--files-from",
    metavar="KIND/NAME:PATH[:KEY,...]",
    multiple=True,
    help="Files of a secret or configmap, read-only, in the folder PATH. Repeatable.",
)
@click.option(
    "--fetch",
    metavar="URL@sha256:DIGEST[:PATH[:x]]",
    multiple=True,
    help="Bring what the URL gives, which the pool must allow, to PATH; x: executable. Repeatable.",
)
@click.option("--timeout", metavar="DURATION", default="", help="For the script's run; default: the pool's.")
@click.option("--step", metavar="NAME", default="", help="What it is a run of: usage is kept by step, see `pool top`.")
@click.option("--label", "labels", metavar="K=V", multiple=True, help="Label of the Operation. Repeatable.")
@click.option("--image", metavar="IMAGE", default="", help="Instead of the pool's, which must allow it.")
@click.option(
    "--image-pull-secret",
    "image_pull_secrets",
    metavar="NAME",
    multiple=True,
    help="Besides the pool's, which must allow it. Repeatable.",
)
@click.option("--service-account", metavar="NAME", default="", help="Instead of the pool's, which must allow it.")
@click.option("--platform", type=click.Choice(["linux/amd64", "linux/arm64"]), default=None, help="Of its node.")
@click.option("--request", "resources", metavar="K=V", multiple=True, help="Resource request: cpu=2. Repeatable.")
@click.option("--limit", "limits", metavar="K=V", multiple=True, help="Resource limit: memory=4Gi. Repeatable.")
@click.option("--priority", type=click.IntRange(-1000, 1000), default=0, help="The higher goes first in its pool.")
@click.option("--mutex", metavar="NAME", default="", help="Does not run beside others that name it.")
@click.option("--shared", is_flag=True, help="With --mutex: runs beside others that share it.")
@click.option(
    "--mutex-wait", metavar="DURATION", default="", help="With --mutex: fails when it gets older waiting for it."
)
@click.option("--idempotent", is_flag=True, help="May be started again when the cluster ended it midway.")
@click.option("--ttl", metavar="DURATION", default="", help="The Operation is deleted so long after its end.")
@click.option("--follow", is_flag=True, help="Print its output as it comes, and end with its verdict.")
@click.option("--wait", is_flag=True, help="Wait for its verdict.")
@click.option("--dry-run", is_flag=True, help="Print the Operation, as YAML or JSON, and create nothing.")
@click.option(
    "--exit-code",
    type=click.Choice(["verdict", "script"]),
    default="verdict",
    show_default=True,
    help="End with 0 or 1, or with the script's own code.",
)
@_options.output("name", "json", "yaml")
@click.argument("words", nargs=-1, metavar="[-- COMMAND...]")
@click.pass_context
def command(context: click.Context, /, **given: Any) -> None:
    """Run a script, or a COMMAND, on a pool."""
    from gitops_cli import _specification

    stay = Stay(**{name: given.pop(name) for name in Stay.__slots__})
    options = _specification.Options(**given)
    if not options.script and not options.words:
        raise click.UsageError("say what to run: -f SCRIPT, or -- COMMAND")
    if stay.dry_run and (stay.follow or stay.wait):
        raise click.UsageError("--dry-run creates nothing to stay with: leave out --follow and --wait")
    shell, manifest = _shell.of(context), _specification.operation(options)
    if stay.dry_run:
        _print(shell, manifest, stay.output)
    else:
        context.exit(_edge.start(run(shell, options, manifest, stay), lasting=True))


def _print(shell: _shell.Shell, manifest: Manifest, output: str) -> None:
    """The Operation as it would be created; in the context's namespace, unless one was named."""
    import json

    from gitops import yaml

    where = shell.settings.namespace
    metadata = {**manifest["metadata"], **({"namespace": where} if where else {})}
    manifest = {**manifest, "metadata": metadata}
    text = json.dumps(manifest, indent=2, ensure_ascii=False) if output == "json" else yaml.dump_all([manifest])
    # Byte for byte: an answer would lose what a terminal must not see, and the script would be another one.
    shell.console.transcript(text.rstrip("\n").encode().split(b"\n"))


async def run(shell: _shell.Shell, options: _specification.Options, manifest: Manifest, stay: Stay) -> int:
    """Create the Operation; with --follow or --wait stay until it ended."""
    from gitops_cli import _accompany, _operations, _wiring

    async with _wiring.connected(shell) as connection:
        where = _operations.namespace(shell, connection)
        await _check_pool(connection, where, options.pool)
        operation = await _create(connection, where, manifest)
        if not (stay.follow or stay.wait):
            _accompany.show(shell, operation, output=stay.output)
            return 0
        company = _accompany.Company(
            shell=shell,
            connection=connection,
            operation=operation,
            follow=stay.follow,
            output=stay.output,
            script_code=stay.exit_code == "script",
        )
        return await _accompany.accompany(company)


async def _check_pool(connection: cluster.Cluster, where: str, pool: str) -> None:
    """Say at once that a pool does not exist, if we may look; the worker would say it later."""
    from gitops import api, errors

    try:
        listing = await connection.objects.list(await connection.objects.resource(api.API_VERSION, "WorkerPool"), where)
    except (errors.ClusterDenied, errors.KindUnknown):
        return
    names = sorted(item["metadata"]["name"] for item in listing.items)
    if pool not in names:
        raise errors.ConfigError(
            f"no pool {pool!r} in namespace {where}",
            cause=f"it has {', '.join(names)}" if names else "it has none",
            hint="choose the namespace with -n",
        )


async def _create(connection: cluster.Cluster, where: str, manifest: Manifest) -> api.Operation:
    """POST it; when the answer is lost, look whether it was created, for a second one must not run."""
    import secrets

    import msgspec

    from gitops import api, errors
    from gitops_cli import _operations

    metadata = {**manifest["metadata"], "namespace": where}
    generated = metadata.pop("generateName", "")
    # Made up here and not by the server, so that it can be asked for when the answer is lost.
    metadata.setdefault("name", f"{generated}{secrets.token_hex(4)}")
    resource = await _operations.kind(connection)
    try:
        made = await connection.objects.create(resource, {**manifest, "metadata": metadata})
    except errors.ClusterUnavailable as error:
        found = await connection.objects.get(resource, where, metadata["name"]) if error.ambiguous else None
        # A name of our own choosing is nobody else's; one that a person gave may be.
        if found is None or not generated:
            raise
        made = found
    return msgspec.convert(made, api.Operation)
