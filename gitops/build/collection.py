"""What a build has so far: objects, configuration, variables."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from gitops import errors
from gitops.build import config
from gitops.build.identity import DEFAULT, NOT_NAMESPACED, Identity
from gitops.build.kustomization import Kustomization
from gitops.build.resource import Resource

Keys = Callable[[Resource], Sequence[Any]]
"""What an object can be looked for by."""


class Variable:
    """One entry of `vars`, and where it was declared."""

    __slots__ = ("entry", "pointer", "source")

    def __init__(self, entry: dict[str, Any], source: Kustomization, pointer: str) -> None:
        self.entry = entry
        self.source = source
        self.pointer = pointer


class _Index:
    """Objects by something they are, or were, called. What is found is looked at again: names change."""

    def __init__(self, keys: Keys) -> None:
        self._keys = keys
        self._found: dict[Any, dict[int, Resource]] | None = None

    def drop(self) -> None:
        """Begin anew at the next question."""
        self._found = None

    def note(self, resources: Iterable[Resource]) -> None:
        """Enter objects that are new, or may be called something else now."""
        if self._found is not None:
            self._enter(self._found, resources)

    def forget(self, resource: Resource) -> None:
        """Leave an object out."""
        if self._found is not None:
            for key in self._keys(resource):
                self._found.get(key, {}).pop(id(resource), None)

    def only(self, key: Any) -> Resource | None:
        """The object that was entered by a key, if it was one and no other."""
        there = self._found.get(key) if self._found is not None else None
        return next(iter(there.values())) if there is not None and len(there) == 1 else None

    def find(self, key: Any, resources: Iterable[Resource]) -> list[Resource]:
        """Those of the objects that have a key."""
        if self._found is None:
            self._found = {}
            self._enter(self._found, resources)
        there = self._found.get(key, {})
        return [resource for resource in there.values() if resource.data and key in self._keys(resource)]

    def _enter(self, found: dict[Any, dict[int, Resource]], resources: Iterable[Resource]) -> None:
        for resource in resources:
            for key in self._keys(resource):
                found.setdefault(key, {})[id(resource)] = resource


def _identity_keys(resource: Resource) -> tuple[Any, ...]:
    now = resource.identity
    if not resource.previous:
        return (now.key,)
    # Hundreds of thousands of these are made where kustomizations nest: no Identity is built to ask it for its key.
    gvk, scoped = now.gvk, now.gvk.cluster_scoped
    before = [
        (gvk, name, NOT_NAMESPACED if scoped else namespace or DEFAULT)
        if kind == gvk.kind
        else Identity(gvk._replace(kind=kind), name, namespace).key
        for name, namespace, kind in resource.previous
    ]
    return (*before, now.key)


def _names(resource: Resource) -> tuple[str, ...]:
    return (*(name for name, _, _ in resource.previous), resource.name)


class Collection:
    """A growing list of objects, no two of which are the same object when they are added."""

    def __init__(self) -> None:
        self.resources: list[Resource] = []
        self.config = config.EMPTY
        self.variables: dict[str, Variable] = {}
        self._keys: dict[Any, Resource] | None = {}
        self._known = _Index(_identity_keys)
        self._named = _Index(_names)

    def append(self, resources: Iterable[Resource]) -> None:
        """Add objects.

        Raises:
            BuildError: one of them is here already.
        """
        if self._keys is None:
            self._keys = {resource.identity.key: resource for resource in self.resources}
        for resource in resources:
            key = resource.identity.key
            other = self._keys.setdefault(key, resource)
            if other is not resource:
                raise errors.BuildError(
                    f"{resource.identity} is there twice",
                    cause=f"the other one is at {other.start}",
                    hint="an object is known by group, version, kind, namespace and name; rename one or leave it out",
                    location=resource.start,
                )
            self.resources.append(resource)
            self._note([resource])

    def known(self, key: Any) -> list[Resource]:
        """The objects that have a key (`Identity.key`) or had it before."""
        return self._known.find(key, self.resources)

    def named(self, name: str) -> list[Resource]:
        """The objects that have a name or had it before."""
        return self._named.find(name, self.resources)

    def alike(self, resources: Iterable[Resource]) -> list[Resource]:
        """The objects that are called now as one of these is."""
        found: dict[int, Resource] = {}
        for resource in resources:
            identity = resource.identity
            if self._known.only(identity.key) is resource:
                found[id(resource)] = resource
            else:
                found |= {id(one): one for one in self.known(identity.key) if one.identity == identity}
        return list(found.values())

    def _note(self, resources: Iterable[Resource]) -> None:
        self._known.note(resources)
        self._named.note(resources)

    def changed(self, resources: Iterable[Resource] | None = None) -> None:
        """Identities may have changed, of these objects or of any."""
        self._keys = None
        if resources is None:
            self._known.drop()
            self._named.drop()
        else:
            self._note(resources)

    def replace(self, resources: list[Resource]) -> None:
        """Put other objects in the place of these."""
        self.resources = resources
        self.changed()

    def exchange(self, old: Resource, new: Resource) -> None:
        """Put one object in the place of another that is called the same."""
        self.resources[self.resources.index(old)] = new
        self._known.forget(old)
        self._named.forget(old)
        self._note([new])
        if self._keys is not None:
            self._keys[new.identity.key] = new

    def drop_deleted(self) -> None:
        """Leave out what a patch deleted."""
        if not all(resource.data for resource in self.resources):
            self.resources = [resource for resource in self.resources if resource.data]
            self._keys = None

    def absorb(self, other: Collection) -> None:
        """Add all of a base: objects, configuration, variables.

        Raises:
            BuildError: an object, a variable or a field spec collides.
        """
        self.append(other.resources)
        self.merge_config(other.config)
        for name, variable in other.variables.items():
            self.declare(name, variable)

    def merge_config(self, other: config.Config) -> None:
        """Add configuration."""
        self.config = self.config.merged(other)

    def declare(self, name: str, variable: Variable) -> None:
        """Add a variable.

        Raises:
            BuildError: there is one of that name.
        """
        if name in self.variables:
            other = self.variables[name]
            raise errors.BuildError(
                f"the variable {name} is declared twice",
                cause=f"the other one is at {other.source.at(other.pointer)}",
                location=variable.source.at(variable.pointer),
            )
        self.variables[name] = variable
