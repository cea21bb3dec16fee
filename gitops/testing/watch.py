"""The Watch port in memory: fed by every write to a `FakeObjects`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable

from gitops.ports.objects import Resource
from gitops.ports.watch import Gone, Put, Synced, WatchEvent, nobody
from gitops.testing import selector
from gitops.testing.objects import FakeObjects
from gitops.testing.store import Stored, copy


class FakeWatch:
    """Watches of a fake cluster; nothing is lost between the list and the first event."""

    def __init__(self, objects: FakeObjects) -> None:
        self._objects = objects
        self._watchers: list[asyncio.Queue[Stored | None]] = []
        self.denied: Exception | None = None
        """Raised by every watch begun from now on."""

    def interrupt(self) -> None:
        """Make every watch start over with a list, as after a gap the server could not fill."""
        for queue in self._watchers:
            queue.put_nowait(None)

    @property
    def open(self) -> int:
        """How many watches are open."""
        return len(self._watchers)

    async def watch(
        self, resource: Resource, namespace: str = "", *, labels: str = "", heard: Callable[[], None] = nobody
    ) -> AsyncGenerator[WatchEvent, None]:
        """See `gitops.ports.watch.Watch`."""
        if self.denied:
            raise self.denied
        queue: asyncio.Queue[Stored | None] = asyncio.Queue()
        silence = self._objects.store.listen(queue.put_nowait)
        self._watchers.append(queue)
        try:
            heard()
            yield Synced(self._objects.server.list(resource, namespace, labels).items)
            while True:
                change = await queue.get()
                if change is None:
                    while not queue.empty():
                        queue.get_nowait()
                    yield Synced(self._objects.server.list(resource, namespace, labels).items)
                elif event := _event(change, resource, namespace, labels):
                    heard()
                    yield event
        finally:
            self._watchers.remove(queue)
            silence()


def _event(change: Stored, resource: Resource, namespace: str, labels: str) -> WatchEvent | None:
    group, kind, where, _ = change.address
    if (group, kind) != (resource.group, resource.kind) or (resource.namespaced and namespace not in {"", where}):
        return None
    item = {**copy(change.object), "apiVersion": resource.api_version, "kind": resource.kind}
    before = (change.before or {}).get("metadata") or {}
    if not change.gone and selector.matches(labels, item["metadata"].get("labels") or {}):
        return Put(item)
    # It is gone, or has just left the selector, which the server tells as a deletion too.
    return Gone(item) if before and selector.matches(labels, before.get("labels") or {}) else None
