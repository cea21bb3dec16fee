"""What `buildMetadata` asks for, and the last touches: origins, transformations, annotations as strings."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterable
from typing import Any

from gitops import errors
from gitops.build.budget import text_steps
from gitops.build.kustomization import Kustomization
from gitops.build.resource import Resource
from gitops.yaml import keys, load_all
from gitops.yaml.scalars import Authored, is_null, text_of
from gitops.yaml.tracked import Map
from gitops.yaml.writer import dump

ORIGIN = "config.kubernetes.io/origin"
TRANSFORMATIONS = "alpha.config.kubernetes.io/transformations"
MANAGED_BY = "app.kubernetes.io/managed-by"
KUSTOMIZE = "kustomize-v5.7.1"
"""What the pinned kubectl writes into its managed-by label."""

_INTERNAL = (
    *(
        f"internal.config.kubernetes.io/{name}"
        for name in (
            "previousKinds",
            "previousNames",
            "prefixes",
            "suffixes",
            "previousNamespaces",
            "allowNameChange",
            "allowKindChange",
            "refBy",
            "generatorBehavior",
            "needsHashSuffix",
            "path",
            "index",
            "seqindent",
            "id",
            "annotations-migration-resource-id",
        )
    ),
    "config.kubernetes.io/path",
    "config.kubernetes.io/index",
    "config.k8s.io/id",
)

_NOTED = 12
"""Steps for one note on one object."""


def joined(base: str, path: str) -> str:
    """A path below another, as origins write it."""
    return posixpath.normpath(posixpath.join(base, path)) if base else posixpath.normpath(path)


def set_file_origin(resources: Iterable[Resource], origin: str | None, path: str) -> None:
    """Note the file objects were read from, if origins are asked for."""
    if origin is not None:
        text = dump({"path": joined(origin, path)})
        for resource in resources:
            _annotate(resource, ORIGIN, text)


def _annotate(resource: Resource, key: str, value: str) -> None:
    annotations = resource.metadata().get("annotations")
    if not isinstance(annotations, dict):
        annotations = resource.metadata()["annotations"] = {}
    annotations[key] = value
    # kustomize writes all annotations anew here: a null becomes its spelling, and what they share with others ends.
    for name, old in annotations.items():
        annotations[name] = text_of(old) if isinstance(old, Authored) and is_null(old) else old
    resource.shared = [group for group in resource.shared if not any(at is annotations for _, at, _ in group)]


def path_in(origin: str) -> str:
    """The path an origin names; empty if it names none."""
    documents = load_all(origin.encode(), ORIGIN)
    value = documents[0].value if documents else None
    return str(value.get("path", "")) if isinstance(value, dict) else ""


def configured(origin: str, kustomization: Kustomization, kind: str) -> str:
    """The origin of what a built-in generator made, or of a built-in transformation."""
    file = joined(origin, posixpath.basename(kustomization.path))
    return _configured(file, {"apiVersion": "builtin", "kind": kind})


def configured_by(path: str, plugin: Resource) -> str:
    """The same for a generator or transformer that has a file of its own."""
    by = {
        "apiVersion": text_of(plugin.data.get("apiVersion", "")),
        "kind": plugin.kind,
        "name": plugin.name,
        "namespace": plugin.namespace,
    }
    return _configured(path, {field: str(value) for field, value in by.items() if value})


def _configured(path: str, by: dict[str, str]) -> str:
    fields = "".join(f"  {dump({field: value})}" for field, value in by.items())
    return f"{dump({'configuredIn': path})}configuredBy:\n{fields}"


def set_origin(resources: Iterable[Resource], origin: str) -> None:
    """Note an origin where there is none yet."""
    for resource in resources:
        if ORIGIN not in resource.strings("annotations"):
            _annotate(resource, ORIGIN, origin)


def note(resources: Iterable[Resource], text: str, pay: Callable[[int], None]) -> None:
    """Add one transformation to those every object went through."""
    entry = "- " + text.rstrip("\n").replace("\n", "\n  ") + "\n"
    for resource in resources:
        annotations = resource.strings("annotations")
        before = annotations.get(TRANSFORMATIONS, "")
        pay(_NOTED + len(annotations) + text_steps(before) // 2)
        if ORIGIN not in annotations:
            _annotate(resource, ORIGIN, text)
        else:
            _annotate(resource, TRANSFORMATIONS, before + entry)


def finish(resources: Iterable[Resource], kustomization: Kustomization) -> None:
    """Bring annotations into their final form: strings, without those that were not asked for."""
    wanted = [str(option) for option in kustomization.entries("buildMetadata")]
    unwanted = set(_INTERNAL)
    if "originAnnotations" not in wanted:
        unwanted.add(ORIGIN)
    if "transformerAnnotations" not in wanted:
        unwanted.add(TRANSFORMATIONS)
    for resource in resources:
        if "managedByLabel" in wanted:
            _label(resource)
        metadata = resource.data.get("metadata")
        if isinstance(metadata, dict) and "annotations" in metadata:
            _finish_annotations(metadata, unwanted)
            kept = metadata.get("annotations") or {}
            if resource.unquoted or any(map(keys.reads_otherwise, kept)):
                # kustomize writes all annotations anew, without quotes around their names.
                resource.set_strings("annotations", kept)


def _finish_annotations(metadata: dict[str, Any], unwanted: set[str]) -> None:
    annotations = metadata["annotations"]
    pairs = annotations.items() if isinstance(annotations, dict) else ()
    kept = {key: value if isinstance(value, str) else text_of(value) for key, value in pairs if key not in unwanted}
    metadata["annotations"] = kept
    if not kept:
        del metadata["annotations"]
    elif isinstance(annotations, Map):
        metadata["annotations"] = annotations
        annotations.clear()
        annotations.update(kept)


def _label(resource: Resource) -> None:
    labels = resource.metadata().get("labels")
    if isinstance(labels, list) or not (isinstance(labels, dict) or is_null(labels)):
        raise errors.BuildError(f"the labels of {resource.identity} are no mapping", location=resource.start)
    if not isinstance(labels, dict):
        labels = resource.metadata()["labels"] = {}
    labels[MANAGED_BY] = KUSTOMIZE
    # Where a transformer had put the same label, that was one with this.
    resource.spread(labels, MANAGED_BY)
