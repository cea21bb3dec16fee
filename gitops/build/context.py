"""What all steps of one build share: the files, the list schema, and whether positions are recorded."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gitops.build.budget import Budget
from gitops.build.files import Files
from gitops.build.identity import KNOWN_SCOPE
from gitops.build.kustomization import ConfigFile
from gitops.build.resource import Resource
from gitops.location import Location
from gitops.merge.schema import Schema, builtin, from_openapi
from gitops.yaml.scalars import Authored, text_of
from gitops.yaml.tracked import Text

Mark = Callable[[Any, Any], Any]
"""Stamps a value a transformer made: `mark(value, before)`; without tracking it is the value itself."""


def unmarked(value: Any, _before: Any) -> Any:
    """The mark of a build that records nothing."""
    return value


class Context:
    """Shared by every kustomization of one build."""

    def __init__(self, files: Files, *, tracking: bool) -> None:
        self.files = files
        self.tracking = tracking
        self.odd = tracking
        self.lists = ListSchema()
        self.budget = Budget()
        self.objects = 0
        self.folders = 0

    def mark(self, source: ConfigFile, pointer: str, *, derived: bool = False) -> Mark:
        """The mark for values that the entry at `pointer` of a kustomization makes, or derives from what is there."""
        if not self.tracking:
            return unmarked
        return self.mark_at(source.at(pointer), derived=derived)

    def mark_at(self, at: Location, *, derived: bool = False) -> Mark:
        """The mark for values made because of what stands at a position."""
        if not self.tracking:
            return unmarked

        def mark(value: Any, before: Any) -> Any:
            if isinstance(value, str):
                return Text.placed(value, at, before, derived=derived)
            return Authored(text_of(value), value, at, before)

        return mark

    def loaded(self, resource: Resource) -> Resource:
        """Note a resource that entered the build."""
        if tuple(resource.gvk) not in KNOWN_SCOPE:
            self.lists.unknown_kind()
        return resource


class ListSchema:
    """Which lists merge by key: the built-in schema, or the one `openapi` names.

    As in kustomize (kyaml/openapi), a custom schema stands instead of the built-in one, unless the built-in one was
    already in use: a patch was merged or a kind without known scope was read before the custom one was set.
    """

    def __init__(self) -> None:
        self._custom: Schema | None = None
        self._set = False
        self._delayed = False
        self._builtin = False
        self._current: Schema | None = None
        self._collected = Schema()

    @property
    def chosen(self) -> bool:
        """Whether a kustomization has set it: the first one that does, does it for all."""
        return self._set

    def choose(self, schema: object, version: str, *, root: bool) -> None:
        """Set what a kustomization's `openapi` field says; only the first one counts, the root's own first of all."""
        if self._set and not root:
            return
        if schema is not None:
            self._custom = from_openapi(schema)
            self._set = True
            self._current = None
        elif version:
            self._set = True

    def unknown_kind(self) -> None:
        """A kind of unknown scope was read."""
        if self._custom is None and self._current is None:
            self._delayed = True

    @property
    def current(self) -> Schema:
        """The schema to merge with."""
        if self._current is None:
            if self._custom is None or self._delayed or self._builtin:
                self._builtin = True
                self._collected = self._collected.extended(builtin())
            if self._custom is not None:
                self._collected = self._collected.extended(self._custom)
            self._current = self._collected
        return self._current
