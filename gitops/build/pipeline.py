"""The transformers of one kustomization, in kustomize's order."""

from __future__ import annotations

from typing import Any

from gitops import errors
from gitops.build import metadata, transform
from gitops.build.collection import Collection
from gitops.build.config import spec_of
from gitops.build.context import Context
from gitops.build.fieldspec import FieldSpec, FieldSpecs
from gitops.build.files import Where
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

    def _done(self, transformer: str) -> None:
        """After each transformer: note it where asked for, leave out what a patch deleted."""
        metadata.note_transformer(self.collection.resources, self.origin, self.kustomization, transformer)
        self.collection.drop_deleted()

    def _mark(self, pointer: str) -> Any:
        return self.context.mark(self.kustomization, pointer)

    def _derived(self, pointer: str) -> Any:
        return self.context.mark(self.kustomization, pointer, derived=True)

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
            transform.namespace(resources, name, self.collection.config.namespace, self._mark("/namespace"))
            refuse_twins(resources, self.kustomization.where("/namespace"))
            self._done("NamespaceTransformer")

    def names(self) -> None:
        kustomization, collection = self.kustomization, self.collection
        if text := kustomization.string("namePrefix"):
            transform.prefix(collection.resources, text, collection.config.name_prefix, self._derived("/namePrefix"))
            self._done("PrefixTransformer")
        if text := kustomization.string("nameSuffix"):
            transform.suffix(collection.resources, text, collection.config.name_suffix, self._derived("/nameSuffix"))
            self._done("SuffixTransformer")

    def labels(self) -> None:
        config, resources = self.collection.config, self.collection.resources
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

        try:
            transform.entries(resources, pairs, specs, mark)
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
            transform.replicas(self.collection.resources, entry, specs, mark, at)
            self._done("ReplicaCountTransformer")

    def images(self) -> None:
        specs = self.collection.config.images
        for i, entry in enumerate(self.kustomization.entries("images")):
            field = next((f"/{name}" for name in _OF_IMAGE if entry.get(name)), "")
            try:
                transform.image(self.collection.resources, entry, specs, self._mark(f"/images/{i}{field}"))
            except errors.BuildError as error:
                error.location = error.location or self.kustomization.at(f"/images/{i}")
                raise
            self._done("ImageTagTransformer")

    def replacements(self) -> None:
        if self.kustomization.entries("replacements"):
            from gitops.build import replacements  # noqa: PLC0415  # not every build has any

            replacements.run(self.kustomization, self.collection.resources, self.context)
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
