"""The transformers of one kustomization, in kustomize's order."""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Callable
from typing import Any

from gitops import errors
from gitops.build import budget, metadata, transform
from gitops.build.collection import Collection
from gitops.build.config import spec_of
from gitops.build.context import Context
from gitops.build.fieldspec import FieldSpec, FieldSpecs
from gitops.build.files import Where
from gitops.build.identity import Gvk
from gitops.build.kustomization import Kustomization
from gitops.build.resource import Resource

_LABELS = FieldSpec("metadata/labels", create=True)
_OF_IMAGE = ("digest", "newTag", "tagSuffix", "newName")
"""What an entry of `images` changes, the part that changes most often first: its line is the one shown."""


def run(kustomization: Kustomization, collection: Collection, context: Context, origin: str | None) -> None:
    """Apply every transformer the kustomization asks for.

    Raises:
        BuildError: one of them cannot be applied.
    """
    step = _Step(kustomization, collection, context, origin)
    step.strategic_patches()
    step.patches()
    step.namespace()
    step.names()
    step.labels()
    step.annotations()
    step.json_patches()
    step.replicas()
    step.images()
    step.replacements()
    collection.changed()


class _Step:
    """The kustomization at work on its collection."""

    def __init__(
        self, kustomization: Kustomization, collection: Collection, context: Context, origin: str | None
    ) -> None:
        self.kustomization = kustomization
        self.collection = collection
        self.context = context
        self.origin = origin

    @functools.cached_property
    def kinds(self) -> Counter[Gvk]:
        """How many objects there are of each kind, for prices: not asked anew after every patch."""
        return budget.kinds(self.collection.resources)

    def _done(self, transformer: str) -> None:
        """After each transformer: leave out what a patch deleted, note it on the rest where asked for."""
        self.collection.drop_deleted()
        if self.origin is not None:
            note = metadata.configured(self.origin, self.kustomization, transformer)
            metadata.note(
                self.collection.resources, note, self._paying("", "to note every transformer on every object")
            )

    def _paying(self, pointer: str, what: str) -> Callable[[int], None]:
        """How a transformer pays for what the entry at a pointer asks for."""
        return functools.partial(self.context.budget.spend, at=self.kustomization.where(pointer), what=what)

    def _rename(self, pointer: str, text: str, specs: FieldSpecs) -> None:
        """Pay for a new name or namespace of every object."""
        resources = self.collection.resources
        price = budget.renaming(resources, text) + budget.PLACED * budget.places(self.kinds, specs)
        self._paying(pointer, f"{pointer.strip('/')} of {len(resources)} objects")(price)

    def _visit(self, pointer: str, text: str, times: int, specs: FieldSpecs) -> None:
        """Pay for writing a text so many times into every object, wherever the specs say."""
        resources = self.collection.resources
        price = times * budget.places(self.kinds, specs) * (budget.LABELLED + budget.text_steps(text))
        self._paying(pointer, f"{pointer.strip('/')} of {len(resources)} objects")(price)

    def _mark(self, pointer: str) -> Any:
        return self.context.mark(self.kustomization, pointer)

    def _derived(self, pointer: str) -> Any:
        return self.context.mark(self.kustomization, pointer, derived=True)

    def _foresee(self, field: str, price: int) -> None:
        """Refuse a list whose entries each look at all objects, if that is far too much, before the first does."""
        entries, count = len(self.kustomization.entries(field)), len(self.collection.resources)
        what = f"{entries} {field} for {count} objects"
        self.context.budget.foresee(entries * count * price, self.kustomization.where(f"/{field}"), what)

    def strategic_patches(self) -> None:
        if self.kustomization.entries("patchesStrategicMerge"):
            from gitops.build import patching  # noqa: PLC0415  # not every build patches

            patching.strategic(self.kustomization, self.collection, self.context)
            self._done("PatchStrategicMergeTransformer")

    def patches(self) -> None:
        if self.kustomization.entries("patches"):
            from gitops.build import patching  # noqa: PLC0415  # not every build patches

            for _ in patching.patches(self.kustomization, self.collection, self.context):
                self._done("PatchTransformer")

    def namespace(self) -> None:
        name = self.kustomization.string("namespace")
        if name:
            resources = self.collection.resources
            self._rename("/namespace", name, self.collection.config.namespace)
            pay = self._paying("/namespace", "to find every field for the namespace")
            transform.namespace(resources, name, self.collection.config.namespace, self._mark("/namespace"), pay)
            refuse_twins(resources, self.kustomization.where("/namespace"))
            self._done("NamespaceTransformer")

    def names(self) -> None:
        kustomization, collection = self.kustomization, self.collection
        if text := kustomization.string("namePrefix"):
            self._rename("/namePrefix", text, collection.config.name_prefix)
            specs, pay = collection.config.name_prefix, self._paying("/namePrefix", "to find every name")
            transform.prefix(collection.resources, text, specs, self._derived("/namePrefix"), pay)
            self._done("PrefixTransformer")
        if text := kustomization.string("nameSuffix"):
            self._rename("/nameSuffix", text, collection.config.name_suffix)
            specs, pay = collection.config.name_suffix, self._paying("/nameSuffix", "to find every name")
            transform.suffix(collection.resources, text, specs, self._derived("/nameSuffix"), pay)
            self._done("SuffixTransformer")

    def labels(self) -> None:
        config, resources = self.collection.config, self.collection.resources
        self._foresee("labels", budget.LABELLED)
        entries, common = self.kustomization.entries("labels"), self.kustomization.mapping("commonLabels")
        for i, entry in enumerate(entries):
            specs = FieldSpecs(map(spec_of, entry.get("fields") or ())).merged(config.labels)
            if entry.get("includeSelectors"):
                specs = specs.merged(config.common_labels)
            else:
                if entry.get("includeTemplates"):
                    specs = specs.merged(config.template_labels)
                specs = specs.merged([_LABELS])
            self._entries(resources, entry.get("pairs") or {}, specs, f"/labels/{i}/pairs")
            self._done("LabelTransformer")
        if entries or common:
            self._entries(resources, common, config.common_labels, "/commonLabels")
            self._done("LabelTransformer")

    def _entries(self, resources: list[Resource], pairs: dict[str, str], specs: FieldSpecs, pointer: str) -> None:
        def mark(key: str) -> Any:
            return self._mark(f"{pointer}/{key.replace('~', '~0').replace('/', '~1')}")

        self._visit(pointer, max(pairs.values(), key=len, default=""), len(pairs), specs)
        try:
            transform.entries(resources, pairs, specs, mark, self._paying(pointer, "to find every place for them"))
        except errors.BuildError as error:
            error.location = error.location or self.kustomization.at(pointer)
            raise

    def annotations(self) -> None:
        pairs = self.kustomization.mapping("commonAnnotations")
        if pairs:
            specs = self.collection.config.common_annotations
            self._entries(self.collection.resources, pairs, specs, "/commonAnnotations")
            self._done("AnnotationsTransformer")

    def json_patches(self) -> None:
        if self.kustomization.entries("patchesJson6902"):
            from gitops.build import patching  # noqa: PLC0415  # not every build patches

            for _ in patching.json_patches(self.kustomization, self.collection, self.context):
                self._done("PatchJson6902Transformer")

    def replicas(self) -> None:
        specs = self.collection.config.replicas
        for i, entry in enumerate(self.kustomization.entries("replicas")):
            pointer = f"/replicas/{i}"
            # The line that decides the value, not the first of its entry: blame is about lines.
            mark = self._mark(f"{pointer}/count" if "count" in entry else pointer)
            at = self.kustomization.where(pointer)
            named = self.collection.named(entry.get("name", ""))
            pay = self._paying(pointer, "replicas")
            pay(budget.PARSED + len(named) * len(specs) * budget.PLACED)
            transform.replicas(named, entry, specs, mark, pay, at)
            self._done("ReplicaCountTransformer")

    def images(self) -> None:
        specs = self.collection.config.images
        self._foresee("images", budget.VISITED)
        if not self.kustomization.entries("images"):
            return
        looking = self._paying("/images", "to look for images in every object")
        containers = transform.containers(self.collection.resources, looking)
        for i, entry in enumerate(self.kustomization.entries("images")):
            field = next((f"/{name}" for name in _OF_IMAGE if entry.get(name)), "")
            pay = self._paying(f"/images/{i}", "to look for images in every object")
            try:
                transform.image(containers, entry, specs, self._mark(f"/images/{i}{field}"), pay)
            except errors.BuildError as error:
                error.location = error.location or self.kustomization.at(f"/images/{i}")
                raise
            self._done("ImageTagTransformer")

    def replacements(self) -> None:
        if self.kustomization.entries("replacements"):
            from gitops.build import replacements  # noqa: PLC0415  # not every build has any

            self._foresee("replacements", budget.VISITED)
            replacements.run(self.kustomization, self.collection, self.context)
            self._done("ReplacementTransformer")


def refuse_twins(resources: list[Resource], at: Where) -> None:
    """Refuse two objects that a transformer made the same.

    Raises:
        BuildError: which ones.
    """
    seen: dict[Any, Resource] = {}
    for resource in resources:
        other = seen.setdefault(resource.identity.key, resource)
        if other is not resource:
            raise errors.BuildError(
                f"the namespace makes two objects the same: {resource.identity}",
                cause=f"they are at {other.start} and {resource.start}",
                location=at(),
            )
