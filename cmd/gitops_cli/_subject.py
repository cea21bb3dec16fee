"""A GitSync, or a directory's inventory, by name: for verbs that look at what was applied and render nothing."""

from __future__ import annotations

from dataclasses import dataclass

from gitops import api, cluster, errors
from gitops.objects import inventory as marks
from gitops.sync import inventories
from gitops_cli import _target
from gitops_cli._shell import Shell


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What is looked at: the inventory's name and namespace, its content; the GitSync if there is one."""

    name: str
    namespace: str
    stored: inventories.Stored
    sync: api.GitSync | None = None


async def find(shell: Shell, connection: cluster.Cluster, argument: str, *, inventory: str = "") -> Subject:
    """The subject of an argument: NAME of a GitSync, or PATH of a directory.

    Raises:
        ConfigError: there is no such GitSync, or nothing was ever applied.
    """
    sync = None
    if await _target.meant(shell, connection, argument):
        asked = _target.Asked(argument=argument, inventory=inventory)
        header = (await _target.find(shell, connection, asked)).header
        name, namespace = header.name, header.namespace
    else:
        sync = await _target.git_sync(shell, connection, argument)
        name, namespace = sync.metadata.name, sync.metadata.namespace
    stored = await inventories.load(connection.objects, name=name, namespace=namespace)
    if sync is None and not stored.shards:
        raise errors.ConfigError(f"{argument} was never applied: {namespace} has no inventory {name}")
    return Subject(name=name, namespace=namespace, stored=stored, sync=sync)


async def installed(shell: Shell, connection: cluster.Cluster, argument: str, *, inventory: str = "") -> Subject:
    """The same; the inventory alone will do: a removal that broke off may have deleted the GitSync already.

    Raises:
        ConfigError: there is neither a GitSync nor an inventory of that name, or several.
    """
    if await _target.meant(shell, connection, argument) or await _target.exists(shell, connection, argument):
        return await find(shell, connection, argument, inventory=inventory)
    argument = argument.removeprefix(_target.PREFIX)
    listing = await connection.objects.list(inventories.CONFIG_MAPS, shell.settings.namespace, labels=marks.LABEL)
    wanted = marks.shard_name(argument, 0)
    places = sorted(one["metadata"]["namespace"] for one in listing.items if one["metadata"]["name"] == wanted)
    if len(places) > 1:
        raise errors.ConfigError(f"several inventories are named {argument}", cause=", ".join(places), hint="use -n")
    if not places:
        raise errors.ConfigError(f"no GitSync and no inventory {argument!r}", hint="gitops status lists what there is")
    stored = await inventories.load(connection.objects, name=argument, namespace=places[0])
    return Subject(name=argument, namespace=places[0], stored=stored)
