"""Patches as a kustomization names them: inline or in a file, of either kind, with or without a target."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from gitops import errors
from gitops.build import budget, embedded, patch
from gitops.build.collection import Collection
from gitops.build.context import Context
from gitops.build.files import Where
from gitops.build.kustomization import ConfigFile, Kustomization
from gitops.build.load import is_readable, without_tails
from gitops.build.load import resources as load_resources
from gitops.build.resource import Resource
from gitops.location import Location
from gitops.yaml.tracked import copy, move

_OPERATION = 4
"""Steps for one operation of a JSON patch on one object, beside its value."""


def strategic(kustomization: Kustomization, collection: Collection, context: Context) -> None:
    """Apply `patchesStrategicMerge`: all are read before the first is applied.

    Raises:
        BuildError: one is missing, broken, or fits nothing.
    """
    loaded = []
    for i, entry in enumerate(kustomization.entries("patchesStrategicMerge")):
        pointer = f"/patchesStrategicMerge/{i}"
        at = kustomization.where(pointer)
        loaded += [(one, at) for one in _strategic(str(entry), kustomization, pointer, context)]
    if not loaded:
        raise errors.BuildError("there is no patch in it", location=kustomization.at("/patchesStrategicMerge"))
    for one, at in loaded:
        target = patch.find(collection, one, at)
        patch.apply_selected(collection, [target], one, context)
        collection.drop_deleted()


def _strategic(entry: str, kustomization: Kustomization, pointer: str, context: Context) -> list[Resource]:
    """Patches written in the kustomization itself, or in a file it names."""
    if "\n" in entry:
        return inline_resources(entry, kustomization, pointer, context)
    at = kustomization.where(pointer)
    found = context.files.resolve_file(kustomization.folder, entry, at)
    content = context.files.read(found, at)
    context.budget.spend(budget.PARSED + budget.BYTE * len(content), at, "to read the patches")
    return load_resources(content, found, context)


def patches(kustomization: Kustomization, collection: Collection, context: Context) -> Iterator[None]:
    """Apply `patches`, stopping after each entry.

    Raises:
        BuildError: one is neither kind of patch, or does not fit.
    """
    _foresee(kustomization, "patches", collection, context)
    for i, entry in enumerate(kustomization.entries("patches")):
        text = PatchText(kustomization, entry, f"/patches/{i}/patch", context)
        apply_patch(text, entry, kustomization.where(f"/patches/{i}"), collection)
        yield


def _foresee(kustomization: Kustomization, field: str, collection: Collection, context: Context) -> None:
    """Refuse patches that look at far too many objects together, before the first does."""
    targets = [entry.get("target") or {} for entry in kustomization.entries(field)]
    looking = sum(1 for target in targets if target and not patch.is_word(target.get("name") or ""))
    count = len(collection.resources)
    what = f"{looking} patches look for what they change among {count} objects"
    context.budget.foresee(budget.VISITED * looking * count, kustomization.where(f"/{field}"), what)


def json_patches(kustomization: Kustomization, collection: Collection, context: Context) -> Iterator[None]:
    """Apply `patchesJson6902`, stopping after each entry.

    Raises:
        BuildError: one names no target, is no JSON patch, or does not fit.
    """
    _foresee(kustomization, "patchesJson6902", collection, context)
    for i, entry in enumerate(kustomization.entries("patchesJson6902")):
        at = kustomization.where(f"/patchesJson6902/{i}")
        target = entry.get("target") or {}
        if not target.get("name"):
            raise errors.BuildError("patchesJson6902: the target must have a name", location=at())
        text = PatchText(kustomization, entry, f"/patchesJson6902/{i}/patch", context)
        apply_json_patch(text, target, at, collection)
        yield


def apply_patch(text: PatchText, entry: dict[str, Any], at: Where, collection: Collection) -> None:
    """Apply one entry of `patches`, of either kind.

    Raises:
        BuildError: it is neither, or does not fit.
    """
    ops = text.operations(at)
    target = entry.get("target")
    if ops is not None:
        if target is None:
            raise errors.BuildError("a JSON patch needs a target", location=at())
        selected = patch.select(collection, target, at, text.context)
        _apply_operations(ops, selected, text, at, remember=True)
        collection.changed(selected)
        return
    loaded = _with_options(text.objects(at), entry.get("options") or {})
    if not loaded:
        if target is None or not text.says_nothing(at):
            raise errors.BuildError("the patch is empty", location=at())
        # A file in which all is commented out: kustomize takes it for a JSON patch without operations.
        for resource in patch.select(collection, target, at, text.context):
            resource.remember()
        return
    if target is None:
        for one in loaded:
            found = patch.find(collection, one, at)
            patch.apply_strategic(found, one, text.context)
            collection.changed([found])
        return
    if len(loaded) != 1:
        raise errors.BuildError(f"a patch with a target must be one patch, not {len(loaded)}", location=at())
    patch.apply_selected(collection, patch.select(collection, target, at, text.context), loaded[0], text.context)


def _with_options(loaded: list[Resource], options: dict[str, Any]) -> list[Resource]:
    for one in loaded:
        one.allow_name_change = bool(options.get("allowNameChange"))
        one.allow_kind_change = bool(options.get("allowKindChange"))
        if (one.allow_name_change or one.allow_kind_change) and one.strings("annotations"):
            # kustomize notes the option in an annotation, and writes all of them anew as strings.
            one.set_strings("annotations", one.strings("annotations"))
    return loaded


def _apply_operations(
    ops: list[dict[str, Any]], selected: list[Resource], text: PatchText, at: Where, *, remember: bool
) -> None:
    price = budget.APPLIED + _OPERATION * len(ops) + budget.size(ops)
    for resource in selected:
        text.context.budget.spend(price + len(resource.previous), at, "to patch every object that is selected")
        if remember:
            resource.remember()
        patch.apply_operations(resource, copy(ops), text.context, at)


def apply_json_patch(text: PatchText, target: dict[str, Any], at: Where, collection: Collection) -> None:
    """Apply one entry of `patchesJson6902`.

    Raises:
        BuildError: it is no JSON patch, or does not fit.
    """
    ops = text.operations(at)
    if not ops:
        raise errors.BuildError("this is no JSON patch: a list of operations is expected", location=at())
    selected = patch.select(collection, target, at, text.context)
    _apply_operations(ops, selected, text, at, remember=False)
    collection.changed(selected)


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
                self._content = self.source.path, without_tails(self.inline.encode())
            else:
                found = self.context.files.resolve_file(self.folder, self.path, at)
                self._content = found, without_tails(self.context.files.read(found, at))
            price = budget.PARSED + budget.BYTE * len(self._content[1])
            self.context.budget.spend(price, at, "to read the patches")
        return self._content

    def operations(self, at: Where) -> list[dict[str, Any]] | None:
        """The JSON Patch it is; None if it is none."""
        path, content = self._file(at)
        try:
            ops = patch.operations(content, path, at, self.context)
        except errors.BuildError:
            raise
        except errors.ConfigError as error:
            if self.inline:
                error.location = embedded.place(self.source, self.pointer, self.inline)(error.location or at())
            raise
        if self.inline and self.context.tracking and ops:
            move(ops, embedded.place(self.source, self.pointer, self.inline))
        return ops

    def says_nothing(self, at: Where) -> bool:
        """Whether its first document has no value: what kustomize takes for a JSON patch without operations."""
        path, content = self._file(at)
        return patch.says_nothing(content, path)

    def objects(self, at: Where) -> list[Resource]:
        """The strategic merge patches in it.

        Raises:
            BuildError: it is neither kind of patch.
        """
        path, content = self._file(at)
        try:
            if self.inline:
                loaded = inline_resources(self.inline, self.source, self.pointer, self.context)
            else:
                loaded = load_resources(content, path, self.context)
        except errors.ConfigError as error:
            if patch.says_nothing(content, path):
                return []
            if not is_readable(content, path):
                at_fault = error.location or at()
                raise errors.BuildError(error.message, cause=error.cause, hint=error.hint, location=at_fault) from error
            raise errors.BuildError(
                "this is neither a strategic merge patch nor a JSON patch",
                cause=f"{error.message}{': ' if error.cause else ''}{error.cause}",
                hint=error.hint
                or "write a partial object with apiVersion, kind and metadata.name, or a list of operations",
                location=error.location or at(),
            ) from error
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
