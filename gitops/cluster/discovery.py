"""Which kinds the server serves: two requests for everything, asked again only for a kind that is not among them.

Aggregated discovery, https://kubernetes.io/docs/concepts/overview/kubernetes-api/#aggregated-discovery.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from gitops.cluster.http import Http
from gitops.cluster.request import Request
from gitops.errors import KindUnknown
from gitops.objects import group_of
from gitops.ports.clock import Clock
from gitops.ports.objects import Resource

_ACCEPT = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
# A kind may be new, but a person's typing error must not become a request each time it is looked up.
_PATIENCE = 1.0


class Discovery:
    """Looks kinds up; safe to share."""

    def __init__(self, http: Http, clock: Clock) -> None:
        self._http = http
        self._clock = clock
        self._lock = asyncio.Lock()
        self._asked: float | None = None
        self._tags: dict[str, tuple[str, tuple[Resource, ...]]] = {}
        self._kinds: dict[tuple[str, str], Resource] = {}

    async def find(self, api_version: str, kind: str) -> Resource:
        """How the server serves a kind.

        Raises:
            KindUnknown: it does not, as of a second ago.
        """
        key = (api_version, kind)
        found = self._kinds.get(key)
        if found is None and await self._refresh(key):
            found = self._kinds.get(key)
        if found is None:
            raise KindUnknown(
                f"the cluster serves no {kind} in {api_version}", cause=self._instead(key), hint=self._hint(key)
            )
        return found

    async def all(self) -> Sequence[Resource]:
        """Every kind in every version it is served in; the server's preferred version of a group comes first."""
        if self._asked is None:
            await self._refresh(None)
        return tuple(self._kinds.values())

    async def _refresh(self, key: tuple[str, str] | None) -> bool:
        async with self._lock:
            if key in self._kinds:
                return True
            if self._asked is not None and self._clock.monotonic() - self._asked < _PATIENCE:
                return False
            core, groups = await asyncio.gather(self._read("/api"), self._read("/apis"))
            self._kinds = {(resource.api_version, resource.kind): resource for resource in (*core, *groups)}
            self._asked = self._clock.monotonic()
            return True

    async def _read(self, path: str) -> tuple[Resource, ...]:
        tag, known = self._tags.get(path, ("", ()))
        request = Request(
            method="GET",
            path=path,
            what="ask the API server which kinds it serves",
            accept=_ACCEPT,
            headers=(("If-None-Match", tag),) if tag else (),
        )
        answer = await self._http.send(request)
        if answer.status == 304:  # noqa: PLR2004 - not modified
            return known
        resources = tuple(_resources(msgspec.json.decode(answer.body)))
        self._tags[path] = (answer.headers.get("Etag", ""), resources)
        return resources

    def _instead(self, key: tuple[str, str]) -> str:
        others = [version for version, kind in self._kinds if kind == key[1]]
        return f"it serves {key[1]} in {', '.join(others)}" if others else ""

    def _hint(self, key: tuple[str, str]) -> str:
        if any(group_of(version) == group_of(key[0]) for version, _ in self._kinds):
            return "check apiVersion and kind"
        return "is its CustomResourceDefinition installed?"


def _resources(document: Mapping[str, Any]) -> Iterator[Resource]:
    for group in document.get("items") or ():
        for version in group.get("versions") or ():
            # Stale: an aggregated API server that does not answer now; what it last said is still the best guess.
            for entry in version.get("resources") or ():
                kind = (entry.get("responseKind") or {}).get("kind")
                if kind:
                    yield Resource(
                        group=group["metadata"].get("name") or "",
                        version=version["version"],
                        kind=kind,
                        plural=entry["resource"],
                        namespaced=entry.get("scope") == "Namespaced",
                    )
