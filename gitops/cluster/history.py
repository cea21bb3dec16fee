"""The History port: a watch that starts in the past and ends as soon as the present is reached.

All kinds of a cluster share one count of revisions, so the version at which an Operation was claimed is a point in the
history of its pod, too. The watch cache holds at least the last 75 seconds; what is older is answered with 410.
"""

from __future__ import annotations

import msgspec

from gitops.cluster import status
from gitops.cluster.http import Http
from gitops.cluster.request import Request, path_of
from gitops.errors import ClusterError
from gitops.ports.history import Past
from gitops.ports.objects import Resource

SECONDS = 1
"""What lies in the past is sent at once; the server ends the watch after this."""
_SILENCE = 20.0


class ServerHistory:
    """The recent past of one cluster."""

    def __init__(self, http: Http) -> None:
        self._http = http

    async def deleted(self, resource: Resource, namespace: str, name: str, *, since: str) -> Past:
        """See `gitops.ports.history.History`."""
        if not since:
            return Past(known=False)
        request = Request(
            method="GET",
            path=path_of(resource, namespace),
            what=f"look for a deleted {resource.kind} {namespace}/{name}",
            query=(
                ("watch", "true"),
                ("resourceVersion", since),
                ("fieldSelector", f"metadata.name={name}"),
                ("timeoutSeconds", str(SECONDS)),
            ),
        )
        body = b""
        try:
            async with self._http.stream(request, silence=_SILENCE) as chunks:
                async for chunk in chunks:
                    body += chunk
        except status.Expired:
            return Past(known=False)
        return _read(request, body)


def _read(request: Request, body: bytes) -> Past:
    last = None
    for line in body.splitlines():
        event = msgspec.json.decode(line)
        if event["type"] == "ERROR":
            error: ClusterError = status.error_of(request, int(event["object"].get("code") or 500), event["object"])
            if isinstance(error, status.Expired):
                return Past(known=False)
            raise error
        if event["type"] == "DELETED":
            last = event["object"]
    return Past(known=True, last=last)
