"""`gitops operation run`: a script, or a command, in a pod of its own."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gitops_cli import _edge, _options, _shell

if TYPE_CHECKING:
    from gitops import api, cluster

LARGEST = 262_144
"""Bytes of a script: the schema's limit, for it travels inside the pod object."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The command line, parsed. `file` is empty for a command, `-` for stdin."""

    pool: str
    file: str
    words: tuple[str, ...]
    name: str
    env: tuple[str, ...]
    interpreter: str
    timeout: str
    step: str
    labels: tuple[str, ...]
    image: str
    service_account: str
    platform: str
    priority: int
    mutex: str
    shared: bool
    idempotent: bool
    ttl: str
    resources: tuple[str, ...]
    limits: tuple[str, ...]
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

\b
Exit codes: 0 created, or with --follow or --wait succeeded; 1 it did not succeed;
with --exit-code=script the script's own.
""",
)
@click.option("--pool", required=True, metavar="NAME", help="WorkerPool to run on.")
@click.option("-f", "--file", metavar="SCRIPT", default="", help="Script to run; - is stdin.")
@click.option("--name", metavar="NAME", default="", help="Name of the Operation; default: the pool's, and digits.")
@click.option("--env", "-e", metavar="K=V", multiple=True, help="Environment variable; never a secret. Repeatable.")
@click.option("--interpreter", metavar="COMMAND", default="", help="Default: the script's #! line, else /bin/sh.")
@click.option("--timeout", metavar="DURATION", default="", help="For the script's run; default: the pool's.")
@click.option("--step", metavar="NAME", default="", help="What it is a run of: usage is kept by step, see `pool top`.")
@click.option("--label", "labels", metavar="K=V", multiple=True, help="Label of the Operation. Repeatable.")
@click.option("--image", metavar="IMAGE", default="", help="Instead of the pool's, which must allow it.")
@click.option("--service-account", metavar="NAME", default="", help="Instead of the pool's, which must allow it.")
@click.option("--platform", type=click.Choice(["linux/amd64", "linux/arm64"]), default=None, help="Of its node.")
@click.option("--request", "resources", metavar="K=V", multiple=True, help="Resource request: cpu=2. Repeatable.")
@click.option("--limit", "limits", metavar="K=V", multiple=True, help="Resource limit: memory=4Gi. Repeatable.")
@click.option("--priority", type=click.IntRange(-1000, 1000), default=0, help="The higher goes first in its pool.")
@click.option("--mutex", metavar="NAME", default="", help="Does not run beside others that name it.")
@click.option("--shared", is_flag=True, help="With --mutex: runs beside others that share it.")
@click.option("--idempotent", is_flag=True, help="May be started again when the cluster ended it midway.")
@click.option("--ttl", metavar="DURATION", default="", help="The Operation is deleted so long after its end.")
@click.option("--follow", is_flag=True, help="Print its output as it comes, and end with its verdict.")
@click.option("--wait", is_flag=True, help="Wait for its verdict.")
@click.option(
    "--exit-code",
    type=click.Choice(["verdict", "script"]),
    default="verdict",
    show_default=True,
    help="End with 0 or 1, or with the script's own code.",
)
@_options.output("name", "json")
@click.argument("words", nargs=-1, metavar="[-- COMMAND...]")
@click.pass_context
def command(context: click.Context, /, **given: Any) -> None:
    """Run a script, or a COMMAND, on a pool."""
    options = Options(**given)
    if not options.file and not options.words:
        raise click.UsageError("say what to run: -f SCRIPT, or -- COMMAND")
    context.exit(_edge.start(run(_shell.of(context), options)))


async def run(shell: _shell.Shell, options: Options) -> int:
    """Create the Operation; with --follow or --wait stay until it ended."""
    from gitops_cli import _accompany, _operations, _wiring

    spec = specification(options, script(options.file) if options.file else "")
    async with _wiring.connected(shell) as connection:
        where = _operations.namespace(shell, connection)
        await _check_pool(connection, where, options.pool)
        operation = await _create(connection, where, options, spec)
        if not (options.follow or options.wait):
            _accompany.show(shell, operation, output=options.output)
            return 0
        company = _accompany.Company(
            shell=shell,
            connection=connection,
            operation=operation,
            follow=options.follow,
            output=options.output,
            script_code=options.exit_code == "script",
        )
        return await _accompany.accompany(company)


def script(file: str) -> str:
    """The text of a script file, or of stdin.

    Raises:
        ConfigError: it cannot be read, is no text, or is too large.
    """
    from gitops import errors

    try:
        content = sys.stdin.buffer.read(LARGEST + 1) if file == "-" else Path(file).read_bytes()
        text = content.decode()
    except OSError as error:
        raise errors.ConfigError(f"cannot read {file}", cause=error.strerror or str(error)) from error
    except UnicodeDecodeError as error:
        raise errors.ConfigError(f"{file} is no text", cause=str(error), hint="a script is UTF-8") from error
    if len(content) > LARGEST:
        raise errors.ConfigError(
            f"{file} is too large",
            cause=f"a script may have {LARGEST} bytes",
            hint="put it into the pool's image, or fetch it",
        )
    if not text.strip():
        raise errors.ConfigError(f"{file} is empty")
    return text


def specification(options: Options, text: str) -> dict[str, Any]:
    """The Operation's spec. A command is run by a script of one line, so that no word is split or expanded again.

    Raises:
        ConfigError: an environment variable is not written NAME=VALUE, or the timeout is no duration.
    """
    spec: dict[str, Any] = {"pool": options.pool, "script": text or 'exec "$@"\n'}
    if options.words:
        spec["arguments"] = list(options.words)
    interpreter = shlex.split(options.interpreter) or _shebang(text)
    if interpreter:
        spec["interpreter"] = interpreter
    if options.env:
        spec["env"] = [
            {"name": name, "value": value}
            for name, value in _pairs(options.env, "environment variable", "--env").items()
        ]
    return spec | _choices(options)


def _choices(options: Options) -> dict[str, Any]:
    """What differs from the pool's own.

    Raises:
        ConfigError: a duration is none, a pair is not written NAME=VALUE, or --shared has no mutex.
    """
    from gitops import errors
    from gitops.api import duration

    for given in (options.timeout, options.ttl):
        if given:
            duration.seconds(given)
    if options.shared and not options.mutex:
        raise errors.ConfigError("--shared says how a mutex is held", hint="name it with --mutex")
    resources = {
        "requests": _pairs(options.resources, "resource request", "--request"),
        "limits": _pairs(options.limits, "resource limit", "--limit"),
    }
    chosen: dict[str, Any] = {
        "timeout": options.timeout,
        "image": options.image,
        "serviceAccount": options.service_account,
        "platform": options.platform,
        "priority": options.priority,
        "mutex": {"name": options.mutex, "mode": "shared" if options.shared else "exclusive"} if options.mutex else {},
        "idempotent": options.idempotent,
        "ttlAfterFinished": options.ttl,
        "resources": {name: found for name, found in resources.items() if found},
    }
    return {name: value for name, value in chosen.items() if value}


def labels(options: Options) -> dict[str, str]:
    """The Operation's labels.

    Raises:
        ConfigError: one is not written NAME=VALUE.
    """
    from gitops.pods import marks

    found = dict(_pairs(options.labels, "label", "--label"))
    return found | ({marks.STEP: options.step} if options.step else {})


def _shebang(text: str) -> list[str]:
    first = text.partition("\n")[0].strip()
    return shlex.split(first[2:]) if first.startswith("#!") else []


def _pairs(given: tuple[str, ...], what: str, option: str) -> Mapping[str, str]:
    from gitops import errors

    found: dict[str, str] = {}
    for each in given:
        name, equals, value = each.partition("=")
        if not name or not equals:
            article = "an" if what[0] in "aeiou" else "a"
            raise errors.ConfigError(f"not {article} {what}: {name!r}", hint=f"write {option} NAME=VALUE")
        found[name] = value
    return found


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


async def _create(connection: cluster.Cluster, where: str, options: Options, spec: Mapping[str, Any]) -> api.Operation:
    """POST it; when the answer is lost, look whether it was created, for a second one must not run."""
    import secrets

    import msgspec

    from gitops import api, errors
    from gitops_cli import _operations

    name = options.name or f"{options.pool[:200]}-{secrets.token_hex(4)}"
    metadata = {"name": name, "namespace": where, "labels": labels(options)}
    manifest = {"apiVersion": api.API_VERSION, "kind": "Operation", "metadata": metadata, "spec": dict(spec)}
    resource = await _operations.kind(connection)
    try:
        made = await connection.objects.create(resource, manifest)
    except errors.ClusterUnavailable as error:
        found = await connection.objects.get(resource, where, name) if error.ambiguous else None
        # A name of our own choosing is nobody else's; one that a person gave may be.
        if found is None or options.name:
            raise
        made = found
    return msgspec.convert(made, api.Operation)
