"""Reading and writing the inventory: its ConfigMaps, replaced under the resourceVersion they were read at."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from gitops import errors
from gitops.objects import Manifest, inventory
from gitops.ports.objects import DeleteOptions, Listing, Lists, Objects, Resource
from gitops.ref import ResourceRef

CONFIG_MAPS = Resource(group="", version="v1", kind="ConfigMap", plural="configmaps", namespaced=True)
ATTEMPTS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """An inventory and the ConfigMaps it was read from, by name."""

    inventory: inventory.Inventory
    shards: dict[str, Manifest]


async def load(objects: Lists, *, name: str, namespace: str) -> Stored:
    """The inventory of a sync; empty if there is none yet."""
    resource, where, labels = question(name, namespace)
    return stored(name, await objects.list(resource, where, labels=labels))


def question(name: str, namespace: str) -> tuple[Resource, str, str]:
    """What to list for it: kind, namespace, label selector."""
    return CONFIG_MAPS, namespace, f"{inventory.LABEL}={inventory.label(name)}"


def stored(name: str, listing: Listing) -> Stored:
    """The inventory in the answer to that."""
    first = inventory.shard_name(name, 0)
    found = [one for one in listing.items if one["metadata"]["name"].startswith(first)]
    return Stored(inventory=inventory.read(found), shards={one["metadata"]["name"]: one for one in found})


async def heirs(
    objects: Objects, refs: Collection[ResourceRef], *, name: str, namespace: str
) -> dict[ResourceRef, str]:
    """Which of these objects another inventory has too, and which one: an object may move from one to another.

    One request, and only for objects that go or come. Without the right to look everywhere, those of the
    namespace have to do.
    """
    if not refs:
        return {}
    try:
        listing = await objects.list(CONFIG_MAPS, labels=inventory.LABEL)
    except errors.ClusterDenied:
        listing = await objects.list(CONFIG_MAPS, namespace, labels=inventory.LABEL)
    found: dict[ResourceRef, str] = {}
    for one in listing.items:
        where, other = one["metadata"]["namespace"], inventory.name_of(one["metadata"]["name"])
        if (where, other) != (namespace, name):
            found |= {ref: f"{where}/{other}" for ref in inventory.read([one]).entries if ref in refs}
    return found


async def save(objects: Objects, stored: Stored, new: inventory.Inventory, *, name: str, namespace: str) -> Stored:
    """Write what differs, in an order in which no entry of `new` is ever in no shard.

    An inventory that grows pushes entries into later shards, so those are written first; one that shrinks pulls them
    into earlier ones.

    Raises:
        VersionConflict: somebody else wrote it since it was loaded: two syncs of one name at once.
    """
    wanted = inventory.shards(new, name=name, namespace=namespace)
    grows = len(new.entries) > len(stored.inventory.entries)
    shards: dict[str, Manifest] = {}
    for shard in reversed(wanted) if grows else wanted:
        shards[shard["metadata"]["name"]] = await _put(objects, stored.shards.get(shard["metadata"]["name"]), shard)
    for gone in sorted(stored.shards.keys() - shards.keys(), reverse=True):
        uid = stored.shards[gone]["metadata"]["uid"]
        await objects.delete(CONFIG_MAPS, namespace, gone, options=DeleteOptions(uid=uid))
    return Stored(inventory=new, shards=shards)


async def drop(objects: Objects, stored: Stored, *, namespace: str) -> None:
    """Delete the inventory, the first shard last: what is left of one that broke off is found again."""
    for name, shard in sorted(stored.shards.items(), reverse=True):
        await objects.delete(CONFIG_MAPS, namespace, name, options=DeleteOptions(uid=shard["metadata"]["uid"]))


async def _put(objects: Objects, old: Manifest | None, new: Manifest) -> Manifest:
    if old is not None and _says_same(old, new):
        return old
    lost: errors.ClusterError | None = None
    for _ in range(ATTEMPTS):
        try:
            return await _write(objects, old, new)
        except (errors.VersionConflict, errors.ObjectExists) as conflict:
            lost = conflict
        except errors.ClusterUnavailable as unclear:
            if not unclear.ambiguous:
                raise
            lost = unclear
        metadata = new["metadata"]
        found = await objects.get(CONFIG_MAPS, metadata["namespace"], metadata["name"])
        if found is not None and _says_same(found, new):
            return found  # it was our own write whose answer was lost; or another's that says the same
        if _version(found) != _version(old):
            raise _written_by_others(new) from lost
    raise lost or _written_by_others(new)


async def _write(objects: Objects, old: Manifest | None, new: Manifest) -> Manifest:
    if old is None:
        return await objects.create(CONFIG_MAPS, new)
    body = {**new, "metadata": {**new["metadata"], "resourceVersion": _version(old)}}
    return await objects.replace(CONFIG_MAPS, body)


def _version(manifest: Manifest | None) -> str:
    return "" if manifest is None else str(manifest["metadata"]["resourceVersion"])


def _says_same(one: Manifest, other: Manifest) -> bool:
    marks = [manifest["metadata"].get("annotations") or {} for manifest in (one, other)]
    return one.get("data") == other.get("data") and marks[0] == marks[1]


def _written_by_others(shard: Manifest) -> errors.VersionConflict:
    metadata = shard["metadata"]
    return errors.VersionConflict(
        f"the inventory {metadata['namespace']}/{metadata['name']} was written by somebody else meanwhile",
        cause="two syncs of the same name run at once",
        hint="try again",
    )
