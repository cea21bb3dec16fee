"""`replacements`: a value of one object copied into fields of others.

A scalar target keeps its type and takes the source's spelling; a field that had to be created takes the type its
spelling has. Both are kustomize's rules (api/filters/replacement).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from gitops import errors
from gitops.build import patterns, selectors, shapes
from gitops.build.context import Context, Mark
from gitops.build.files import Where
from gitops.build.identity import Gvk
from gitops.build.kustomization import Kustomization, checked_file
from gitops.build.paths import is_matcher, lookup, matcher, split_path
from gitops.build.resource import Resource
from gitops.yaml import load_config
from gitops.yaml.reader import copy
from gitops.yaml.scalars import Dialect, is_null, is_string, plain, resolve, text_of

_DEFAULT_PATH = "metadata.name"
_DEFAULT_NAMESPACE = "default"


class _Created:
    """The value of a field that was created a moment ago and has none yet."""


_CREATED = _Created()


def run(kustomization: Kustomization, resources: Sequence[Resource], context: Context) -> None:
    """Carry out the `replacements` of a kustomization.

    Raises:
        BuildError: a source or target is missing or ambiguous.
    """
    for i, entry in enumerate(kustomization.entries("replacements")):
        at = kustomization.where(f"/replacements/{i}")
        mark = context.mark(kustomization, f"/replacements/{i}")
        for replacement in loaded(entry, kustomization.folder, context, at):
            apply(replacement, resources, at, mark)


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
    shape: Any = shapes.REPLACEMENT
    if documents and isinstance(documents[0].value, list):
        shape = [shapes.REPLACEMENT]
    data: Any = checked_file(found, text, shape, what="replacement").data
    return data if isinstance(data, list) else [data]


def apply(replacement: Mapping[str, Any], resources: Sequence[Resource], at: Where, mark: Mark) -> None:
    """Copy one source into its targets.

    Raises:
        BuildError: as `run`.
    """
    source, fixed = replacement.get("source"), replacement.get("sourceValue")
    targets = replacement.get("targets")
    if (source is None) == (fixed is None) or not targets:
        raise errors.BuildError(
            "a replacement needs a source (or a sourceValue) and at least one target", location=at()
        )
    value = fixed if source is None else _source(source, resources, at)
    for target in targets:
        select = target.get("select")
        if select is None:
            raise errors.BuildError("a target of a replacement must select resources", location=at())
        for resource in _selected(resources, target, at):
            for path in target.get("fieldPaths") or [_DEFAULT_PATH]:
                _copy(value, resource, str(path), target.get("options") or {}, at, mark)


def _source(source: Mapping[str, Any], resources: Sequence[Resource], at: Where) -> Any:
    found = [resource for resource in resources if _is(resource, source)]
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


def _selected(resources: Sequence[Resource], target: Mapping[str, Any], at: Where) -> list[Resource]:
    select, rejects = target["select"], target.get("reject") or []
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


def _copy(value: Any, resource: Resource, path: str, options: Mapping[str, Any], at: Where, mark: Mark) -> None:
    root = {"": resource.data}
    create = bool(options.get("create"))
    try:
        places = _find(root, "", split_path(path), _blank(value) if create else None)
    except (_NoWay, ValueError) as error:
        raise errors.BuildError(
            f"the replacement cannot reach {path} in {resource.identity}", cause=str(error), location=at()
        ) from error
    if not places:
        raise errors.BuildError(
            f"the replacement finds no {path} in {resource.identity}",
            hint="set `options: {create: true}` on the target to create it" if not create else "",
            location=at(),
        )
    for container, key in places:
        container[key] = _put(value, container[key], options, at, mark)
        if isinstance(container, dict):
            resource.spread(container, key)


def _put(value: Any, old: Any, options: Mapping[str, Any], at: Where, mark: Mark) -> Any:
    text = text_of(value)
    delimiter = options.get("delimiter") or ""
    if delimiter:
        if isinstance(old, dict | list):
            raise errors.BuildError("a delimiter needs a target that is a single value", location=at())
        text = _spliced("" if old is _CREATED else text_of(old), text, delimiter, options.get("index") or 0)
    if isinstance(old, dict | list):
        return copy(value) if isinstance(value, dict | list) else mark(value, None)
    return mark(plain(_typed(text, old, at)), None if old is _CREATED else old)


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
    if old is not _CREATED and is_string(old):
        return text
    found = resolve(text, Dialect.MANIFEST)
    if old is _CREATED:
        return found
    real, before = plain(found), plain(old)
    if real.__class__ is before.__class__ or (isinstance(before, float) and isinstance(real, int)):
        return found
    raise errors.BuildError(
        "the replacement's source and target are of different types",
        cause=f"the target is a {type(before).__name__}, which the source's text is not",
        location=at(),
    )


class _NoWay(Exception):
    """A path does not fit the data."""


def _blank(value: Any) -> Any:
    return dict if isinstance(value, dict) else list if isinstance(value, list) else (lambda: _CREATED)


def _next(path: list[str], blank: Any) -> Any:
    """What to create for the rest of a path to be possible."""
    if not path:
        return blank()
    return [] if is_matcher(path[0]) or path[0].isdigit() else {}


def _find(container: Any, key: Any, path: list[str], blank: Any) -> list[tuple[Any, Any]]:
    """Every place (container and key) the path leads to; missing parts are created if `blank` says how they end."""
    if not path:
        return [(container, key)]
    node, part, rest = container[key], path[0], path[1:]
    if part.isdigit():
        return _find_index(node, int(part), rest, blank)
    if is_matcher(part):
        return _find_matching(node, part, rest, blank)
    if part == "*":
        items = _list(node, part)
        return [place for i in range(len(items)) for place in _find(items, i, rest, blank)]
    if is_null(node):
        return []
    if not isinstance(node, dict):
        raise _NoWay(f"{part!r} is below something that is no mapping")
    if part not in node:
        if blank is None:
            return []
        node[part] = _next(rest, blank)
    return _find(node, part, rest, blank)


def _list(node: Any, part: str) -> list[Any]:
    if is_null(node):
        return []
    if not isinstance(node, list):
        raise _NoWay(f"{part!r} is below something that is no list")
    return node


def _find_index(node: Any, index: int, rest: list[str], blank: Any) -> list[tuple[Any, Any]]:
    items = _list(node, str(index))
    if index == len(items) and blank is not None:
        items.append(_next(rest, blank))
    if index >= len(items):
        raise _NoWay(f"the list has {len(items)} items, none at {index}")
    return _find(items, index, rest, blank)


def _find_matching(node: Any, part: str, rest: list[str], blank: Any) -> list[tuple[Any, Any]]:
    items = _list(node, part)
    try:
        name, pattern = matcher(part)
    except ValueError:
        raise _NoWay(f"{part} needs the form [field=value]") from None
    wanted = patterns.compiled(pattern)
    found = [i for i, item in enumerate(items) if _matches(item, name, wanted)]
    places = [place for i in found for place in (_find(items, i, rest, blank) if name else [(items, i)])]
    if places or blank is None:
        return places
    items.append({name: pattern} if name else pattern)
    return _find(items, len(items) - 1, rest if name else [], blank)


def _matches(item: Any, name: str, pattern: re.Pattern[str]) -> bool:
    """Patterns are not anchored: kustomize's are not."""
    if not name:
        return not isinstance(item, dict | list) and bool(pattern.search(text_of(item)))
    return isinstance(item, dict) and name in item and bool(pattern.search(text_of(item[name])))
