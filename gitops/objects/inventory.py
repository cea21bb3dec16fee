"""What a sync owns: the only objects it may ever prune.

Kept in ConfigMaps beside the GitSync, in shards far below the 1 MiB an object may have. Each entry remembers the object
as authored in Git that it was expanded from (a pool is one authored object), for the deletion budget counts those.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from gitops.objects.manifest import Manifest
from gitops.ref import ResourceRef

SHARD_BYTES = 700_000
REVISION = "gitops-worker.io/revision"
SHARDS = "gitops-worker.io/inventory-shards"
LABEL = "gitops-worker.io/inventory"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One owned object: the version it was last written in, and the authored object it belongs to."""

    version: str
    authored: ResourceRef


@dataclass(frozen=True, slots=True, kw_only=True)
class Inventory:
    """Everything a sync owns, and the revision last applied completely (empty: never)."""

    entries: Mapping[ResourceRef, Entry] = field(default_factory=dict)
    revision: str = ""

    def union(self, other: Mapping[ResourceRef, Entry]) -> Inventory:
        """The superset written before anything else is."""
        return Inventory(entries={**self.entries, **other}, revision=self.revision)

    @property
    def authored(self) -> frozenset[ResourceRef]:
        """The objects as authored in Git."""
        return frozenset(entry.authored for entry in self.entries.values())


def shards(inventory: Inventory, *, name: str, namespace: str) -> list[Manifest]:
    """The ConfigMaps that hold an inventory; always at least one, each says how many there are and the revision."""
    pieces = list(_pieces(inventory))
    return [
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {
                "name": shard_name(name, index),
                "namespace": namespace,
                "labels": {LABEL: "shard", "app.kubernetes.io/managed-by": "gitops-worker"},
                "annotations": {REVISION: inventory.revision, SHARDS: str(len(pieces))},
            },
            "data": {"entries": f"[{','.join(piece)}]"},
        }
        for index, piece in enumerate(pieces)
    ]


def _pieces(inventory: Inventory) -> Iterator[list[str]]:
    """The entries in order, as JSON, in pieces that fit into an object."""
    piece: list[str] = []
    size = 0
    for ref, entry in sorted(inventory.entries.items()):
        line = [ref.key, entry.version, entry.authored.key if entry.authored != ref else ""]
        text = json.dumps(line, separators=(",", ":"))
        if piece and size + len(text) > SHARD_BYTES:
            yield piece
            piece, size = [], 0
        piece.append(text)
        size += len(text) + 1
    yield piece


def shard_name(name: str, index: int) -> str:
    """The ConfigMap of a shard."""
    return f"{name}-inventory" if index == 0 else f"{name}-inventory-{index}"


def count(first: Manifest) -> int:
    """How many shards the first one says there are."""
    return int((first["metadata"].get("annotations") or {}).get(SHARDS) or 1)


def read(manifests: Iterable[Manifest]) -> Inventory:
    """The inventory held by its ConfigMaps; an absent one is empty."""
    entries: dict[ResourceRef, Entry] = {}
    revision = ""
    for manifest in manifests:
        revision = ((manifest["metadata"].get("annotations") or {}).get(REVISION)) or revision
        for key, version, authored in json.loads((manifest.get("data") or {}).get("entries") or "[]"):
            ref = ResourceRef.from_key(key)
            entries[ref] = Entry(version=version, authored=ResourceRef.from_key(authored) if authored else ref)
    return Inventory(entries=entries, revision=revision)
