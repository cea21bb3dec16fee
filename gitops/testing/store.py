"""The memory behind the fakes: objects by address, one growing revision, and whoever listens to changes."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import msgspec

from gitops.objects import Manifest
from gitops.ports.objects import Resource

Address = tuple[str, str, str, str]
"""Group, kind, namespace, name."""


@dataclass(frozen=True, slots=True)
class Stored:
    """An object was written, or deleted if `gone`; `before` is what was there."""

    address: Address
    object: Manifest
    before: Manifest | None
    gone: bool = False


Listener = Callable[[Stored], None]


class Store:
    """What etcd is to the API server. Values are copied on the way in and out."""

    def __init__(self) -> None:
        self._objects: dict[Address, Manifest] = {}
        self._listeners: list[Listener] = []
        self.revision = 0

    def get(self, address: Address) -> Manifest | None:
        """The object, or None."""
        found = self._objects.get(address)
        return copy(found) if found is not None else None

    def of_kind(self, resource: Resource, namespace: str) -> Iterator[Manifest]:
        """All objects of a kind, in the order of their addresses."""
        for address in sorted(self._objects):
            group, kind, where, _ = address
            if (group, kind) == (resource.group, resource.kind) and namespace in {"", where}:
                yield copy(self._objects[address])

    def all(self, wanted: Callable[[Address, Manifest], bool] = lambda *_: True) -> Iterator[tuple[Address, Manifest]]:
        """Everything that is `wanted`."""
        for address in sorted(address for address, item in self._objects.items() if wanted(address, item)):
            yield address, copy(self._objects[address])

    def put(self, address: Address, manifest: Manifest) -> Manifest:
        """Write under the next revision; a new object gets its uid."""
        before = self._objects.get(address)
        stored = copy(manifest)
        self.revision += 1
        metadata = stored["metadata"]
        metadata["resourceVersion"] = str(self.revision)
        metadata["uid"] = before["metadata"]["uid"] if before else str(uuid.UUID(int=self.revision + (1 << 100)))
        self._objects[address] = stored
        self._tell(Stored(address, stored, before))
        return copy(stored)

    def drop(self, address: Address) -> None:
        """Delete."""
        before = self._objects.pop(address)
        self.revision += 1
        last = copy(before)
        last["metadata"]["resourceVersion"] = str(self.revision)
        self._tell(Stored(address, last, before, gone=True))

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Call `listener` with every change from now on, until the returned function is called."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def _tell(self, change: Stored) -> None:
        for listener in tuple(self._listeners):
            listener(change)


def copy(manifest: Manifest) -> Manifest:
    """A copy that shares nothing; what is not JSON fails here, as it would on the wire."""
    copied: Manifest = msgspec.json.decode(msgspec.json.encode(manifest))
    return copied


def address_of(resource: Resource, namespace: str, name: str) -> Address:
    """Where an object lies."""
    return (resource.group, resource.kind, namespace if resource.namespaced else "", name)
