"""What the verbs of `gitops operation` share: finding operations, following one to its end, saying where it stands."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing

import msgspec

from gitops import api, cluster, errors
from gitops.api.operation import Phase
from gitops.pods import marks
from gitops.ports import watch
from gitops.ports.objects import Resource
from gitops.report import redact
from gitops_cli._shell import Shell

FINAL = frozenset({Phase.SUCCEEDED, Phase.FAILED, Phase.CANCELLED, Phase.UNKNOWN})
REFERENCE = "operation.gitops-worker.io"


def namespace(shell: Shell, connection: cluster.Cluster) -> str:
    """Where operations are looked for: -n, else the context's namespace."""
    return shell.settings.namespace or connection.config.namespace or "default"


async def kind(connection: cluster.Cluster) -> Resource:
    """How the cluster serves operations.

    Raises:
        ConfigError: it does not.
    """
    try:
        return await connection.objects.resource(api.API_VERSION, "Operation")
    except errors.KindUnknown as error:
        raise errors.ConfigError(
            "this cluster knows no operations",
            cause=error.message,
            hint="gitops install sets it up; is the context right?",
        ) from error


async def find(connection: cluster.Cluster, where: str, name: str) -> api.Operation:
    """An operation by name; `operation.gitops-worker.io/NAME`, as `run` prints it, will do.

    Raises:
        ConfigError: there is none.
    """
    resource = await kind(connection)
    name = name.removeprefix(f"{REFERENCE}/")
    found = await connection.objects.get(resource, where, name)
    if found is None:
        raise errors.ConfigError(
            f"no operation {name!r} in namespace {where}",
            hint=f"gitops operation list -n {where}",
        )
    return msgspec.convert(found, api.Operation)


def finished(operation: api.Operation) -> bool:
    """Whether it will not change any more."""
    return operation.status.phase in FINAL


async def states(connection: cluster.Cluster, operation: api.Operation) -> AsyncGenerator[api.Operation | None, None]:
    """Every state of an operation from now on, None when it is deleted; ends with it."""
    resource = await kind(connection)
    metadata = operation.metadata
    async with aclosing(connection.watch.watch(resource, metadata.namespace)) as events:
        async for event in events:
            found = _of(event, metadata.uid)
            if isinstance(found, bool):
                if found:
                    yield None
                    return
                continue
            yield found
            if finished(found):
                return


async def begun(connection: cluster.Cluster, operation: api.Operation, phases: frozenset[Phase]) -> api.Operation:
    """The operation once it is in one of these phases, which include the final ones.

    Raises:
        OperationError: it was deleted before.
    """
    async with aclosing(states(connection, operation)) as found:
        async for state in found:
            if state is None:
                break
            if state.status.phase in phases:
                return state
    raise errors.OperationError(f"operation {operation.metadata.name} was deleted before it started")


def _of(event: watch.WatchEvent, uid: str) -> api.Operation | bool:
    """The operation in an event; True if the event says that it is gone, False if it says nothing of it."""
    match event:
        case watch.Synced(items=items):
            mine = next((item for item in items if item["metadata"]["uid"] == uid), None)
            return True if mine is None else msgspec.convert(mine, api.Operation)
        case watch.Put(object=item):
            return msgspec.convert(item, api.Operation) if item["metadata"]["uid"] == uid else False
        case watch.Gone(object=item):
            return bool(item["metadata"]["uid"] == uid)


def stands(operation: api.Operation) -> str:
    """Where it stands, in one line."""
    status = operation.status
    phase = status.phase or Phase.QUEUED
    where = f" on {status.node}" if status.node and phase in {Phase.RUNNING, Phase.STARTING} else ""
    why = ": ".join(part for part in (status.reason if status.reason != phase else "", status.message) if part)
    return redact.plain(f"{phase}{where}{f' ({why})' if why else ''}")


def attempt(operation: api.Operation) -> int:
    """Number of the attempt that runs, or ran last."""
    claim = operation.status.claim
    return claim.attempt if claim is not None else max(len(operation.status.attempts), 1)


def log_name(operation: api.Operation, number: int = 0) -> str:
    """Under which name the worker keeps the log of an attempt; 0 is the last one."""
    return marks.log_name(operation.metadata.uid, number or attempt(operation))


def log_gap(operation: api.Operation) -> str:
    """What is known to be missing from a finished operation's log, or not known at all; empty if it is whole."""
    log = operation.status.log
    if not finished(operation) or log is None or log.complete:
        return ""
    return f"log incomplete: {log.missing} lines missing" if log.missing else "log: completeness unknown"


def verdict(operation: api.Operation | None) -> int:
    """The exit code a person's command ends with: 0 if it succeeded, else 1."""
    return 0 if operation is not None and operation.status.phase == Phase.SUCCEEDED else 1
