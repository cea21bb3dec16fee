"""An operation's log, read from the worker that stored it, through the API server (pods/portforward).

The worker serves logs on loopback only, so whoever reads one needs the right to forward to its pod. A broken tunnel or
a restarted worker is no end: the log is asked for again, and what was printed is skipped.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, replace
from urllib.parse import urlencode

from gitops import api, cluster, errors
from gitops.api import names
from gitops.api.operation import Phase
from gitops.objects import Manifest
from gitops.ports.objects import Resource
from gitops.report import redact
from gitops.runner import frames
from gitops.runner.frames import Decoder
from gitops_cli import _operations, _tunnel
from gitops_cli._shell import Shell

READABLE = frozenset({Phase.RUNNING, Phase.FINISHING, *_operations.FINAL})
"""Phases in which a log may exist."""
PORT = 8081
PODS = Resource(group="", version="v1", kind="Pod", plural="pods", namespaced=True)
PATIENCE = 60.0
"""Seconds a worker may be away while a log is followed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Which part of a log: the last `tail` lines (None: all), `since` a time (RFC 3339), `after` a frame.

    `follow`: to its end.
    """

    follow: bool = False
    tail: int | None = None
    since: str = ""
    after: int = 0
    attempt: int = 0
    """Which attempt's log; 0 is the last one's."""

    @property
    def query(self) -> str:
        """It as the worker's server reads it."""
        tail = "" if self.tail is None else str(self.tail)
        given = {
            "follow": "1" if self.follow else "",
            "tail": tail,
            "since": self.since,
            "after": str(self.after or ""),
            "raw": "1",
        }
        return urlencode({key: value for key, value in given.items() if value})


@dataclass(slots=True)
class Progress:
    """How far the printing has come: bytes so far."""

    printed: int = 0


async def print_log(
    shell: Shell,
    connection: cluster.Cluster,
    operation: api.Operation,
    span: Span,
    *,
    progress: Progress | None = None,
    to_answer: bool = True,
) -> None:
    """Print the log line by line, to stdout or (for when stdout has another answer) to stderr.

    Raises:
        ObjectMissing: there is no such log.
        ClusterError: no worker can be reached.
    """
    console = shell.console
    progress = progress or Progress()
    rest = b""
    async with aclosing(_whole(connection, operation, span)) as blocks:
        async for block in blocks:
            progress.printed += len(block)
            *lines, rest = (rest + block).split(b"\n")
            console.transcript(lines, to_answer=to_answer)
    if rest:
        console.transcript([rest], to_answer=to_answer)


async def _whole(connection: cluster.Cluster, operation: api.Operation, span: Span) -> AsyncGenerator[bytes, None]:
    """The log's bytes, through every interruption if it is followed: asked for again from the last frame on."""
    if span.follow and span.tail == 0:
        span = await _from_now(connection, operation, span)
    decoder = Decoder()
    clock = connection.clock
    last = clock.monotonic()
    while True:
        try:
            async with aclosing(_once(connection, operation, span)) as blocks:
                async for block in blocks:
                    found = decoder.feed(block)
                    if found:
                        last = clock.monotonic()
                        yield frames.render(found)
        except (errors.ClusterUnavailable, errors.ObjectMissing):
            if not span.follow or clock.monotonic() - last > PATIENCE:
                raise
            decoder.restart()
            if decoder.last:
                span = replace(span, after=decoder.last, tail=None, since="")
            await clock.sleep(0.5)
        except errors.ClusterDenied as error:
            where = redact.plain(operation.metadata.namespace)
            error.hint = f"to read logs the ClusterRole gitops-worker-logs in namespace {where} is enough"
            raise
        else:
            return


async def _from_now(connection: cluster.Cluster, operation: api.Operation, span: Span) -> Span:
    """Behind what there is now, by the number of its last frame: what comes during a break is not taken for old."""
    decoder = Decoder()
    try:
        async with aclosing(_once(connection, operation, replace(span, follow=False, tail=1))) as blocks:
            async for block in blocks:
                decoder.feed(block)
    except errors.ObjectMissing:
        pass  # nothing yet: all that comes is new
    except errors.ClusterUnavailable:
        return span
    return replace(span, tail=None, since="", after=decoder.last)


async def _once(connection: cluster.Cluster, operation: api.Operation, span: Span) -> AsyncGenerator[bytes, None]:
    path = f"/logs/{_operations.log_name(operation, span.attempt)}?{span.query}"
    what = f"read the log of operation {operation.metadata.name}"
    missing: errors.ObjectMissing | None = None
    for pod in await _workers(connection, operation):
        namespace, name = pod["metadata"]["namespace"], pod["metadata"]["name"]
        try:
            async with connection.ports.open(namespace, name, PORT) as stream:
                async for block in _tunnel.get(stream, path, what=what):
                    yield block
        except errors.ObjectMissing as error:
            missing = error
        else:
            return
    raise missing or errors.ClusterUnavailable(f"cannot {what}", cause="no worker has it")


async def _workers(connection: cluster.Cluster, operation: api.Operation) -> list[Manifest]:
    """Pods of workers, the one that runs the operation first.

    Raises:
        ClusterUnavailable: there is none.
    """
    namespace = operation.metadata.namespace
    found = await connection.objects.list(PODS, namespace, labels=f"app.kubernetes.io/name={names.PROGRAM}")
    pods = [pod for pod in found.items if _runs_operations(pod)]
    if not pods:
        raise errors.ClusterUnavailable(
            f"no worker runs in namespace {namespace}",
            cause="logs are kept by the worker",
            hint=f"kubectl get pods -n {redact.plain(namespace)} -l app.kubernetes.io/name={names.PROGRAM}",
        )
    process = operation.status.claim.worker if operation.status.claim else ""
    pods.sort(key=lambda pod: not process.startswith(f"{pod['metadata']['name']}-"))
    return pods


def _runs_operations(pod: Manifest) -> bool:
    labels = pod["metadata"].get("labels") or {}
    half = labels.get("app.kubernetes.io/component")
    return half != "reconciler" and (pod.get("status") or {}).get("phase") == "Running"
