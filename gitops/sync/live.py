"""Reading what lives: one LIST per kind and namespace, whatever the number of objects."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from gitops import errors
from gitops.objects import Manifest, api_version_of, conditions, group_of, inventory, ref_of
from gitops.plan.change import Desired
from gitops.ports.objects import Lists, Objects, Resource
from gitops.ref import ResourceRef
from gitops.sync.together import together

Kind = tuple[str, str]
"""apiVersion and kind."""
FEW = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Live:
    """What was read: `desired` with namespaces filled in, how each kind is served, every object found.

    `planned` are kinds whose definition is itself only wanted; `unreadable` objects are there or not, nobody may say.
    """

    desired: tuple[Desired, ...]
    resources: Mapping[Kind, Resource]
    objects: Mapping[ResourceRef, Manifest]
    planned: frozenset[Kind]
    unreadable: Mapping[ResourceRef, str]

    def resource_of(self, ref: ResourceRef, api_version: str) -> Resource:
        """How the kind of an object is served."""
        return self.resources[api_version, ref.kind]


async def read(
    objects: Objects,
    wanted: Sequence[Desired],
    owned: inventory.Inventory,
    *,
    namespace: str,
    lists: Lists | None = None,
) -> Live:
    """Read every wanted and every owned object. `namespace` is for namespaced objects that name none.

    `lists` answers what is asked for in bulk, if not `objects`.

    Raises:
        ConfigError: a kind that neither the server nor the wanted definitions know; SeveralErrors if there are more.
    """
    resources, planned = await _resources(objects, wanted, owned)
    desired = _ranked(wanted, tuple(_place(one, resources[_kind(one)], namespace) for one in wanted))
    groups: dict[tuple[Kind, str], set[ResourceRef]] = defaultdict(set)
    versions: dict[tuple[str, str], Kind] = {}
    for one in desired:
        groups[_kind(one), one.ref.namespace].add(one.ref)
        versions[one.ref.group, one.ref.kind] = _kind(one)
    placed = {one.ref for one in desired}
    for ref, entry in owned.entries.items():
        if ref in placed:
            continue  # read in the version Git has it in: of one kind there may be several
        # An object is the same in every version: one LIST will do, in a version that is served.
        kind = versions.get((ref.group, ref.kind)) or (api_version_of(ref.group, entry.version), ref.kind)
        if kind in resources:
            groups[kind, ref.namespace].add(ref)
    found: dict[ResourceRef, Manifest] = {}
    unreadable: dict[ResourceRef, str] = {}
    unserved: set[Kind] = set()

    async def read_group(kind: Kind, where: str, refs: set[ResourceRef]) -> None:
        try:
            items = await _list_or_get(objects, lists or objects, resources[kind], where, refs)
        except errors.ClusterDenied as denied:
            unreadable.update(dict.fromkeys(refs, str(denied)))
        except errors.KindUnknown:
            unserved.add(kind)  # its definition went meanwhile, or is not served yet
        else:
            found.update((ref, item) for item in items if (ref := ref_of(item)) in refs)

    await together(read_group(kind, where, refs) for (kind, where), refs in groups.items() if kind not in planned)
    # Discovery lags behind: what a live definition establishes is served, whatever it says.
    served = frozenset(kind for kind in planned if _is_established(kind, found.values()))
    await together(read_group(kind, where, refs) for (kind, where), refs in groups.items() if kind in served)
    still_planned = planned - (served - unserved)
    return Live(desired=desired, resources=resources, objects=found, planned=still_planned, unreadable=unreadable)


def _is_established(kind: Kind, found: Iterable[Manifest]) -> bool:
    for one in found:
        if any(defined == kind for defined, _ in _defined(one)):
            return conditions.is_true((one.get("status") or {}).get("conditions") or (), "Established")
    return False


async def _list_or_get(
    objects: Objects, lists: Lists, resource: Resource, namespace: str, refs: set[ResourceRef]
) -> Sequence[Manifest]:
    """A few objects are asked for by name if need be: the account may be allowed those only."""
    if len(refs) > 1:
        try:
            return (await lists.list(resource, namespace)).items
        except errors.ClusterDenied:
            if len(refs) > FEW:
                raise
    answers = await together(objects.get(resource, namespace, ref.name) for ref in sorted(refs))
    return [one for one in answers if one is not None]


def _kind(one: Desired) -> Kind:
    return one.manifest["apiVersion"], one.ref.kind


async def _resources(
    objects: Objects, wanted: Sequence[Desired], owned: inventory.Inventory
) -> tuple[dict[Kind, Resource], frozenset[Kind]]:
    defined = {kind: resource for one in wanted for kind, resource in _defined(one.manifest)}
    resources: dict[Kind, Resource] = {}
    planned: set[Kind] = set()
    failures: dict[Kind, errors.GitOpsError] = {}
    for one in wanted:
        kind = _kind(one)
        if kind in resources or kind in failures:
            continue
        try:
            resources[kind] = await objects.resource(*kind)
        except errors.KindUnknown as unknown:
            if kind in defined:
                resources[kind] = defined[kind]
                planned.add(kind)
            else:
                failures[kind] = _unknown(one, unknown)
    if failures:
        found = tuple(failures.values())
        raise found[0] if len(found) == 1 else errors.SeveralErrors(found)
    served = {(resource.group, resource.kind) for resource in resources.values()}
    for kind in dict.fromkeys((api_version_of(ref.group, one.version), ref.kind) for ref, one in owned.entries.items()):
        if kind not in resources and (group_of(kind[0]), kind[1]) not in served:
            try:
                resources[kind] = await objects.resource(*kind)
            except errors.KindUnknown:
                continue  # its definition is gone, and every object of it with it
    return resources, frozenset(planned)


def _unknown(one: Desired, unknown: errors.KindUnknown) -> errors.ConfigError:
    error = errors.ConfigError(
        f"the cluster knows no {one.ref.kind} in {one.manifest['apiVersion']}",
        cause=unknown.message,
        hint="add its CustomResourceDefinition to the configuration, or install it first",
        location=one.location,
        ref=one.ref,
    )
    error.__cause__ = unknown
    return error


def _defined(manifest: Manifest) -> list[tuple[Kind, Resource]]:
    """The kinds a CustomResourceDefinition will make the server serve."""
    if manifest.get("kind") != "CustomResourceDefinition":
        return []
    spec = manifest["spec"]
    names, group = spec["names"], spec["group"]
    return [
        (
            (api_version_of(group, version["name"]), names["kind"]),
            Resource(
                group=group,
                version=version["name"],
                kind=names["kind"],
                plural=names["plural"],
                namespaced=spec["scope"] == "Namespaced",
            ),
        )
        for version in spec["versions"]
    ]


def _ranked(wanted: Sequence[Desired], placed: tuple[Desired, ...]) -> tuple[Desired, ...]:
    """What others depend on may have got a namespace just now."""
    if not any(one.rank for one in wanted):
        return placed
    moved = {old.authored: new.authored for old, new in zip(wanted, placed, strict=True) if old.ref == old.authored}
    return tuple(
        replace(one, rank=replace(one.rank, after=tuple(moved.get(ref, ref) for ref in one.rank.after)))
        if one.rank
        else one
        for one in placed
    )


def _place(one: Desired, resource: Resource, namespace: str) -> Desired:
    """Give a namespaced object that names no namespace the sync's own, and take it from one that can be in none.

    Kustomize's `namespace:` goes into every kind that it does not know to be of the cluster.
    """
    if bool(one.ref.namespace) == resource.namespaced:
        return one
    where = namespace if resource.namespaced else ""
    ref = one.ref._replace(namespace=where)
    metadata = {key: value for key, value in one.manifest["metadata"].items() if key != "namespace"}
    manifest = {**one.manifest, "metadata": {**metadata, **({"namespace": where} if where else {})}}
    return replace(one, ref=ref, manifest=manifest, authored=ref if one.authored == one.ref else one.authored)
