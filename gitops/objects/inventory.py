"""What a sync owns: the only objects it may ever prune.

Kept in ConfigMaps beside the GitSync, in shards far below the 1 MiB an object may have. Each entry remembers the object
as authored in Git that it was expanded from (a pool is one authored object), for the deletion budget counts those.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from gitops.objects.manifest import Manifest
from gitops.ref import ResourceRef

SHARD_BYTES = 700_000
REVISION = "gitops-worker.io/revision"
LABEL = "gitops-worker.io/inventory"
LABEL_LIMIT = 63
HISTORY = "gitops-worker.io/history"
_SHARD = re.compile(r"-inventory(-[0-9]+)?$")
REMEMBERED = 20
"""How many passes that changed something are remembered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One owned object: the version it was last written in, and the authored object it belongs to."""

    version: str
    authored: ResourceRef


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One pass that changed something: what revision (empty: files of no commit), when (RFC 3339), by whom, how much.

    `refused` objects were left alone; with any, the revision is not applied completely.
    """

    revision: str
    at: str
    by: str
    moved: int = 0
    deleted: int = 0
    refused: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Inventory:
    """Everything a sync owns, the revision last applied completely (empty: never), and its last passes, newest last."""

    entries: Mapping[ResourceRef, Entry] = field(default_factory=dict)
    revision: str = ""
    history: tuple[Record, ...] = ()

    def union(self, other: Mapping[ResourceRef, Entry]) -> Inventory:
        """The superset written before anything else is."""
        return replace(self, entries={**self.entries, **other})

    def remembered(self, record: Record) -> tuple[Record, ...]:
        """The history with one more pass, the oldest forgotten."""
        return (*self.history, record)[-REMEMBERED:]

    @property
    def authored(self) -> frozenset[ResourceRef]:
        """The objects as authored in Git."""
        return frozenset(entry.authored for entry in self.entries.values())


def shards(inventory: Inventory, *, name: str, namespace: str) -> list[Manifest]:
    """The ConfigMaps that hold an inventory; always at least one, each says the revision."""
    return [
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {
                "name": shard_name(name, index),
                "namespace": namespace,
                "labels": {LABEL: label(name), "app.kubernetes.io/managed-by": "gitops-worker"},
                "annotations": {
                    REVISION: inventory.revision,
                    **(_remembered(inventory) if index == 0 else {}),
                },
            },
            "data": {"entries": f"[{','.join(piece)}]"},
        }
        for index, piece in enumerate(_pieces(inventory))
    ]


def _remembered(inventory: Inventory) -> dict[str, str]:
    lines = [[one.revision, one.at, one.by, one.moved, one.deleted, one.refused] for one in inventory.history]
    return {HISTORY: json.dumps(lines, separators=(",", ":"))} if lines else {}


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


def name_of(shard: str) -> str:
    """The inventory a ConfigMap is a shard of."""
    return _SHARD.sub("", shard)


def label(name: str) -> str:
    """The value of the label that finds the shards of an inventory: its name, shortened if it is too long for one."""
    if len(name) <= LABEL_LIMIT:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:10]
    return f"{name[: LABEL_LIMIT - 11].rstrip('-.')}-{digest}"


def read(manifests: Iterable[Manifest]) -> Inventory:
    """The inventory held by its ConfigMaps; an absent one is empty."""
    entries: dict[ResourceRef, Entry] = {}
    revision = ""
    history: tuple[Record, ...] = ()
    for manifest in manifests:
        marks = manifest["metadata"].get("annotations") or {}
        revision = marks.get(REVISION) or revision
        history = tuple(_record(*line) for line in json.loads(marks.get(HISTORY) or "[]")) or history
        for key, version, authored in json.loads((manifest.get("data") or {}).get("entries") or "[]"):
            ref = ResourceRef.from_key(key)
            entries[ref] = Entry(version=version, authored=ResourceRef.from_key(authored) if authored else ref)
    return Inventory(entries=entries, revision=revision, history=history)


def _record(revision: str, at: str, by: str, *counts: int) -> Record:
    moved, deleted, refused = counts
    return Record(revision=revision, at=at, by=by, moved=moved, deleted=deleted, refused=refused)
