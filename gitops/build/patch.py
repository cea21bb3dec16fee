"""Patches of both kinds: which objects they select, and applying them."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from gitops import errors
from gitops.build import budget, jsonops, patterns, selectors
from gitops.build.collection import Collection
from gitops.build.context import Context
from gitops.build.files import Where
from gitops.build.resource import Resource
from gitops.merge import jsonpatch, strategic
from gitops.yaml import is_string, load_config, text_of
from gitops.yaml.reader import value_in
from gitops.yaml.scalars import is_null, plain
from gitops.yaml.tracked import replacing, respelled


def find(collection: Collection, patch: Resource, at: Where) -> Resource:
    """The one resource that is, or was, what the patch names.

    Raises:
        BuildError: none or several.
    """
    identity = patch.original
    found = collection.known(identity.key)
    if len(found) == 1:
        return found[0]
    if not found:
        raise errors.BuildError(
            f"the patch changes {identity}, which is not among the resources",
            cause=_close(collection.resources, patch),
            hint="the patch's apiVersion, kind, name and namespace must be those of a resource here",
            location=patch.start if patch.start.line else at(),
        )
    raise errors.BuildError(f"the patch changes {identity}, which {len(found)} resources are or were", location=at())


def _close(resources: Sequence[Resource], patch: Resource) -> str:
    """What the person may have meant."""
    same_name = [str(r.identity) for r in resources if r.name == patch.name]
    same_kind = [r.name for r in resources if r.kind == patch.kind]
    if same_name:
        return f"there is {same_name[0]}"
    return f"the {patch.kind}s here are {', '.join(same_kind[:5])}" if same_kind else f"there is no {patch.kind} here"


def apply_strategic(target: Resource, patch: Resource, context: Context) -> None:
    """Merge a patch into a resource; the resource is empty afterwards if the patch deletes it.

    Raises:
        BuildError: the patch does not fit.
    """
    name, namespace, kind = target.name, target.namespace, target.kind
    if patch.allow_name_change or patch.allow_kind_change:
        target.remember()
    if patch.data.get(strategic.DIRECTIVE) == "replace":
        # kustomize makes the replacement and then keeps the object as it was.
        return
    schema = context.lists.current
    before = [[mapping.get(key) for _, mapping, key in group] for group in target.shared]
    type_name = schema.type_of(text_of(target.data.get("apiVersion", "")), kind)
    if not type_name:
        type_name = schema.type_of(text_of(patch.data.get("apiVersion", "")), patch.kind)
    target.unquoted = target.unquoted or patch.unquoted
    fields = {key: target.data["metadata"].get(key) for key in ("name", "namespace")}
    kind_value = target.data["kind"]
    spend = functools.partial(context.budget.spend, at=lambda: patch.start, what=f"to merge into {target.identity}")
    try:
        merged = strategic.merge(target.data, patch.data, schema, type_name, spend)
    except strategic.MergeError as error:
        raise errors.BuildError(
            f"the patch does not fit {target.identity} at {'.'.join(error.path) or 'its root'}",
            cause=error.message,
            location=patch.start,
        ) from error
    target.data = merged or {}
    if not merged:
        return
    _spread(target, before)
    if not patch.allow_kind_change:
        target.data["kind"] = kind_value
    metadata = target.metadata()
    if not patch.allow_name_change and name:
        metadata["name"] = fields["name"]
    if target.namespace != namespace or (not namespace and "namespace" in metadata):
        metadata.pop("namespace", None)
        if namespace:
            metadata["namespace"] = fields["namespace"]


def _spread(target: Resource, before: list[list[Any]]) -> None:
    """Let a patch that changed one of several shared fields change the others, the last change winning."""
    for group, values in zip(target.shared, before, strict=True):
        changed = [
            member
            for member, value in zip(group, values, strict=True)
            if member[2] in member[1] and member[1][member[2]] is not value and member[1][member[2]] != value
        ]
        if changed:
            _, mapping, key = max(changed, key=lambda member: member[0])
            target.spread(mapping, key)


def apply_selected(collection: Collection, selected: Sequence[Resource], patch: Resource, context: Context) -> None:
    """Merge one patch into every selected resource, whatever the patch's own name and kind say."""
    price = budget.APPLIED + budget.size(patch.data)
    twins = _Twins(patch)
    for resource in collection.alike(selected):
        context.budget.spend(price, lambda: patch.start, "to patch every object that is selected")
        before = resource.identity, len(resource.previous)
        apply_strategic(resource, twins.of(resource), context)
        if not resource.data or before != (resource.identity, len(resource.previous)):
            collection.changed([resource])


class _Twins:
    """Copies of a patch, one for each object: merging uses them up."""

    def __init__(self, patch: Resource) -> None:
        self.patch = patch
        self.labels, self.annotations = patch.strings("labels"), patch.strings("annotations")
        self.namespaced = bool(text_of(patch.metadata().get("namespace") or ""))

    def of(self, resource: Resource) -> Resource:
        """The patch for one object: its own version, and labels and annotations that are text."""
        twin = self.patch.copied()
        metadata = twin.metadata()
        if "labels" in metadata:
            twin.set_strings("labels", self.labels)
        if "annotations" in metadata:
            twin.set_strings("annotations", self.annotations)
        if not self.namespaced:
            metadata.pop("namespace", None)
        twin.data["apiVersion"] = resource.data.get("apiVersion", "")
        return twin


def operations(content: bytes, file: str, at: Where, context: Context) -> list[dict[str, Any]] | None:
    """The JSON Patch in a text, None if it is none; a text that starts with `[` must be JSON, as in kustomize.

    Raises:
        BuildError: an operation is not complete.
    """
    if content.lstrip().startswith(b"[") and jsonpatch.parse(content) is None:
        return None
    documents = load_config(content, file, tracked=context.tracking)
    value = documents[0].value if documents else None
    if not isinstance(value, list) or not all(isinstance(op, dict) for op in value):
        return None
    ops: list[dict[str, Any]] = respelled(value) if context.tracking else plain(value)
    try:
        jsonpatch.check(ops)
    except jsonpatch.DoesNotFit as error:
        raise errors.BuildError("the JSON patch is not valid", cause=str(error), location=at()) from error
    return ops


def says_nothing(content: bytes, file: str) -> bool:
    """Whether the first document of a text has no value: kustomize takes it for a JSON Patch of no operations."""
    try:
        documents = load_config(content, file)
    except errors.ConfigError:
        return False
    return not documents or is_null(documents[0].value)


def apply_operations(resource: Resource, ops: list[dict[str, Any]], context: Context, at: Where) -> None:
    """Apply a JSON Patch; annotations kustomize itself keeps cannot be read by it.

    Raises:
        BuildError: an operation does not fit.
    """
    before = resource.identity
    resource.refuse_unquoted()
    # kustomize goes through JSON here, which forgets how numbers were spelled.
    spelled = respelled if context.tracking else plain if context.odd else _same
    data: Any = spelled(resource.data)
    pay = functools.partial(context.budget.spend, at=at, what="to copy what JSON patches copy")
    metadata = data.get("metadata")
    if (resource.previous or resource.generated) and isinstance(metadata, dict):
        # kustomize's memories are annotations, so that a patch may add one more, or take away all of none.
        metadata.setdefault("annotations", {})
    try:
        data = jsonops.apply(ops, data, pay, _remembering if context.tracking else None)
    except jsonpatch.DoesNotFit as error:
        raise errors.BuildError(f"the JSON patch does not fit {before}", cause=str(error), location=at()) from error
    if not _is_object(data):
        raise errors.BuildError(
            f"what the JSON patch leaves of {before} is no object",
            hint="it needs a kind and a metadata.name",
            location=at(),
        )
    resource.data = data
    resource.shared = []
    annotations = data["metadata"].get("annotations") if isinstance(data.get("metadata"), dict) else None
    if annotations == {}:
        del data["metadata"]["annotations"]
    if isinstance(annotations, dict):
        for key, value in annotations.items():
            annotations[key] = value if is_string(value) else text_of(value)


def _is_object(data: Any) -> bool:
    if not isinstance(data, dict) or not isinstance(data.get("metadata"), dict):
        return False
    kind, name = data.get("kind"), data["metadata"].get("name")
    return not is_null(kind) and text_of(kind) != "" and not is_null(name) and text_of(name) != ""


def _same(data: Any) -> Any:
    return data


def _remembering(op: dict[str, Any], data: Any) -> dict[str, Any]:
    """The operation, its value knowing which one it is put in place of."""
    above = value_in(data, op["path"].rpartition("/")[0])
    if op["op"] == "replace" or (op["op"] == "add" and isinstance(above, dict)):
        old = value_in(data, op["path"])
        return op if old is None or "value" not in op else {**op, "value": replacing(op["value"], old)}
    return op


def select(collection: Collection, target: Mapping[str, str], at: Where, context: Context) -> list[Resource]:
    """The resources a `target` selects: names and kinds are anchored patterns, labels are selectors.

    Raises:
        BuildError: a pattern or selector is not valid.
    """
    name = target.get("name", "")
    resources = collection.named(name) if is_word(name) else collection.resources
    spend = functools.partial(context.budget.spend, at=at, what="to look for what the patches select")
    spend(len(resources) * (budget.VISITED + budget.FOLLOWED * _parts(target)))
    tests = {
        field: _anchored(target.get(field, ""), field, at, spend)
        for field in ("group", "version", "kind", "name", "namespace")
    }
    labels = selectors.parse(target.get("labelSelector", ""), at)
    annotations = selectors.parse(target.get("annotationSelector", ""), at)
    return [
        resource
        for resource in resources
        if _selected(resource, tests)
        and labels(resource.strings("labels"))
        and annotations(resource.strings("annotations"))
    ]


def _selected(resource: Resource, tests: Mapping[str, Callable[[str], bool]]) -> bool:
    gvk = resource.gvk
    if not (tests["kind"](gvk.kind) and tests["group"](gvk.group) and tests["version"](gvk.version)):
        return False
    now, first = resource.identity, resource.original
    return (tests["name"](first.name) or tests["name"](now.name)) and (
        tests["namespace"](first.effective_namespace) or tests["namespace"](now.effective_namespace)
    )


def is_word(pattern: str) -> bool:
    """Whether a pattern matches nothing but itself."""
    return re.fullmatch(r"[\w-]+", pattern, re.ASCII) is not None


def _parts(target: Mapping[str, str]) -> int:
    """How many things the selectors of a target ask of an object."""
    return sum(target[field].count(",") + 1 for field in ("labelSelector", "annotationSelector") if target.get(field))


def _anchored(pattern: str, field: str, at: Where, spend: Callable[[int], None]) -> Callable[[str], bool]:
    if not pattern:
        return lambda _text: True
    if is_word(pattern):
        return lambda text: text == pattern
    try:
        found = patterns.whole(pattern)
    except ValueError as error:
        raise errors.BuildError(f"target: {field} is not a valid pattern", cause=str(error), location=at()) from error

    @functools.cache
    def matches(text: str) -> bool:
        spend(found.steps(text))
        return found.regex.match(text) is not None

    return matches


def is_gone(resource: Resource) -> bool:
    """Whether a patch deleted the resource."""
    return not resource.data or is_null(resource.data)
