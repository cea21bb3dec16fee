"""What a build has so far: objects, configuration, variables."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from gitops import errors
from gitops.build import config
from gitops.build.kustomization import Kustomization
from gitops.build.resource import Resource


class Variable:
    """One entry of `vars`, and where it was declared."""

    __slots__ = ("entry", "pointer", "source")

    def __init__(self, entry: dict[str, Any], source: Kustomization, pointer: str) -> None:
        self.entry = entry
        self.source = source
        self.pointer = pointer


class Collection:
    """A growing list of objects, no two of which are the same object when they are added."""

    def __init__(self) -> None:
        self.resources: list[Resource] = []
        self.config = config.EMPTY
        self.variables: dict[str, Variable] = {}
        self._keys: dict[Any, Resource] | None = {}

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

    def changed(self) -> None:
        """Identities may have changed."""
        self._keys = None

    def replace(self, resources: list[Resource]) -> None:
        """Put other objects in the place of these."""
        self.resources = resources
        self._keys = None

    def drop_deleted(self) -> None:
        """Leave out what a patch deleted."""
        if any(not resource.data for resource in self.resources):
            self.replace([resource for resource in self.resources if resource.data])

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
