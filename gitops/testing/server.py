"""What the API server does with a request, in memory, without validation of schemas: the rules of `FakeObjects`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from gitops import errors
from gitops.api.meta import FIELD_MANAGER
from gitops.objects import Manifest
from gitops.ports.clock import Clock
from gitops.ports.objects import Applied, DeleteOptions, Listing, Resource
from gitops.ref import ResourceRef
from gitops.testing import kinds, ownership, selector
from gitops.testing.ownership import Writer
from gitops.testing.store import Address, Store, address_of, copy

_SERVERS_OWN = ("uid", "resourceVersion", "creationTimestamp", "generation", "managedFields", "deletionTimestamp")


@dataclass(frozen=True, slots=True)
class _Target:
    """One object of a request: its address, what lies there, and how to name it in a refusal."""

    resource: Resource
    address: Address
    live: Manifest | None

    @property
    def ref(self) -> ResourceRef:
        group, kind, namespace, name = self.address
        return ResourceRef(group=group, kind=kind, namespace=namespace, name=name)


class FakeServer:
    """Kinds, objects and the rules of writing."""

    def __init__(self, clock: Clock, namespaces: Iterable[str]) -> None:
        self.store = Store()
        self._clock = clock
        self._kinds = {(resource.api_version, resource.kind): resource for resource in kinds.built_in()}
        for name in namespaces:
            self.create(
                self.kind("v1", "Namespace"), {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
            )

    def kind(self, api_version: str, kind: str) -> Resource:
        """How a kind is served.

        Raises:
            KindUnknown: it is not.
        """
        found = self._kinds.get((api_version, kind))
        if found is None:
            raise errors.KindUnknown(f"the cluster serves no {kind} in {api_version}")
        return found

    def serve(self, resource: Resource) -> None:
        """Serve another kind."""
        self._kinds[resource.api_version, resource.kind] = resource

    def get(self, resource: Resource, namespace: str, name: str) -> Manifest | None:
        """One object, in the version asked for."""
        found = self.store.get(address_of(resource, namespace, name))
        return _as(resource, found) if found else None

    def list(self, resource: Resource, namespace: str = "", labels: str = "", fields: str = "") -> Listing:
        """All objects of a kind that match."""
        where = namespace if resource.namespaced else ""
        items = [
            _as(resource, item)
            for item in self.store.of_kind(resource, where)
            if selector.matches(labels, item["metadata"].get("labels") or {}) and selector.has(fields, item)
        ]
        return Listing(items=items, resource_version=str(self.store.revision))

    def apply(
        self, resource: Resource, manifest: Manifest, *, manager: str = FIELD_MANAGER, dry_run: bool, force: bool
    ) -> Applied:
        """Server-side apply; the preconditions behave as server-side-apply.md records."""
        target = self._target(resource, manifest)
        metadata = manifest["metadata"]
        if target.live is None and metadata.get("uid"):
            raise _moved(target, "uid mismatch: no existing object was found")
        self._check(target, manifest)
        desired = _without_servers_own(manifest)
        if kinds.has_status(resource):
            desired.pop("status", None)
        writer = self._writer(resource, manager, "Apply")
        merged = ownership.apply(target.live, desired, writer, force=force)
        return Applied(object=self._store(target, merged, dry_run=dry_run), created=target.live is None)

    def create(self, resource: Resource, manifest: Manifest, *, manager: str = FIELD_MANAGER) -> Manifest:
        """POST."""
        manifest = _named(manifest, self.store.revision)
        target = self._target(resource, manifest)
        if target.live is not None:
            cause = f'{resource.plural} "{target.ref.name}" already exists'
            raise errors.ObjectExists(f"cannot create {target.ref}", cause=cause, ref=target.ref)
        return self._update(target, _without_servers_own(manifest), manager)

    def replace(self, resource: Resource, manifest: Manifest, *, manager: str = FIELD_MANAGER) -> Manifest:
        """PUT."""
        target = self._target(resource, manifest)
        if target.live is None:
            raise _gone(target)
        self._check(target, manifest)
        return self._update(target, _without_servers_own(manifest), manager)

    def patch_status(
        self, resource: Resource, namespace: str, name: str, patch: Manifest, *, manager: str = FIELD_MANAGER
    ) -> Manifest:
        """A merge patch of which only the status is kept."""
        address = address_of(resource, namespace, name)
        target = _Target(resource, address, self.get(resource, namespace, name))
        if target.live is None:
            raise _gone(target)
        self._check(target, patch)
        status = _merge_patch(target.live.get("status") or {}, patch.get("status") or {})
        writer = self._writer(resource, manager, "Update", "status")
        return self._store(target, ownership.update(target.live, {**target.live, "status": status}, writer))

    def delete(self, resource: Resource, namespace: str, name: str, options: DeleteOptions) -> bool:
        """DELETE: finalizers and the kubelet's grace hold an object back; a namespace takes its content along."""
        target = _Target(resource, address_of(resource, namespace, name), self.get(resource, namespace, name))
        live = target.live
        if live is None:
            return False
        self._check(target, {"metadata": {"uid": options.uid, "resourceVersion": options.resource_version}})
        if self._lingers(live, options):
            if "deletionTimestamp" not in live["metadata"]:
                self.store.put(target.address, _doomed(live, self._time(), options))
            return True
        self.store.drop(target.address)
        self._collect(live, options)
        return True

    def _update(self, target: _Target, new: Manifest, manager: str) -> Manifest:
        old = target.live or {}
        if kinds.has_status(target.resource):
            new.pop("status", None)
            if "status" in old:
                new["status"] = old["status"]
        for key in _SERVERS_OWN:
            if key in (old.get("metadata") or {}):
                new["metadata"][key] = old["metadata"][key]
        writer = self._writer(target.resource, manager, "Update")
        return self._store(target, ownership.update(target.live, new, writer))

    def _store(self, target: _Target, new: Manifest, *, dry_run: bool = False) -> Manifest:
        live, metadata = target.live, new["metadata"]
        metadata.setdefault("creationTimestamp", self._time())
        if live is None:
            metadata["generation"] = 1
            if target.resource.kind == "Pod" and not target.resource.group:
                new.setdefault("status", {"phase": "Pending"})
        elif live.get("spec") != new.get("spec"):
            metadata["generation"] = live["metadata"].get("generation", 1) + 1
        if dry_run or new == live:
            return copy(new)
        if "deletionTimestamp" in metadata and not self._lingers(new, DeleteOptions()):
            self.store.drop(target.address)
            return copy(new)
        if new["kind"] == "CustomResourceDefinition":
            for resource in kinds.defined(new):
                self.serve(resource)
        return self.store.put(target.address, new)

    def _target(self, resource: Resource, manifest: Manifest) -> _Target:
        metadata = manifest["metadata"]
        namespace, name = metadata.get("namespace") or "", metadata["name"]
        target = _Target(resource, address_of(resource, namespace, name), self.get(resource, namespace, name))
        if resource.namespaced:
            where = self.store.get(("", "Namespace", "", namespace))
            if where is None:
                cause = f'namespaces "{namespace}" not found'
                raise errors.ObjectMissing(f"cannot write {target.ref}", cause=cause, ref=target.ref)
        return target

    def _check(self, target: _Target, asked: Manifest) -> None:
        metadata = asked.get("metadata") or {}
        live = (target.live or {}).get("metadata") or {}
        for key in ("uid", "resourceVersion"):
            if live and metadata.get(key) and metadata[key] != live[key]:
                raise _moved(target, f"the object has been modified: {key} is {live[key]}, not {metadata[key]}")

    def _writer(self, resource: Resource, manager: str, operation: str, subresource: str = "") -> Writer:
        return Writer(
            manager=manager,
            operation=operation,
            api_version=resource.api_version,
            time=self._time(),
            subresource=subresource,
        )

    def _lingers(self, live: Manifest, options: DeleteOptions) -> bool:
        if live["metadata"].get("finalizers"):
            return True
        # A pod on a node stays until its kubelet says that it ended, by a delete with no grace.
        on_node = live["kind"] == "Pod" and (live.get("spec") or {}).get("nodeName")
        return bool(on_node) and options.grace_seconds != 0

    def _collect(self, owner: Manifest, options: DeleteOptions) -> None:
        uid = owner["metadata"]["uid"]
        inside = owner["metadata"]["name"] if owner["kind"] == "Namespace" else None
        for address, item in tuple(self._dependents(uid, inside, orphan=options.propagation == "Orphan")):
            if self.store.get(address) is not None:
                self.store.drop(address)
                self._collect(item, options)

    def _dependents(self, uid: str, inside: str | None, *, orphan: bool) -> Iterator[tuple[Address, Manifest]]:
        def depends(address: Address, item: Manifest) -> bool:
            owners = item["metadata"].get("ownerReferences") or ()
            owned = not orphan and any(owner.get("uid") == uid for owner in owners)
            return owned or bool(inside and address[2] == inside)

        yield from self.store.all(depends)

    def _time(self) -> str:
        return self._clock.now().strftime("%Y-%m-%dT%H:%M:%SZ")


def _as(resource: Resource, item: Manifest) -> Manifest:
    return {**item, "apiVersion": resource.api_version, "kind": resource.kind}


def _without_servers_own(manifest: Manifest) -> Manifest:
    metadata = {key: value for key, value in manifest["metadata"].items() if key not in _SERVERS_OWN}
    return {**manifest, "metadata": metadata}


def _named(manifest: Manifest, revision: int) -> Manifest:
    metadata = manifest["metadata"]
    if metadata.get("name"):
        return manifest
    return {**manifest, "metadata": {**metadata, "name": f"{metadata['generateName']}{revision:05x}"}}


def _doomed(live: Manifest, time: str, options: DeleteOptions) -> Manifest:
    grace = options.grace_seconds
    if grace is None:
        grace = (live.get("spec") or {}).get("terminationGracePeriodSeconds", 30 if live["kind"] == "Pod" else 0)
    marks = {"deletionTimestamp": time, "deletionGracePeriodSeconds": grace}
    return {**live, "metadata": {**live["metadata"], **marks}}


def _merge_patch(old: Manifest, patch: Manifest) -> Manifest:
    """RFC 7396."""
    out = dict(old)
    for key, value in patch.items():
        if value is None:
            out.pop(key, None)
        elif isinstance(value, dict):
            before = out.get(key)
            out[key] = _merge_patch(before if isinstance(before, dict) else {}, value)
        else:
            out[key] = value
    return out


def _moved(target: _Target, cause: str) -> errors.VersionConflict:
    return errors.VersionConflict(f"cannot write {target.ref}", cause=cause, ref=target.ref)


def _gone(target: _Target) -> errors.ObjectMissing:
    cause = f'{target.resource.plural} "{target.ref.name}" not found'
    return errors.ObjectMissing(f"cannot write {target.ref}", cause=cause, ref=target.ref)
