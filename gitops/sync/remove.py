"""Removing a sync and everything it owns; nothing else, and again from where it broke off.

What records what is ours goes last: everything owned first (pools drained), then credentials and the GitSync, then
our definitions if that is wanted and nothing of their kinds is left, then the inventory, with the namespace it is in if
that is ours too.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from gitops import api, errors
from gitops.api import names
from gitops.objects import Manifest, conditions
from gitops.plan import budget
from gitops.plan.change import Change, Plan
from gitops.plan.draft import draft
from gitops.plan.settle import Header, Rules, settle
from gitops.ports.objects import DeleteOptions, Resource
from gitops.ref import ResourceRef
from gitops.sync import events, finalize, inventories, live, status, story, suspension, wait
from gitops.sync.means import Means

SECRETS = Resource(group="", version="v1", kind="Secret", plural="secrets", namespaced=True)
LEASES = Resource(group="coordination.k8s.io", version="v1", kind="Lease", plural="leases", namespaced=True)
DEFINITIONS = "CustomResourceDefinition"
SETTLE_SECONDS = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Removal:
    """What would go: the plan of deletions, the GitSync if there is one, and the definitions that are ours."""

    planned: story.Planned
    sync: api.GitSync | None
    definitions: tuple[ResourceRef, ...]

    @property
    def plan(self) -> Plan:
        """The deletions, and what is kept or refused."""
        return self.planned.plan

    @property
    def home(self) -> Change | None:
        """The deletion of the namespace the inventory is in, if that is ours."""
        return next((one for one in self.plan.writes if _is_namespace(one.ref, self.plan.namespace)), None)


def _is_namespace(ref: ResourceRef, name: str) -> bool:
    return not ref.group and ref.kind == "Namespace" and ref.name == name


async def plan(
    means: Means, sync: api.GitSync | None, *, name: str, namespace: str, consent: frozenset[str]
) -> Removal:
    """What would go. Writes nothing.

    Namespaces, volumes, secrets and definitions go only if `consent` names them, or what they were expanded from.

    Raises:
        Refused: something else of ours, or what is never deleted, is in a namespace that would go.
    """
    stored = await inventories.load(means.objects, name=name, namespace=namespace)
    read = await live.read(means.objects, (), stored.inventory, namespace=namespace)
    heirs = await inventories.heirs(means.objects, read.objects.keys(), name=name, namespace=namespace)
    items = draft((), read.objects, stored.inventory, unreadable=read.unreadable, heirs=heirs)
    whole = budget.Budget(count=max(1, len(stored.inventory.entries)))
    header = Header(name=name, namespace=namespace, revision=stored.inventory.revision)
    made = settle(items, {}, stored.inventory, header=header, rules=Rules(remove=True, budget=whole, consent=consent))
    definitions = tuple(
        one.ref for one in made.changes if one.ref.kind == DEFINITIONS and one.ref.name.endswith(f".{api.GROUP}")
    )
    found = Removal(planned=story.Planned(plan=made, live=read, stored=stored), sync=sync, definitions=definitions)
    if read.unreadable:
        ref, why = next(iter(sorted(read.unreadable.items())))
        raise errors.ClusterDenied(f"{len(read.unreadable)} owned objects cannot be read, the first: {ref}", cause=why)
    if found.home is not None:
        await _refuse_others(means, name, namespace)
    return found


async def _refuse_others(means: Means, name: str, namespace: str) -> None:
    others = sorted(found for one in await _syncs(means, namespace) if (found := one["metadata"]["name"]) != name)
    if others:
        raise errors.Refused(
            f"namespace {namespace} would go, and other GitSyncs are in it: {', '.join(others)}",
            hint=f"gitops uninstall {others[0]} first",
        )


async def _syncs(means: Means, namespace: str) -> Sequence[Manifest]:
    try:
        return (await means.objects.list(status.GIT_SYNCS, namespace)).items
    except (errors.KindUnknown, errors.ObjectMissing):
        return ()  # the definition is gone already


async def carry_out(means: Means, removal: Removal, *, definitions: bool) -> int:
    """Remove everything; gives the number of objects deleted. `definitions`: ours too, if nothing of theirs is left.

    Raises:
        Refused: something needs consent; nothing was deleted.
        TimedOut: an operation still runs, or a finalizer holds something back; the next call goes on.
    """
    if removal.sync is not None and not removal.plan.blocked:
        await _stop(means, removal.sync)
        # It may be among what is owned, and nobody else may be left to let it go.
        await finalize.release(means, removal.sync)
    deleted = await _owned(means, removal)
    deleted += await _surroundings(means, removal)
    if definitions:
        deleted += await _definitions(means, removal)
    return deleted + await _rest(means, removal)


async def _stop(means: Means, sync: api.GitSync) -> None:
    """Nobody makes again what goes: suspend, and let a turn that has begun come to its end."""
    await suspension.suspend(means, sync, reason="uninstall")
    deadline = means.clock.monotonic() + min(SETTLE_SECONDS, means.patience)
    while means.clock.monotonic() < deadline:
        found = await means.objects.get(status.GIT_SYNCS, sync.metadata.namespace, sync.metadata.name)
        known = ((found or {}).get("status") or {}).get("conditions") or ()
        if not conditions.is_true(known, "Reconciling"):
            return
        await means.clock.sleep(wait.STEP)


async def _owned(means: Means, removal: Removal) -> int:
    """Everything but the namespace the inventory is in, which stays ours until the end.

    The workers stay in the inventory too: by their names the Leases are known, should this break off.
    """
    made, home = removal.plan, removal.home
    known = removal.planned.stored.inventory.entries
    stay = {ref: entry for ref, entry in known.items() if _is_worker(ref) or (home is not None and ref == home.ref)}
    changes = tuple(one for one in made.changes if one is not home)
    made = replace(made, changes=changes, entries={**made.entries, **stay})
    outcome = await story.carry_out(means, replace(removal.planned, plan=made), healthy=False, of_commit=False)
    return outcome.deleted


async def _surroundings(means: Means, removal: Removal) -> int:
    """Leases of workers that are gone, what `gitops install` made, and last the GitSync, which names that."""
    namespace, sync = removal.plan.namespace, removal.sync
    targets = [(LEASES, name) for name in _leases(removal)]
    if sync is not None:
        source = sync.spec.source
        targets += [(SECRETS, source.credentials.name)] if source.credentials else []
        targets += [(inventories.CONFIG_MAPS, source.ca.name)] if source.ca else []
    count = 0
    used = await _used_by_others(means, namespace, removal.plan.name) if sync is not None else set()
    for resource, name in targets:
        found = await means.objects.get(resource, namespace, name)
        if found is not None and name not in used and (resource is LEASES or _is_ours(found)):
            count += await _delete(means, resource, namespace, name, uid=found["metadata"]["uid"])
    if sync is not None:
        count += await _delete(means, status.GIT_SYNCS, namespace, sync.metadata.name, uid=sync.metadata.uid)
    return count


def _leases(removal: Removal) -> Iterator[str]:
    for ref in removal.planned.stored.inventory.entries:
        if _is_worker(ref) and ref.namespace == removal.plan.namespace:
            yield f"{ref.name}-reconciler"
            yield f"{ref.name}-worker"


def _is_worker(ref: ResourceRef) -> bool:
    return (ref.group, ref.kind) == (api.GROUP, "Worker")


def _is_ours(manifest: Manifest) -> bool:
    labels = manifest["metadata"].get("labels") or {}
    return labels.get(names.MANAGED_BY) == names.PROGRAM


async def _used_by_others(means: Means, namespace: str, name: str) -> set[str]:
    """Secrets and ConfigMaps that another GitSync of the namespace names."""
    others = [one for one in await _syncs(means, namespace) if one["metadata"]["name"] != name]
    sources = [one["spec"]["source"] for one in others]
    return {source[key]["name"] for source in sources for key in ("credentials", "ca") if source.get(key)}


async def _definitions(means: Means, removal: Removal) -> int:
    """Our definitions, each only if no object of its kind is left in the whole cluster.

    Raises:
        Refused: there are such objects; they are named.
    """
    left: list[str] = []
    for ref in removal.definitions:
        spec = removal.planned.live.objects[ref]["spec"]
        version = f"{spec['group']}/{spec['versions'][0]['name']}"
        resource = await means.objects.resource(version, spec["names"]["kind"])
        found = [one["metadata"] for one in (await means.objects.list(resource)).items]
        left += [f"{resource.kind} {one['namespace']}/{one['name']}" for one in found]
    if left:
        more = f" and {len(left) - 3} more" if len(left) > 3 else ""  # noqa: PLR2004
        raise errors.Refused(
            f"our definitions stay, for there are objects of their kinds: {', '.join(left[:3])}{more}",
            hint="delete them, then uninstall again with --delete-crds",
        )
    count = 0
    for ref in removal.definitions:
        definition = removal.planned.live.objects[ref]
        resource = removal.planned.live.resource_of(ref, definition["apiVersion"])
        count += await _delete(means, resource, "", ref.name, uid=definition["metadata"]["uid"])
    return count


async def _rest(means: Means, removal: Removal) -> int:
    """The inventory; or the namespace it is in, which takes it along."""
    made = removal.plan
    home = removal.home
    if home is not None:
        resource = removal.planned.live.resource_of(home.ref, home.api_version)
        await _delete(means, resource, "", home.ref.name, uid=home.uid)
        await wait.until_gone(means, [home], removal.planned.live)
        means.report(events.Deleted(home.ref))
        return 1
    stored = await inventories.load(means.objects, name=made.name, namespace=made.namespace)
    await inventories.drop(means.objects, stored, namespace=made.namespace)
    return len(stored.shards)


async def _delete(means: Means, resource: Resource, namespace: str, name: str, *, uid: str) -> int:
    return int(await means.objects.delete(resource, namespace, name, options=DeleteOptions(uid=uid)))
