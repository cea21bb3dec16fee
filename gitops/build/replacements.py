"""`replacements`: a value of one object copied into fields of others.

A scalar target keeps its type and takes the source's spelling; a field that had to be created takes the type its
spelling has. Both are kustomize's rules (api/filters/replacement).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gitops import errors
from gitops.build import budget, selectors, shapes
from gitops.build.collection import Collection
from gitops.build.context import Context, Mark
from gitops.build.files import Where
from gitops.build.finder import CREATED, Finder, NoWay
from gitops.build.identity import Gvk
from gitops.build.kustomization import Kustomization, checked_file
from gitops.build.paths import lookup, split_path
from gitops.build.resource import Resource
from gitops.yaml import keys, load_config
from gitops.yaml.scalars import Authored, Dialect, is_null, is_string, plain, resolve, text_of
from gitops.yaml.tracked import copy

_DEFAULT_PATH = "metadata.name"
_DEFAULT_NAMESPACE = "default"


def run(kustomization: Kustomization, collection: Collection, context: Context) -> None:
    """Carry out the `replacements` of a kustomization.

    Raises:
        BuildError: a source or target is missing or ambiguous.
    """
    for i, entry in enumerate(kustomization.entries("replacements")):
        at = kustomization.where(f"/replacements/{i}")
        mark = context.mark(kustomization, f"/replacements/{i}")
        job = Job(collection, at, mark, context)
        for replacement in loaded(entry, kustomization.folder, context, at):
            apply(replacement, job)


def loaded(entry: Mapping[str, Any], folder: str, context: Context, at: Where) -> list[dict[str, Any]]:
    """An entry itself, or those in the file it names.

    Raises:
        BuildError: it is both, or the file is not in the right form.
    """
    path = entry.get("path")
    if not path:
        return [dict(entry)]
    if entry.get("source") or entry.get("targets"):
        raise errors.BuildError("a replacement has either a path or a source and targets", location=at())
    found = context.files.resolve_file(folder, str(path), at)
    text = context.files.read(found, at)
    documents = load_config(text, found)
    shape: Any = {**shapes.REPLACEMENT, "sourceValue": shapes.LOOSE}
    if documents and isinstance(documents[0].value, list):
        shape = [shape]
    data: Any = checked_file(found, text, shape, what="replacement", strict=False).data
    return data if isinstance(data, list) else [data]


@dataclass(frozen=True, slots=True)
class Job:
    """What one replacement works on: the objects, where it stands, the stamp of what it writes, and who pays."""

    collection: Collection
    at: Where
    mark: Mark
    context: Context

    def pay(self, steps: int) -> None:
        """Pay for a part of the work."""
        self.context.budget.spend(steps, self.at, "to look for the sources and targets of replacements, and copy")

    def candidates(self, selector: Mapping[str, Any]) -> Sequence[Resource]:
        """The objects a selector could mean."""
        name = selector.get("name", "")
        found = self.collection.named(name) if name else self.collection.resources
        self.pay(budget.VISITED * (1 + len(found)))
        return found


def apply(replacement: Mapping[str, Any], job: Job) -> None:
    """Copy one source into its targets.

    Raises:
        BuildError: as `run`.
    """
    source, fixed = replacement.get("source"), replacement.get("sourceValue")
    targets = replacement.get("targets")
    if (source is None) == (fixed is None) or not targets:
        raise errors.BuildError(
            "a replacement needs a source (or a sourceValue) and at least one target", location=job.at()
        )
    value = _read(str(fixed)) if source is None else _source(source, job)
    price = budget.size(value)
    for target in targets:
        select = target.get("select")
        if select is None:
            raise errors.BuildError("a target of a replacement must select resources", location=job.at())
        for resource in _selected(target, job):
            for path in target.get("fieldPaths") or [_DEFAULT_PATH]:
                job.pay(budget.APPLIED)
                _copy(value, resource, str(path), target.get("options") or {}, price, job)
            job.collection.changed([resource])


def _read(text: str) -> Any:
    """A value written in the replacement itself: kustomize reads it as if it stood in a manifest."""
    try:
        return resolve(text, Dialect.MANIFEST)
    except ValueError:
        return text


def _source(source: Mapping[str, Any], job: Job) -> Any:
    at = job.at
    found = [resource for resource in job.candidates(source) if _is(resource, source)]
    if len(found) != 1:
        what = "several objects" if found else "no object"
        raise errors.BuildError(
            f"the source of the replacement selects {what}",
            cause=", ".join(str(resource.identity) for resource in found[:5]),
            location=at(),
        )
    path = source.get("fieldPath") or _DEFAULT_PATH
    value = lookup(found[0].data, split_path(str(path)))
    if value is None or is_null(value) or value in ({}, []):
        raise errors.BuildError(f"the source {found[0].identity} has no value at {path}", location=at())
    options = source.get("options") or {}
    delimiter, index = options.get("delimiter") or "", options.get("index") or 0
    if not delimiter:
        return value
    if isinstance(value, dict | list):
        raise errors.BuildError("a delimiter needs a source that is a single value", location=at())
    pieces = text_of(value).split(delimiter)
    if not 0 <= index < len(pieces):
        raise errors.BuildError(
            f"index {index} is outside the source's value, which has {len(pieces)} parts", location=at()
        )
    return pieces[index]


def _is(resource: Resource, selector: Mapping[str, Any]) -> bool:
    wanted = Gvk(selector.get("group", ""), selector.get("version", ""), selector.get("kind", ""))
    name, namespace = selector.get("name", ""), selector.get("namespace", "")
    return any(
        (not name or name == known.name)
        and (not namespace or namespace == (known.namespace or _DEFAULT_NAMESPACE))
        and known.gvk.selected_by(wanted)
        for known in (resource.identity, *resource.previous_identities)
    )


def _selected(target: Mapping[str, Any], job: Job) -> list[Resource]:
    at = job.at
    select, rejects = target["select"], target.get("reject") or []
    resources = job.candidates(select)
    job.pay(budget.VISITED * len(resources) * (len(rejects) + select.get("labelSelector", "").count(",")))
    wanted = _labelled(select, at)
    unwanted = [
        _labelled(reject, at) for reject in rejects if reject.get("labelSelector") or reject.get("annotationSelector")
    ]
    named = [
        reject for reject in rejects if any(reject.get(f) for f in ("group", "version", "kind", "name", "namespace"))
    ]
    return [
        resource
        for resource in resources
        if wanted(resource)
        and not any(test(resource) for test in unwanted)
        and _is(resource, select)
        and not any(_is(resource, reject) for reject in named)
    ]


def _labelled(selector: Mapping[str, Any], at: Where) -> Any:
    labels = selectors.parse(selector.get("labelSelector", ""), at)
    annotations = selectors.parse(selector.get("annotationSelector", ""), at)
    return lambda r: labels(r.strings("labels")) and annotations(r.strings("annotations"))


def _copy(value: Any, resource: Resource, path: str, options: Mapping[str, Any], price: int, job: Job) -> None:
    root, at = {"": resource.data}, job.at
    create, parts = bool(options.get("create")), split_path(path)
    resource.unquoted = resource.unquoted or (create and any(map(keys.reads_otherwise, parts)))
    try:
        places = Finder(_blank(value) if create else None, job.pay).find(root, "", parts)
    except (NoWay, ValueError) as error:
        raise errors.BuildError(
            f"the replacement cannot reach {path} in {resource.identity}", cause=str(error), location=at()
        ) from error
    if not places:
        raise errors.BuildError(
            f"the replacement finds no {path} in {resource.identity}",
            hint="set `options: {create: true}` on the target to create it" if not create else "",
            location=at(),
        )
    job.context.odd = job.context.odd or create
    for container, key in places:
        job.pay(2 * (price + budget.size(container[key])))
        container[key] = _put(value, container[key], options, at, job.mark)
        if isinstance(container, dict):
            resource.spread(container, key)


def _put(value: Any, old: Any, options: Mapping[str, Any], at: Where, mark: Mark) -> Any:
    text = text_of(value)
    delimiter = options.get("delimiter") or ""
    if delimiter:
        if isinstance(old, dict | list):
            raise errors.BuildError("a delimiter needs a target that is a single value", location=at())
        text = _spliced("" if old is CREATED else text_of(old), text, delimiter, options.get("index") or 0)
    if isinstance(old, dict | list):
        return copy(value) if isinstance(value, dict | list) else mark(value, None)
    if old is CREATED:
        return _marked(_read(text), mark)
    return mark(plain(_typed(text, old, at)), old)


def _marked(value: Any, mark: Mark) -> Any:
    """A new value with its stamp; its spelling stays, for annotations."""
    if not isinstance(value, Authored):
        return mark(value, None)
    stamped = mark(value.value, None)
    return Authored(value.text, value.value, getattr(stamped, "at", None))


def _spliced(old: str, text: str, delimiter: str, index: int) -> str:
    pieces = old.split(delimiter)
    if index < 0:
        pieces.insert(0, text)
    elif index >= len(pieces):
        pieces.append(text)
    else:
        pieces[index] = text
    return delimiter.join(pieces)


def _typed(text: str, old: Any, at: Where) -> Any:
    if is_string(old):
        return text
    found = resolve(text, Dialect.MANIFEST)
    real, before = plain(found), plain(old)
    if real.__class__ is before.__class__ or (isinstance(before, float) and isinstance(real, int)):
        return found
    raise errors.BuildError(
        "the replacement's source and target are of different types",
        cause=f"the target is a {type(before).__name__}, which the source's text is not",
        location=at(),
    )


def _blank(value: Any) -> Any:
    return dict if isinstance(value, dict) else list if isinstance(value, list) else (lambda: CREATED)
