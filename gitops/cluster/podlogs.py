"""The PodLogs port over HTTP: each follower has a connection of its own, taken from no pool that requests need."""

from __future__ import annotations

from collections.abc import AsyncGenerator

from gitops.cluster.http import Http
from gitops.cluster.request import Request, path_of
from gitops.ports.objects import Resource
from gitops.ref import ResourceRef

PODS = Resource(group="", version="v1", kind="Pod", plural="pods", namespaced=True)
"""Served by every cluster since the first: not worth a look-up."""

SILENCE = 80.0
"""Seconds without a byte after which a follower gives the connection up; the runner sends a heartbeat every 30."""


class ServerPodLogs:
    """Container logs of one cluster."""

    def __init__(self, http: Http, *, silence: float = SILENCE) -> None:
        self._http = http
        self._silence = silence

    async def read(
        self, namespace: str, pod: str, container: str, *, follow: bool = True
    ) -> AsyncGenerator[bytes, None]:
        """See `gitops.ports.podlogs.PodLogs`."""
        query = {"container": container, "follow": "true" if follow else ""}
        request = Request(
            method="GET",
            path=path_of(PODS, namespace, pod, "log"),
            what=f"read the log of container {container} in pod {namespace}/{pod}",
            query=tuple((key, value) for key, value in query.items() if value),
            accept="*/*",
            ref=ResourceRef(group="", kind="Pod", namespace=namespace, name=pod),
        )
        async with self._http.stream(request, silence=self._silence) as chunks:
            async for chunk in chunks:
                yield chunk
