"""Manifest text to resources: what kustomize takes, what it leaves out, what it refuses."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable
from typing import Any

from gitops import errors
from gitops.build.context import Context
from gitops.build.resource import Resource
from gitops.location import Location
from gitops.yaml.reader import Document, load_authored, load_tracked, value_in
from gitops.yaml.scalars import is_null, text_of
from gitops.yaml.tracked import copy

MAX_OBJECTS = 20_000
"""Objects one build may load: twice what the largest honest repository holds."""

_MARK = b"\n..."
_TAIL = re.compile(rb"^\.\.\.(?=\s|\Z).*?(?=^---|\Z)", re.DOTALL | re.MULTILINE)
_MEMORY = "internal.config.kubernetes.io/"


def resources(text: bytes, file: str, context: Context) -> list[Resource]:
    """The objects in a manifest file, lists opened.

    Raises:
        ConfigError: the YAML is broken, or a document is no Kubernetes object.
    """
    text = without_tails(text)
    documents = load_tracked(text, file) if context.tracking else load_authored(text, file)
    context.odd = context.odd or any(document.odd for document in documents)
    context.budget.read(sum(document.weight for document in documents), lambda: Location(file))
    found = [context.loaded(Resource(data, start)) for data, start in _objects(documents)]
    if any(document.unquoted for document in documents):
        for one in found:
            one.unquoted = True
    if _MEMORY.encode() in text:
        for one in found:
            _recall(one)
    context.objects += len(found)
    if context.objects > MAX_OBJECTS:
        raise errors.BuildError(f"the build loads more than {MAX_OBJECTS} objects", location=Location(file))
    return found


def is_readable(text: bytes, file: str) -> bool:
    """Whether it is YAML at all, whatever its documents are."""
    try:
        load_authored(text, file)
    except errors.ConfigError:
        return False
    return True


def without_tails(text: bytes) -> bytes:
    """The text without what follows the end of a document, `...`: kustomize reads on at the next `---`."""
    return _TAIL.sub(lambda found: b"\n" * found[0].count(b"\n"), text) if _MARK in text else text


def _recall(resource: Resource) -> None:
    """Take what stands in the annotations in which kustomize keeps its memories for such."""
    annotations = resource.strings("annotations")
    resource.needs_hash = annotations.get(f"{_MEMORY}needsHashSuffix") == "enabled"
    fields = [annotations.get(f"{_MEMORY}previous{field}") for field in ("Names", "Namespaces", "Kinds")]
    lists = [field.split(",") for field in fields if field is not None]
    if not lists:
        return
    if len(lists) < len(fields) or len({len(one) for one in lists}) > 1:
        raise errors.BuildError(
            f"{resource.identity} has annotations of kustomize's own, {_MEMORY}previous..., that do not go together",
            hint="leave them out: kustomize makes and removes them itself",
            location=resource.start,
        )
    resource.previous = tuple(zip(*lists, strict=True))


def _objects(documents: Iterable[Document]) -> Iterable[tuple[dict[str, Any], Location]]:
    pending = deque((document.value, document.start, document) for document in documents if document.value != {})
    while pending:
        value, start, document = pending.popleft()
        if is_null(value) or value in ({}, []):
            continue
        kind = _checked(value, start)
        items = value.get("items", ...)
        if not kind.endswith("List") or items is ...:
            # Only a list can be without metadata, and what kustomize notes there leaves an empty mapping.
            value.setdefault("metadata", {})
            yield value, start
            continue
        if is_null(items):
            continue
        if not isinstance(items, list):
            raise errors.ConfigError(f"items of the {kind} must be a list", location=start)
        where = _starts(document, value, start)
        pending.extend((copy(item), where[i] if i < len(where) else start, document) for i, item in enumerate(items))


def _starts(document: Document, value: Any, start: Location) -> list[Location]:
    """Where each item of a list object starts; nothing is known of lists within lists."""
    items = value_in(document.tracked(), "/items") if value is document.value else None
    return [getattr(item, "at", None) or start for item in items] if isinstance(items, list) else []


def _checked(value: Any, start: Location) -> str:
    if not isinstance(value, dict):
        raise errors.ConfigError("this document is no Kubernetes object: it is no mapping", location=start)
    kind = "" if is_null(value.get("kind")) else text_of(value.get("kind", ""))
    if not kind:
        raise errors.ConfigError("the object has no kind", location=start)
    metadata = value.get("metadata")
    if not is_null(metadata) and not isinstance(metadata, dict):
        raise errors.ConfigError(f"the metadata of the {kind} is no mapping", location=start)
    name = metadata.get("name") if isinstance(metadata, dict) else None
    if not kind.endswith("List") and (is_null(name) or not text_of(name)):
        raise errors.ConfigError(f"the {kind} has no metadata.name", location=start)
    return kind
