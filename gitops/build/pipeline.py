"""The transformers of one kustomization, in kustomize's order."""

from __future__ import annotations

from typing import Any

from gitops import errors
from gitops.build import embedded, metadata, patch, replacements, transform
from gitops.build.collection import Collection
from gitops.build.config import spec_of
from gitops.build.context import Context
from gitops.build.fieldspec import FieldSpec, FieldSpecs
from gitops.build.files import Where
from gitops.build.kustomization import ConfigFile, Kustomization
from gitops.build.load import resources as load_resources
from gitops.build.resource import Resource
from gitops.location import Location
from gitops.yaml.reader import copy
from gitops.yaml.tracked import move

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

    def _derived(self, pointer: str) -> Any:
        return self.context.mark(self.kustomization, pointer, derived=True)

    def strategic_patches(self) -> None:
        entries = self.kustomization.entries("patchesStrategicMerge")
        loaded = []
        for i, entry in enumerate(entries):
            pointer = f"/patchesStrategicMerge/{i}"
            at = self.kustomization.where(pointer)
            loaded += [(one, at) for one in self._strategic(str(entry), pointer)]
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

    def _strategic(self, entry: str, pointer: str) -> list[Resource]:
        """Patches written in the kustomization itself, or in a file it names."""
        files, folder = self.context.files, self.kustomization.folder
        if "\n" not in entry:
            at = self.kustomization.where(pointer)
            found = files.resolve_file(folder, entry, at)
            return load_resources(files.read(found, at), found, self.context)
        return inline_resources(entry, self.kustomization, pointer, self.context)

    def patches(self) -> None:
        patch.refuse_many(len(self.kustomization.entries("patches")), self.kustomization.where("/patches"))
        for i, entry in enumerate(self.kustomization.entries("patches")):
            at = self.kustomization.where(f"/patches/{i}")
            text = PatchText(self.kustomization, entry, f"/patches/{i}/patch", self.context)
            apply_patch(text, entry, at, self.collection.resources)
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
        for i, entry in enumerate(self.kustomization.entries("patchesJson6902")):
            at = self.kustomization.where(f"/patchesJson6902/{i}")
            target = entry.get("target") or {}
            if not target.get("name"):
                raise errors.BuildError("patchesJson6902: the target must have a name", location=at())
            text = PatchText(self.kustomization, entry, f"/patchesJson6902/{i}/patch", self.context)
            apply_json_patch(text, target, at, self.collection.resources)
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


def apply_patch(text: PatchText, entry: dict[str, Any], at: Where, resources: list[Resource]) -> None:
    """Apply one entry of `patches`, of either kind.

    Raises:
        BuildError: it is neither, or does not fit.
    """
    ops = text.operations(at)
    target = entry.get("target")
    if ops is not None:
        if target is None:
            raise errors.BuildError("a JSON patch needs a target", location=at())
        for resource in patch.select(resources, target, at):
            resource.remember()
            patch.apply_operations(resource, copy(ops), text.context, at)
        return
    options = entry.get("options") or {}
    loaded = text.objects(at)
    for one in loaded:
        one.allow_name_change = bool(options.get("allowNameChange"))
        one.allow_kind_change = bool(options.get("allowKindChange"))
        if (one.allow_name_change or one.allow_kind_change) and one.strings("annotations"):
            # kustomize notes the option in an annotation, and writes all of them anew as strings.
            one.set_strings("annotations", one.strings("annotations"))
    if target is None:
        for one in loaded:
            patch.apply_strategic(patch.find(resources, one, at), one, text.context)
        return
    if len(loaded) != 1:
        raise errors.BuildError(f"a patch with a target must be one patch, not {len(loaded)}", location=at())
    patch.apply_selected(resources, patch.select(resources, target, at), loaded[0], text.context)


def apply_json_patch(text: PatchText, target: dict[str, Any], at: Where, resources: list[Resource]) -> None:
    """Apply one entry of `patchesJson6902`.

    Raises:
        BuildError: it is no JSON patch, or does not fit.
    """
    ops = text.operations(at)
    if not ops:
        raise errors.BuildError("this is no JSON patch: a list of operations is expected", location=at())
    for resource in patch.select(resources, target, at):
        patch.apply_operations(resource, copy(ops), text.context, at)


class PatchText:
    """A patch of either kind: written at `pointer` of a kustomization, or in the file its `path` names."""

    def __init__(
        self, source: ConfigFile, entry: dict[str, Any], pointer: str, context: Context, folder: str | None = None
    ) -> None:
        self.source = source
        self.pointer = pointer
        self.context = context
        self.inline = str(entry.get("patch") or "").strip()
        self.path = str(entry.get("path") or "")
        self.folder = source.path.rpartition("/")[0] if folder is None else folder
        self._content: tuple[str, bytes] | None = None

    def _file(self, at: Where) -> tuple[str, bytes]:
        if bool(self.inline) == bool(self.path):
            raise errors.BuildError("a patch needs either `patch` or `path`", location=at())
        if self._content is None:
            if self.inline:
                self._content = self.source.path, self.inline.encode()
            else:
                found = self.context.files.resolve_file(self.folder, self.path, at)
                self._content = found, self.context.files.read(found, at)
        return self._content

    def operations(self, at: Where) -> list[dict[str, Any]] | None:
        """The JSON Patch it is; None if it is none."""
        path, content = self._file(at)
        ops = patch.operations(content, path, at, self.context)
        if self.inline and self.context.tracking and ops:
            move(ops, embedded.place(self.source, self.pointer, self.inline))
        return ops

    def objects(self, at: Where) -> list[Resource]:
        """The strategic merge patches in it.

        Raises:
            BuildError: it is neither kind of patch, or empty.
        """
        path, content = self._file(at)
        try:
            if self.inline:
                loaded = inline_resources(self.inline, self.source, self.pointer, self.context)
            else:
                loaded = load_resources(content, path, self.context)
        except errors.ConfigError as error:
            raise errors.BuildError(
                "this is neither a strategic merge patch nor a JSON patch",
                cause=f"{error.message}{': ' if error.cause else ''}{error.cause}",
                hint=error.hint
                or "write a partial object with apiVersion, kind and metadata.name, or a list of operations",
                location=error.location or at(),
            ) from error
        if not loaded:
            raise errors.BuildError("the patch is empty", location=at())
        return loaded


def inline_resources(text: str, source: ConfigFile, pointer: str, context: Context) -> list[Resource]:
    """Objects written inside another file, with positions in that file.

    Raises:
        BuildError: the text is no YAML, or no Kubernetes object.
    """
    try:
        loaded = load_resources(text.encode(), source.path, context)
    except errors.ConfigError as error:
        inner = error.location or Location(source.path, 1, 1)
        at = embedded.place(source, pointer, text)(inner)
        raise errors.BuildError(error.message, cause=error.cause, hint=error.hint, location=at) from error
    where = embedded.place(source, pointer, text)
    for one in loaded:
        one.start = where(one.start)
        if context.tracking:
            move(one.data, where)
    return loaded
