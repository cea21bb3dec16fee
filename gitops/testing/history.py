"""The History port in memory: remembers every deletion in a `FakeObjects`."""

from __future__ import annotations

from gitops.ports.history import Past
from gitops.ports.objects import Resource
from gitops.testing.objects import FakeObjects
from gitops.testing.store import Address, Stored, address_of, copy


class FakeHistory:
    """`oldest` is the first revision still remembered."""

    def __init__(self, objects: FakeObjects) -> None:
        self.oldest = 0
        self._deleted: dict[Address, Stored] = {}
        objects.store.listen(self._see)

    def _see(self, change: Stored) -> None:
        if change.gone:
            self._deleted[change.address] = change

    async def deleted(self, resource: Resource, namespace: str, name: str, *, since: str) -> Past:
        """See `gitops.ports.history.History`."""
        if not since or int(since) < self.oldest:
            return Past(known=False)
        found = self._deleted.get(address_of(resource, namespace, name))
        if found is None or int(found.object["metadata"]["resourceVersion"]) <= int(since):
            return Past(known=True)
        return Past(known=True, last=copy(found.object))
