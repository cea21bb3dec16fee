"""A connection to a port inside a pod, loopback ports included, through the API server: RBAC decides who gets one.

The WebSocket form of `pods/portforward` with subprotocol `v4.channel.k8s.io`: binary messages whose first byte is the
channel, 0 data and 1 error, each opened by the server with the port as two bytes. The account needs `get` on
`pods/portforward`, and from Kubernetes 1.35 `create` as well. Neither side can close one direction alone.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass

import aiohttp

from gitops.cluster.http import Http
from gitops.cluster.podlogs import PODS
from gitops.cluster.request import Request, path_of
from gitops.errors import ClusterUnavailable
from gitops.ref import ResourceRef

_PROTOCOLS = ("v4.channel.k8s.io",)
_DATA, _ERROR = 0, 1
_PORT_BYTES = 2
_MESSAGE = 32 * 1024
_HEAD_LIMIT = 64 * 1024
_END_OF_HEAD = b"\r\n\r\n"


class PortStream:
    """One forwarded connection."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse, where: str) -> None:
        self._socket = socket
        self._where = where
        self._opened: set[int] = set()

    async def read(self) -> bytes:
        """What came next; empty at the end.

        Raises:
            ClusterUnavailable: nobody listens on the port, or the connection broke.
        """
        while True:
            message = await self._socket.receive()
            if message.type is not aiohttp.WSMsgType.BINARY:
                return self._ended(message)
            channel, data = message.data[0], message.data[1:]
            if channel not in self._opened:
                self._opened.add(channel)
                data = data[_PORT_BYTES:]
            if channel == _ERROR and data:
                raise ClusterUnavailable(f"cannot talk to {self._where}", cause=data.decode("utf-8", "replace"))
            if channel == _DATA and data:
                return bytes(data)

    async def write(self, data: bytes) -> None:
        """Send; returns when the connection has taken it.

        Raises:
            ClusterUnavailable: the connection broke.
        """
        try:
            for start in range(0, len(data), _MESSAGE):
                await self._socket.send_bytes(bytes([_DATA]) + data[start : start + _MESSAGE])
        except (ConnectionError, aiohttp.ClientError) as error:
            raise ClusterUnavailable(f"cannot talk to {self._where}", cause="the connection broke") from error

    def _ended(self, message: aiohttp.WSMessage) -> bytes:
        if message.type is aiohttp.WSMsgType.ERROR:
            raise ClusterUnavailable(f"cannot talk to {self._where}", cause=str(message.data))
        return b""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """An HTTP answer out of a pod; header names are lower-case, `body` ends when the pod closes."""

    status: int
    headers: Mapping[str, str]
    body: AsyncIterator[bytes]


class PortForward:
    """Ports of pods of one cluster."""

    def __init__(self, http: Http) -> None:
        self._http = http

    @contextlib.asynccontextmanager
    async def open(self, namespace: str, pod: str, port: int) -> AsyncIterator[PortStream]:
        """Connect to a port as a process inside the pod would to 127.0.0.1.

        Raises:
            ObjectMissing: no such pod.
            ClusterDenied: the account may not forward ports.
            ClusterUnavailable: the pod does not run, or the API server cannot reach its node.
        """
        where = f"port {port} of pod {namespace}/{pod}"
        request = Request(
            method="GET",
            path=path_of(PODS, namespace, pod, "portforward"),
            what=f"connect to {where}",
            query=(("ports", str(port)),),
            ref=ResourceRef(group="", kind="Pod", namespace=namespace, name=pod),
        )
        async with self._http.websocket(request, _PROTOCOLS) as socket:
            yield PortStream(socket, where)

    @contextlib.asynccontextmanager
    async def fetch(
        self, namespace: str, pod: str, port: int, target: str, *, headers: Mapping[str, str] | None = None
    ) -> AsyncIterator[Fetched]:
        """GET `target` (path and query) from an HTTP server in the pod, and stream the answer.

        HTTP/1.0 on purpose: the answer then ends with the connection and is never chunked.

        Raises:
            ClusterUnavailable: beside what `open` raises, an answer that is not HTTP.
        """
        async with self.open(namespace, pod, port) as stream:
            lines = [f"GET {target} HTTP/1.0", "Host: localhost", "Connection: close"]
            lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
            await stream.write("\r\n".join([*lines, "", ""]).encode("ascii"))
            yield await _answer(stream, f"port {port} of pod {namespace}/{pod}")


async def _answer(stream: PortStream, where: str) -> Fetched:
    data = b""
    while _END_OF_HEAD not in data:
        chunk = await stream.read()
        data += chunk
        if not chunk or len(data) > _HEAD_LIMIT:
            raise ClusterUnavailable(f"cannot talk to {where}", cause="the answer is not HTTP")
    head, _, rest = data.partition(_END_OF_HEAD)
    first, *fields = head.decode("latin-1").split("\r\n")
    version, _, status = first.partition(" ")
    if not version.startswith("HTTP/1.") or not status[:3].isdigit():
        raise ClusterUnavailable(f"cannot talk to {where}", cause="the answer is not HTTP")
    pairs = (line.partition(":") for line in fields)
    headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
    length = int(headers["content-length"]) if headers.get("content-length", "").isdigit() else None
    return Fetched(status=int(status[:3]), headers=headers, body=_body(stream, rest, length))


async def _body(stream: PortStream, first: bytes, length: int | None) -> AsyncIterator[bytes]:
    # With a length there is no need to see the end: the node's runtime takes a second to pass it on.
    chunk, left = first, length
    while left is None or left > 0:
        chunk = chunk or await stream.read()
        if not chunk:
            return
        yield chunk
        left = None if left is None else left - len(chunk)
        chunk = b""
