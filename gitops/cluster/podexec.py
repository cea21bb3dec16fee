"""The PodExec port: the WebSocket form of `pods/exec`.

Subprotocol `v4.channel.k8s.io`: binary messages whose first byte is the channel, 0 standard input, 1 standard output,
2 standard error, 3 the command's end as a Status object. Standard input has no end of its own.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from dataclasses import dataclass

import aiohttp
import msgspec

from gitops.cluster.http import Http
from gitops.cluster.podlogs import PODS
from gitops.cluster.request import Request, path_of
from gitops.errors import ClusterUnavailable
from gitops.ref import ResourceRef

_PROTOCOLS = ("v4.channel.k8s.io",)
_STDIN, _STDOUT, _STDERR, _END = b"\0", 1, 2, 3
_KEPT = 2048


class ServerPodExec:
    """Commands in containers of one cluster."""

    def __init__(self, http: Http) -> None:
        self._http = http

    async def run(
        self, namespace: str, pod: str, container: str, command: Sequence[str]
    ) -> AsyncGenerator[bytes, None]:
        """See `gitops.ports.podexec.PodExec`."""
        request = _request(namespace, pod, container, command)
        async with (
            self._http.websocket(request, _PROTOCOLS) as socket,
            contextlib.aclosing(_Ear(request.what, socket).hear()) as output,
        ):
            async for part in output:
                yield part

    async def send(
        self, namespace: str, pod: str, container: str, command: Sequence[str], content: AsyncIterator[bytes]
    ) -> None:
        """See `gitops.ports.podexec.PodExec`."""
        request = _request(namespace, pod, container, command, stdin=True)
        async with self._http.websocket(request, _PROTOCOLS) as socket:
            hearing = asyncio.create_task(_drop(_Ear(request.what, socket).hear()))
            giving = asyncio.create_task(_give(socket, content))
            try:
                await asyncio.wait({hearing, giving}, return_when=asyncio.FIRST_COMPLETED)
                # Where the connection broke, what the command said before is the better reason.
                if giving.done() and not _broke(giving):
                    giving.result()
                await hearing
            finally:
                await _end(giving, hearing)


def _request(namespace: str, pod: str, container: str, command: Sequence[str], *, stdin: bool = False) -> Request:
    return Request(
        method="GET",
        path=path_of(PODS, namespace, pod, "exec"),
        what=f"run {command[0]} in container {container} of pod {namespace}/{pod}",
        query=(
            ("container", container),
            *((("stdin", "true"),) if stdin else ()),
            ("stdout", "true"),
            ("stderr", "true"),
            *(("command", part) for part in command),
        ),
        ref=ResourceRef(group="", kind="Pod", namespace=namespace, name=pod),
    )


@dataclass(slots=True)
class _Ear:
    """What a command answers; `what` finishes the sentence "cannot ..."."""

    what: str
    socket: aiohttp.ClientWebSocketResponse

    async def hear(self) -> AsyncGenerator[bytes, None]:
        """Its standard output, until it ends."""
        complaint = b""
        while True:
            message = await self.socket.receive()
            if message.type is not aiohttp.WSMsgType.BINARY:
                raise ClusterUnavailable(f"cannot {self.what}", cause="the connection broke before the command ended")
            channel, data = message.data[0], message.data[1:]
            if channel == _STDOUT and data:
                yield bytes(data)
            elif channel == _STDERR:
                complaint = (complaint + data)[:_KEPT]
            elif channel == _END:
                _check(self.what, bytes(data), complaint)
                return


async def _give(socket: aiohttp.ClientWebSocketResponse, content: AsyncIterator[bytes]) -> None:
    async for part in content:
        # Waits while the command does not read: nothing piles up here.
        await socket.send_bytes(_STDIN + part)
        # And neither does a connection that broke: the loop must get to tell so.
        await asyncio.sleep(0)


async def _drop(output: AsyncGenerator[bytes, None]) -> None:
    async with contextlib.aclosing(output) as parts:
        async for _ in parts:
            pass


def _broke(giving: asyncio.Task[None]) -> bool:
    return not giving.cancelled() and isinstance(giving.exception(), aiohttp.ClientError | OSError)


async def _end(*tasks: asyncio.Task[None]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _check(what: str, end: bytes, complaint: bytes) -> None:
    # A Status object without its kind.
    found = msgspec.json.decode(end or b"{}")
    if found.get("status") != "Success":
        words = str(found.get("message") or "it failed")
        said = complaint.decode("utf-8", "replace").strip()
        raise ClusterUnavailable(f"cannot {what}", cause=f"{words}: {said}" if said else words, status=found)
