"""`gitops operation list`."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime

import click

from gitops_cli import _edge, _options, _shell


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The command line, parsed."""

    pool: str
    everywhere: bool
    output: str


@click.command(
    epilog="""\
\b
Examples:
  gitops operation list
  gitops operation list -A --pool linux
  gitops operation list | awk -F'\\t' '$3 == "Failed" {print $1}'
"""
)
@click.option("--pool", metavar="NAME", default="", help="Only those of this pool.")
@click.option("-A", "--all-namespaces", "everywhere", is_flag=True, help="Of all namespaces.")
@_options.output("table", "json", "name")
@click.pass_context
def command(context: click.Context, pool: str, output: str, *, everywhere: bool) -> None:
    """List operations, the newest last."""
    options = Options(pool=pool, everywhere=everywhere, output=output)
    context.exit(_edge.start(run(_shell.of(context), options)))


async def run(shell: _shell.Shell, options: Options) -> int:
    """Read and print."""
    import msgspec

    from gitops import api
    from gitops_cli import _operations, _queue, _wiring

    async with _wiring.connected(shell) as connection:
        where = "" if options.everywhere else _operations.namespace(shell, connection)
        listing = await connection.objects.list(await _operations.kind(connection), where)
        now = connection.clock.now()
        everything = [msgspec.convert(item, api.Operation) for item in listing.items]
        waits = await _queue.waits(connection, where, everything) if options.output == "table" else {}
    items = [item for item in listing.items if options.pool in {"", item["spec"].get("pool")}]
    items.sort(key=lambda item: (item["metadata"]["creationTimestamp"], item["metadata"]["name"]))
    if options.output == "json":
        document = {"apiVersion": api.API_VERSION, "kind": "OperationList", "items": items}
        shell.console.answer(json.dumps(document, indent=2, ensure_ascii=False))
        return 0
    found = [msgspec.convert(item, api.Operation) for item in items]
    if options.output == "name":
        for one in found:
            shell.console.answer(f"{_operations.REFERENCE}/{one.metadata.name}")
        return 0
    header = ["NAME", "POOL", "PHASE", "REASON", "EXIT", "NODE", "AGE"]
    rows = [_row(one, now, waits.get(one.metadata.uid, "")) for one in found]
    if options.everywhere:
        header = ["NAMESPACE", *header]
        rows = [[one.metadata.namespace, *row] for one, row in zip(found, rows, strict=True)]
    shell.console.table(header, rows)
    if not rows:
        shell.console.note(f"no operations{f' in {where}' if where else ''}")
    return 0


def _row(operation: object, now: datetime, waits: str) -> list[str]:
    from gitops import api
    from gitops.api.operation import Phase

    assert isinstance(operation, api.Operation)  # noqa: S101 - for the type checker; the API types load late
    status = operation.status
    return [
        operation.metadata.name,
        operation.spec.pool,
        status.phase or Phase.QUEUED,
        waits or status.reason,
        "" if status.exit_code is None else str(status.exit_code),
        status.node,
        age(operation.metadata.creation_timestamp, now),
    ]


def age(since: str, now: datetime) -> str:
    """How long ago, in the two largest units: 3d4h, 2m, 15s."""
    seconds = max(0, int((now - datetime.fromisoformat(since)).total_seconds()))
    minutes, hours, days = seconds // 60, seconds // 3600, seconds // 86400
    if days:
        return f"{days}d{hours % 24}h" if days < 10 else f"{days}d"  # noqa: PLR2004
    if hours:
        return f"{hours}h{minutes % 60}m"
    return f"{minutes}m" if minutes > 2 else f"{seconds}s"  # noqa: PLR2004
