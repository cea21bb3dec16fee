"""What the verbs of `gitops pool` share that look into a cluster: finding pools, and figures as people read them."""

from __future__ import annotations

from dataclasses import asdict
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import msgspec

from gitops import api, cluster, errors
from gitops.ports.objects import Resource
from gitops_cli import _operations
from gitops_cli._shell import Shell

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

MEBI = 1 << 20


async def kind(connection: cluster.Cluster) -> Resource:
    """How the cluster serves pools.

    Raises:
        ConfigError: it does not.
    """
    try:
        return await connection.objects.resource(api.API_VERSION, "WorkerPool")
    except errors.KindUnknown as error:
        raise errors.ConfigError(
            "this cluster knows no pools", cause=error.message, hint="gitops install sets it up; is the context right?"
        ) from error


async def find(
    shell: Shell, connection: cluster.Cluster, wanted: tuple[str, ...], *, everywhere: bool = False
) -> list[api.WorkerPool]:
    """The pools of these names; all of them without any.

    Raises:
        ConfigError: there is no pool of one of the names.
    """
    where = "" if everywhere else _operations.namespace(shell, connection)
    listing = await connection.objects.list(await kind(connection), where)
    pools = [msgspec.convert(item, api.WorkerPool) for item in listing.items]
    names = {pool.metadata.name for pool in pools}
    for name in wanted:
        if name not in names:
            known = f"there are: {', '.join(sorted(names))}" if names else f"kubectl get workerpools -n {where}"
            raise errors.ConfigError(f"no pool {name!r} in namespace {where or 'any'}", hint=known)
    return [pool for pool in pools if not wanted or pool.metadata.name in wanted]


def cores(millicores: int) -> str:
    """CPU as in a request: 250m, 2."""
    return f"{millicores}m" if millicores % 1000 else str(millicores // 1000)


def memory(size: int) -> str:
    """Bytes as in a request, rounded up to a MiB."""
    return f"{-(-size // MEBI)}Mi"


def document(figures: DataclassInstance) -> dict[str, Any]:
    """Figures as JSON data."""
    return _document(asdict(figures))


def _document(value: dict[str, Any]) -> dict[str, Any]:
    return {_camel(name): _plain(one) for name, one in value.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return _document(value)
    return float(value) if isinstance(value, Decimal) else value


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part.title() for part in rest)
