"""The PodExec port: the WebSocket form of `pods/exec`.

Subprotocol `v4.channel.k8s.io`: binary messages whose first byte is the channel, 1 standard output, 2 standard error,
3 the command's end as a Status object.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence

import aiohttp
import msgspec

from gitops.cluster.http import Http
from gitops.cluster.podlogs import PODS
from gitops.cluster.request import Request, path_of
from gitops.errors import ClusterUnavailable
from gitops.ref import ResourceRef

_PROTOCOLS = ("v4.channel.k8s.io",)
_STDOUT, _STDERR, _END = 1, 2, 3
_KEPT = 2048


class ServerPodExec:
    """Commands in containers of one cluster."""

    def __init__(self, http: Http) -> None:
        self._http = http

    async def run(
        self, namespace: str, pod: str, container: str, command: Sequence[str]
    ) -> AsyncGenerator[bytes, None]:
        """See `gitops.ports.podexec.PodExec`."""
        what = f"run {command[0]} in container {container} of pod {namespace}/{pod}"
        request = Request(
            method="GET",
            path=path_of(PODS, namespace, pod, "exec"),
            what=what,
            query=(
                ("container", container),
                ("stdout", "true"),
                ("stderr", "true"),
                *(("command", part) for part in command),
            ),
            ref=ResourceRef(group="", kind="Pod", namespace=namespace, name=pod),
        )
        complaint = b""
        async with self._http.websocket(request, _PROTOCOLS) as socket:
            while True:
                message = await socket.receive()
                if message.type is not aiohttp.WSMsgType.BINARY:
                    raise ClusterUnavailable(f"cannot {what}", cause="the connection broke before the command ended")
                channel, data = message.data[0], message.data[1:]
                if channel == _STDOUT and data:
                    yield bytes(data)
                elif channel == _STDERR:
                    complaint = (complaint + data)[:_KEPT]
                elif channel == _END:
                    _check(what, bytes(data), complaint)
                    return


def _check(what: str, end: bytes, complaint: bytes) -> None:
    # A Status object without its kind.
    found = msgspec.json.decode(end or b"{}")
    if found.get("status") != "Success":
        words = str(found.get("message") or "it failed")
        said = complaint.decode("utf-8", "replace").strip()
        raise ClusterUnavailable(f"cannot {what}", cause=f"{words}: {said}" if said else words, status=found)
