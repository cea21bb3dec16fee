"""Reading and writing the inventory: its ConfigMaps, replaced under the resourceVersion they were read at."""

from __future__ import annotations

from dataclasses import dataclass

from gitops import errors
from gitops.objects import Manifest, inventory
from gitops.ports.objects import DeleteOptions, Objects, Resource

CONFIG_MAPS = Resource(group="", version="v1", kind="ConfigMap", plural="configmaps", namespaced=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """An inventory and the ConfigMaps it was read from, by name."""

    inventory: inventory.Inventory
    shards: dict[str, Manifest]


async def load(objects: Objects, *, name: str, namespace: str) -> Stored:
    """The inventory of a sync; empty if there is none yet."""
    first = await objects.get(CONFIG_MAPS, namespace, inventory.shard_name(name, 0))
    if first is None:
        return Stored(inventory=inventory.Inventory(), shards={})
    found = [first]
    while (more := await _next(objects, found, name=name, namespace=namespace)) is not None:
        found.append(more)
    shards = {one["metadata"]["name"]: one for one in found}
    return Stored(inventory=inventory.read(found), shards=shards)


async def _next(objects: Objects, found: list[Manifest], *, name: str, namespace: str) -> Manifest | None:
    """The following shard: only a full one can have a successor, so the common case is a single request."""
    if len(inventory.read([found[-1]]).entries) < inventory.ENTRIES_PER_SHARD:
        return None
    return await objects.get(CONFIG_MAPS, namespace, inventory.shard_name(name, len(found)))


async def save(objects: Objects, stored: Stored, new: inventory.Inventory, *, name: str, namespace: str) -> Stored:
    """Write what differs; shards no longer needed go last.

    Raises:
        VersionConflict: somebody else wrote it since it was loaded: two syncs of one name at once.
    """
    shards: dict[str, Manifest] = {}
    for shard in inventory.shards(new, name=name, namespace=namespace):
        shards[shard["metadata"]["name"]] = await _put(objects, stored.shards.get(shard["metadata"]["name"]), shard)
    for gone in sorted(stored.shards.keys() - shards.keys(), reverse=True):
        uid = stored.shards[gone]["metadata"]["uid"]
        await objects.delete(CONFIG_MAPS, namespace, gone, options=DeleteOptions(uid=uid))
    return Stored(inventory=new, shards=shards)


async def _put(objects: Objects, old: Manifest | None, new: Manifest) -> Manifest:
    if old is None:
        return await objects.create(CONFIG_MAPS, new)
    metadata = old["metadata"]
    same = old.get("data") == new["data"] and metadata.get("annotations") == new["metadata"]["annotations"]
    if same:
        return old
    try:
        body = {**new, "metadata": {**new["metadata"], "resourceVersion": metadata["resourceVersion"]}}
        return await objects.replace(CONFIG_MAPS, body)
    except errors.VersionConflict as conflict:
        raise errors.VersionConflict(
            f"the inventory {metadata['namespace']}/{metadata['name']} was written by somebody else meanwhile",
            cause="two syncs of the same name run at once",
            hint="try again",
        ) from conflict
