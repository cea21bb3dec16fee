"""The plain transformers: names, namespace, labels, annotations, images, replicas.

Each is a function over the list of resources that edits them in place. Facts about what they do are kustomize's
(api/filters, api/internal/builtins, 5.7.1).
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from gitops import errors
from gitops.build import fieldspec, patterns
from gitops.build.budget import FOLLOWED, RENAMED, VISITED, text_steps
from gitops.build.context import Mark
from gitops.build.fieldspec import FieldSpec, FieldSpecs, Pay
from gitops.build.files import Where
from gitops.build.identity import Gvk
from gitops.build.resource import Member, Resource
from gitops.yaml.scalars import is_null, text_of

_UNTOUCHED = (
    Gvk(kind="CustomResourceDefinition"),
    Gvk(group="apiregistration.k8s.io", kind="APIService"),
    Gvk(kind="Namespace"),
)
_NAMESPACE = FieldSpec("metadata/namespace", create=True)
_BINDINGS = ("RoleBinding", "ClusterRoleBinding")


def prefix(resources: Sequence[Resource], text: str, specs: FieldSpecs, mark: Mark, pay: Pay) -> None:
    """Put a prefix before names; definitions, API services and namespaces keep theirs."""
    for resource, spec in _renamed(resources, specs):
        if spec.path == "metadata/name" and text:
            resource.prefixes = (*resource.prefixes, text)
            resource.remember()
        fieldspec.change(resource, spec, lambda old: mark(text + _text(old), old), pay, str)


def suffix(resources: Sequence[Resource], text: str, specs: FieldSpecs, mark: Mark, pay: Pay) -> None:
    """Put a suffix after names, as `prefix` does before."""
    for resource, spec in _renamed(resources, specs):
        if spec.path == "metadata/name" and text:
            resource.suffixes = (*resource.suffixes, text)
            resource.remember()
        fieldspec.change(resource, spec, lambda old: mark(_text(old) + text, old), pay, str)


def _single(value: Any) -> Any:
    """A value that is to be changed, which must be no mapping and no list."""
    if isinstance(value, dict | list):
        raise errors.BuildError("a mapping or a list stands where a single value is expected")
    return value


def _text(value: Any) -> str:
    return text_of(_single(value))


def _renamed(resources: Sequence[Resource], specs: FieldSpecs) -> Iterable[tuple[Resource, FieldSpec]]:
    for resource in resources:
        original = resource.original.gvk
        if not any(original.selected_by(gvk) for gvk in _UNTOUCHED):
            for spec in specs.of(original):
                yield resource, spec


def only_unset(mark: Mark) -> Mark:
    """The mark of a transformer that leaves alone what has a value."""
    return lambda value, old: old if not is_null(old) and _text(old) else mark(value, old)


def namespace(
    resources: Sequence[Resource],
    name: str,
    specs: FieldSpecs,
    mark: Mark,
    pay: Pay,
    subjects: str = "defaultOnly",
) -> None:
    """Set the namespace of namespaced objects, and where objects name it; what they were called is remembered."""
    for resource in resources:
        resource.remember()
        set_namespace(resource, name, specs, mark, pay, subjects)


def set_namespace(
    resource: Resource, name: str, specs: FieldSpecs, mark: Mark, pay: Pay, subjects: str = "defaultOnly"
) -> None:
    """Set the namespace of one object."""

    def edit(old: Any) -> Any:
        return mark(name, _single(old))

    if not resource.gvk.cluster_scoped:
        fieldspec.change(resource, _NAMESPACE, edit, pay, str)
    if resource.kind in _BINDINGS:
        _namespace_subjects(resource, subjects, edit, pay)
    core = text_of(resource.data.get("apiVersion", "")) == "v1"
    for spec in specs.of(resource.gvk):
        if spec.path == _NAMESPACE.path or (spec.path == "metadata/name" and not core):
            continue
        if spec.path == "subjects/namespace" and spec.gvk.kind in _BINDINGS:
            continue
        fieldspec.change(resource, spec, edit, pay, str)


def _namespace_subjects(resource: Resource, mode: str, edit: Callable[[Any], Any], pay: Pay) -> None:
    subjects = resource.data.get("subjects")
    if mode == "none" or is_null(subjects):
        return
    if not isinstance(subjects, list):
        raise errors.BuildError(f"the subjects of {resource.identity} must be a list", location=resource.start)
    pay(fieldspec.CREATED * len(subjects))
    for subject in subjects:
        if not isinstance(subject, dict):
            raise errors.BuildError(f"a subject of {resource.identity} is no mapping", location=resource.start)
        if isinstance(subject.get("name"), dict | list):
            raise errors.BuildError(f"the name of a subject of {resource.identity} is no text", location=resource.start)
        named = text_of(subject.get("name", "")) == "default"
        account = text_of(subject.get("kind", "")) == "ServiceAccount"
        if account if mode == "allServiceAccounts" else named:
            subject["namespace"] = edit(subject.get("namespace"))


def entries(
    resources: Sequence[Resource], pairs: Mapping[str, str], specs: FieldSpecs, mark: Callable[[str], Mark], pay: Pay
) -> None:
    """Set labels or annotations where the specs say; `mark(key)` stamps the value of a key."""
    for key in sorted(pairs):
        value, stamp = str(pairs[key]), mark(key)
        for resource in resources:
            added: list[Member] = []
            for spec in specs.of(resource.gvk):
                edit = functools.partial(
                    _set_entry, key=key, value=value, stamp=stamp, into=(resource, added, spec.path)
                )
                fieldspec.change(resource, spec, edit, pay, dict)
            if len(added) > 1:
                resource.shared.append(added)


def _set_entry(old: Any, *, key: str, value: str, stamp: Mark, into: tuple[Resource, list[Member], str]) -> Any:
    if not isinstance(old, dict):
        if is_null(old):
            return old
        raise errors.BuildError(f"cannot set {key!r}: a single value stands where a mapping is expected")
    resource, added, path = into
    if not key:
        raise errors.BuildError("a label or an annotation has an empty key")
    present = key in old
    old[key if present else resource.made_key(key)] = stamp(value, old.get(key))
    if not present:
        added.append((fieldspec.split(path), old, key))
    elif resource.shared:
        resource.spread(old, key)
    return old


_CONTAINER_LISTS = ("containers", "initContainers")
_CONTAINERS = (dict, list)
"""Not `dict | list`, which is made anew at each use: every value of a build is asked."""


Containers = list[tuple[Resource, list[dict[str, Any]]]]
"""Objects, and the containers in each."""


def containers(resources: Sequence[Resource], pay: Pay) -> Containers:
    """The containers that name an image, wherever in an object they are listed; none in definitions of kinds.

    Raises:
        BuildError: a list of containers holds something else.
    """
    found: Containers = []
    for resource in resources:
        if resource.kind != "CustomResourceDefinition":
            there: list[dict[str, Any]] = []
            pay(VISITED + _add_containers(resource.data, there))
            found.append((resource, there))
    return found


def _add_containers(node: Any, found: list[dict[str, Any]]) -> int:
    """Add all containers in a mapping or list; returns how many values that was to look at."""
    seen = len(node)
    if isinstance(node, dict):
        for key, value in node.items():
            if isinstance(value, _CONTAINERS):
                seen += _add_containers(value, found)
                if key in _CONTAINER_LISTS and isinstance(value, list):
                    found += _with_image(value)
    else:
        for item in node:
            if isinstance(item, _CONTAINERS):
                seen += _add_containers(item, found)
    return seen


def _with_image(items: list[Any]) -> Iterator[dict[str, Any]]:
    for item in items:
        if isinstance(item, dict):
            if "image" in item:
                yield item
        elif not is_null(item):
            raise errors.BuildError("an image cannot be set: a list of containers holds something else")


def image(objects: Containers, entry: Mapping[str, str], specs: FieldSpecs, mark: Mark, pay: Pay) -> None:
    """Change an image's name, tag or digest, in all containers and where the specs say.

    Raises:
        BuildError: the entry's name is no valid pattern, or an image field is no string.
    """
    name = entry.get("name", "")
    pattern = _image_pattern(name)

    def edit(old: Any) -> Any:
        text = _text(old)
        if is_null(old) or (name not in text and name.isalnum()):
            return old
        pay(pattern.steps(text))
        if not pattern.regex.search(text):
            return old
        pay(RENAMED + text_steps(text))
        renamed = _renamed_image(text, entry)
        return old if renamed == text else mark(renamed, old)

    pay(VISITED * len(objects) + FOLLOWED * sum(len(there) for _, there in objects))
    for resource, there in objects:
        for container in there:
            container["image"] = edit(container["image"])
        there_too = specs.of(resource.gvk)
        if there_too:
            pay(FOLLOWED * len(there_too))
        for spec in there_too:
            fieldspec.change(resource, spec, edit, pay)


def _image_pattern(name: str) -> patterns.Pattern:
    try:
        return patterns.ending(name, r"(:[a-zA-Z0-9_.{}-]*)?(@sha256:[a-zA-Z0-9_.{}-]*)?")
    except ValueError as error:
        raise errors.BuildError(f"the image name {name!r} is not a valid pattern", cause=str(error)) from error


def split_image(image: str) -> tuple[str, str, str]:
    """Name, tag and digest of an image reference; empty where it has none."""
    name, at, digest = image.partition("@")
    slash = name.find("/")
    colon = name.find(":", max(0, slash))
    if colon < 0:
        return name, "", digest if at else ""
    return name[:colon], name[colon + 1 :], digest


def _renamed_image(image: str, entry: Mapping[str, str]) -> str:
    name, tag, digest = split_image(image)
    name = entry.get("newName") or name
    new_tag, new_digest = entry.get("newTag") or "", entry.get("digest") or ""
    if new_tag or new_digest:
        tag, digest = new_tag, new_digest
    elif entry.get("tagSuffix"):
        tag, digest = tag + entry["tagSuffix"], ""
    return name + (f":{tag}" if tag else "") + (f"@{digest}" if digest else "")


def replicas(
    resources: Sequence[Resource], entry: Mapping[str, Any], specs: FieldSpecs, mark: Mark, pay: Pay, at: Where
) -> None:
    """Set the replica count of every workload that has, or had, a name.

    Raises:
        BuildError: no workload has it.
    """
    name, count = entry.get("name", ""), entry.get("count", 0)
    found = False
    for spec in specs:
        for resource in resources:
            identities = (*resource.previous_identities, resource.identity)
            if any(known.name == name and known.gvk.selected_by(spec.gvk) for known in identities):
                found = True
                fieldspec.change(resource, spec, lambda old: mark(count, _single(old)), pay, int)
    if not found:
        kinds = sorted({spec.gvk.kind for spec in specs})
        raise errors.BuildError(f"replicas: no {', '.join(kinds)} is named {name!r}", location=at())
