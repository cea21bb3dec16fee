"""The transformers of one kustomization, in kustomize's order."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gitops import errors
from gitops.build import metadata, patch, replacements, transform
from gitops.build.collection import Collection
from gitops.build.config import spec_of
from gitops.build.context import Context
from gitops.build.fieldspec import FieldSpec, FieldSpecs
from gitops.build.files import Where
from gitops.build.kustomization import Kustomization
from gitops.build.load import resources as load_resources
from gitops.build.resource import Resource
from gitops.yaml.reader import copy

_LABELS = FieldSpec("metadata/labels", create=True)


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
        resources = self.collection.resources
        if any(not resource.data for resource in resources):
            self.collection.replace([resource for resource in resources if resource.data])

    def _mark(self, pointer: str) -> Any:
        return self.context.mark(self.kustomization, pointer)

    def strategic_patches(self) -> None:
        entries = self.kustomization.entries("patchesStrategicMerge")
        loaded = []
        for i, entry in enumerate(entries):
            at = self.kustomization.where(f"/patchesStrategicMerge/{i}")
            loaded += [(one, at) for one in self._strategic(str(entry), at)]
        for one, at in loaded:
            target = patch.find(self.collection.resources, one, at)
            patch.apply_selected(self.collection.resources, [target], one, self.context)
            self._drop()
        if entries:
            self._done("PatchStrategicMergeTransformer")

    def _drop(self) -> None:
        resources = self.collection.resources
        if any(not resource.data for resource in resources):
            self.collection.replace([resource for resource in resources if resource.data])

    def _strategic(self, entry: str, at: Where) -> list[Resource]:
        """Patches written in the kustomization itself, or in a file it names."""
        files, folder = self.context.files, self.kustomization.folder
        if "\n" not in entry:
            found = files.resolve_file(folder, entry, at)
            return load_resources(files.read(found, at), found, self.context)
        return inline_resources(entry, self.kustomization.path, at, self.context)

    def patches(self) -> None:
        for i, entry in enumerate(self.kustomization.entries("patches")):
            at = self.kustomization.where(f"/patches/{i}")
            apply_patch(self.kustomization, entry, at, self.collection.resources, self.context)
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
            transform.prefix(collection.resources, text, collection.config.name_prefix, self._mark("/namePrefix"))
            self._done("PrefixTransformer")
        if text := kustomization.string("nameSuffix"):
            transform.suffix(collection.resources, text, collection.config.name_suffix, self._mark("/nameSuffix"))
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
        for i, entry in enumerate(self.kustomization.entries("patchesJson6902")):
            at = self.kustomization.where(f"/patchesJson6902/{i}")
            target = entry.get("target") or {}
            if not target.get("name"):
                raise errors.BuildError("patchesJson6902: the target must have a name", location=at())
            apply_json_patch(self.kustomization, entry, at, self.collection.resources, self.context)
            self._done("PatchJson6902Transformer")

    def replicas(self) -> None:
        specs = self.collection.config.replicas
        for i, entry in enumerate(self.kustomization.entries("replicas")):
            pointer = f"/replicas/{i}"
            mark, at = self._mark(pointer), self.kustomization.where(pointer)
            transform.replicas(self.collection.resources, entry, specs, mark, at)
            self._done("ReplicaCountTransformer")

    def images(self) -> None:
        specs = self.collection.config.images
        for i, entry in enumerate(self.kustomization.entries("images")):
            try:
                transform.image(self.collection.resources, entry, specs, self._mark(f"/images/{i}"))
            except errors.BuildError as error:
                error.location = error.location or self.kustomization.at(f"/images/{i}")
                raise
            self._done("ImageTagTransformer")

    def replacements(self) -> None:
        if self.kustomization.entries("replacements"):
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


def apply_patch(
    source: Kustomization, entry: dict[str, Any], at: Where, resources: list[Resource], context: Context
) -> None:
    """Apply one entry of `patches`, of either kind.

    Raises:
        BuildError: it is neither, or does not fit.
    """
    text, file, load = _patch_text(source, entry, at, context)
    ops = _operations(text, file, at)
    target = entry.get("target")
    if ops is not None:
        if target is None:
            raise errors.BuildError("a JSON patch needs a target", location=at())
        for resource in patch.select(resources, target, at):
            resource.remember()
            patch.apply_operations(resource, _fresh(ops), context, at)
        return
    options = entry.get("options") or {}
    loaded = _loaded(load, at)
    for one in loaded:
        one.allow_name_change = bool(options.get("allowNameChange"))
        one.allow_kind_change = bool(options.get("allowKindChange"))
    if target is None:
        for one in loaded:
            patch.apply_strategic(patch.find(resources, one, at), one, context)
        return
    if len(loaded) != 1:
        raise errors.BuildError(f"a patch with a target must be one patch, not {len(loaded)}", location=at())
    patch.apply_selected(resources, patch.select(resources, target, at), loaded[0], context)


def _loaded(load: Callable[[], list[Resource]], at: Where) -> list[Resource]:
    try:
        loaded = load()
    except errors.ConfigError as error:
        raise errors.BuildError(
            "this is neither a strategic merge patch nor a JSON patch",
            cause=str(error),
            hint=error.hint
            or "write a partial object with apiVersion, kind and metadata.name, or a list of operations",
            location=at(),
        ) from error
    if not loaded:
        raise errors.BuildError("the patch is empty", location=at())
    return loaded


def apply_json_patch(
    source: Kustomization, entry: dict[str, Any], at: Where, resources: list[Resource], context: Context
) -> None:
    """Apply one entry of `patchesJson6902`.

    Raises:
        BuildError: it is no JSON patch, or does not fit.
    """
    text, file, _ = _patch_text(source, entry, at, context)
    ops = _operations(text, file, at)
    if not ops:
        raise errors.BuildError("this is no JSON patch: a list of operations is expected", location=at())
    for resource in patch.select(resources, entry.get("target") or {}, at):
        patch.apply_operations(resource, _fresh(ops), context, at)


def _fresh(ops: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Operations whose values no other object shares."""
    copied: list[dict[str, Any]] = copy(ops)
    return copied


def _operations(text: str, file: str, at: Where) -> list[dict[str, Any]] | None:
    return patch.operations(text, file, at)


def _patch_text(
    source: Kustomization, entry: dict[str, Any], at: Where, context: Context
) -> tuple[str, str, Callable[[], list[Resource]]]:
    """A patch's text, its file, and how to load it as objects."""
    inline, path = str(entry.get("patch") or "").strip(), entry.get("path") or ""
    if bool(inline) == bool(path):
        raise errors.BuildError("a patch needs either `patch` or `path`", location=at())
    if inline:
        return inline, source.path, lambda: inline_resources(inline, source.path, at, context)
    found = context.files.resolve_file(source.folder, str(path), at)
    content = context.files.read(found, at)
    return content.decode("utf-8", "replace"), found, lambda: load_resources(content, found, context)


def inline_resources(text: str, file: str, at: Where, context: Context) -> list[Resource]:
    """Objects written inside another file: errors name the entry, and the line within it.

    Raises:
        BuildError: the text is no YAML, or no Kubernetes object.
    """
    try:
        loaded = load_resources(text.encode(), file, context)
    except errors.ConfigError as error:
        line = f" (line {error.location.line} of the text)" if error.location else ""
        raise errors.BuildError(error.message + line, cause=error.cause, hint=error.hint, location=at()) from error
    for one in loaded:
        one.start = at()
    return loaded
