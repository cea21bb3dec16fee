"""The Watch port over HTTP: list, then follow, for ever.

What a watch must survive: a history that was compacted (410, as an HTTP status or inside the stream, or only as a quick
empty close), a connection that went silent, a server that asks for patience. After each nothing is missed: either the
stream goes on from the last version seen, or a complete list replaces what was known.
"""

from __future__ import annotations

import random
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import msgspec

from gitops.cluster import status
from gitops.cluster.http import Http
from gitops.cluster.objects import ServerObjects
from gitops.cluster.request import Request, path_of
from gitops.cluster.retry import Backoff
from gitops.errors import ClusterDenied, ClusterError, ClusterUnavailable
from gitops.objects import Manifest
from gitops.ports.clock import Clock
from gitops.ports.objects import Resource
from gitops.ports.watch import Gone, Put, Synced, WatchEvent, nobody

_DECODE = msgspec.json.Decoder(dict[str, Any]).decode


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """Seconds. The server sends a bookmark about every 60, so a silence longer than that is a dead connection."""

    silence: float = 80.0
    shortest: float = 240.0
    longest: float = 360.0
    """The server ends a watch after a random time between these two, so that many watches do not end together."""
    quick: float = 2.0
    """A watch that ends sooner and empty may mean that history is gone: some servers close instead of saying 410."""
    healthy: float = 60.0
    """A watch that lasted this long starts the pauses between failures over."""
    first: float = 0.2
    most: float = 30.0


@dataclass(slots=True)
class _State:
    """One watch, through all its connections."""

    resource: Resource
    namespace: str
    labels: str
    backoff: Backoff
    heard: Callable[[], None]
    version: str = ""
    opened: float | None = None
    events: int = 0


class Reflector:
    """Watches of one cluster; `clock` paces the pauses and judges how long a connection lasted."""

    def __init__(self, http: Http, objects: ServerObjects, clock: Clock, patience: Patience | None = None) -> None:
        self._http = http
        self._objects = objects
        self._clock = clock
        self._patience = patience or Patience()

    async def watch(
        self, resource: Resource, namespace: str = "", *, labels: str = "", heard: Callable[[], None] = nobody
    ) -> AsyncGenerator[WatchEvent, None]:
        """See `gitops.ports.watch.Watch`."""
        backoff = Backoff(first=self._patience.first, longest=self._patience.most)
        state = _State(resource, namespace, labels, backoff, heard)
        while True:
            state.opened, state.events = None, 0
            error: ClusterError | None = None
            try:
                async with aclosing(self._connect(state)) as events:
                    async for event in events:
                        yield event
            except ClusterDenied:
                raise
            except ClusterError as failure:
                error = failure
            pause = self._reconsider(state, error)
            if pause:
                await self._clock.sleep(pause)

    async def _connect(self, state: _State) -> AsyncGenerator[WatchEvent, None]:
        if not state.version:
            listing = await self._objects.list(state.resource, state.namespace, labels=state.labels)
            state.version = listing.resource_version
            state.heard()
            yield Synced(listing.items)
        state.opened = self._clock.monotonic()
        async with aclosing(self._follow(state)) as events:
            async for event in events:
                yield event

    def _reconsider(self, state: _State, error: ClusterError | None) -> float:
        """After a connection: whether the version still stands, and how long to pause."""
        lasted = self._clock.monotonic() - state.opened if state.opened is not None else 0.0
        if lasted >= self._patience.healthy:
            state.backoff.reset()
        if error is None and lasted >= self._patience.quick:
            return 0.0
        if isinstance(error, ClusterUnavailable):
            return max(state.backoff.pause(), error.retry_after)
        # Expired, a kind that is not served now, something odd, or a close so quick that it may stand for "expired".
        if error is not None or not state.events:
            state.version = ""
        return state.backoff.pause()

    async def _follow(self, state: _State) -> AsyncGenerator[WatchEvent, None]:
        request = self._request(state)
        async with self._http.stream(request, silence=self._patience.silence) as chunks:
            state.heard()
            async for line in _lines(chunks):
                state.events += 1
                state.heard()
                event = _DECODE(line)
                seen: Manifest = event["object"]
                if event["type"] == "ERROR":
                    raise status.error_of(request, int(seen.get("code") or HTTPStatus.INTERNAL_SERVER_ERROR), seen)
                state.version = seen["metadata"]["resourceVersion"]
                match event["type"]:
                    case "ADDED" | "MODIFIED":
                        yield Put(seen)
                    case "DELETED":
                        yield Gone(seen)
                    case _:
                        pass  # a bookmark carries nothing but the version

    def _request(self, state: _State) -> Request:
        seconds = random.uniform(self._patience.shortest, self._patience.longest)  # noqa: S311 - spreads load
        query = {
            "watch": "1",
            "allowWatchBookmarks": "true",
            "resourceVersion": state.version,
            "timeoutSeconds": str(max(1, round(seconds))),
            "labelSelector": state.labels,
        }
        return Request(
            method="GET",
            path=path_of(state.resource, state.namespace),
            what=f"watch {state.resource.kind}",
            query=tuple((key, value) for key, value in query.items() if value),
        )


async def _lines(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Whole lines. What follows the last newline when the stream ends was cut off and is dropped: it comes again."""
    rest = bytearray()
    async for chunk in chunks:
        rest += chunk
        if b"\n" not in chunk:
            continue
        *lines, last = bytes(rest).split(b"\n")
        rest = bytearray(last)
        for line in lines:
            if line:
                yield line
