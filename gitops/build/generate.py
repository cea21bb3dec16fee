"""ConfigMaps and Secrets made of literals, files and env files."""

from __future__ import annotations

import base64
import functools
import posixpath
from collections.abc import Callable, Iterable
from typing import Any

from gitops import errors
from gitops.build import budget, metadata
from gitops.build.collection import Collection
from gitops.build.context import Context, unmarked
from gitops.build.files import Where
from gitops.build.kustomization import Kustomization
from gitops.build.resource import Resource
from gitops.location import Location
from gitops.yaml import keys
from gitops.yaml.scalars import is_null, is_string, text_of
from gitops.yaml.tracked import replacing

Below = Callable[[str], Location]
"""The position of a field of a generator's entry, by JSON pointer from the entry."""

Pair = tuple[str, bytes, Where]
"""A key, its content, and where that is written."""

_LINE = 70
_BOM = b"\xef\xbb\xbf"
_WHITE = " \t\v\f\r\x85\xa0"


def run(kustomization: Kustomization, collection: Collection, context: Context, origin: str | None) -> None:
    """Make what `configMapGenerator` and `secretGenerator` say and absorb it.

    Raises:
        BuildError: an entry cannot be followed.
    """
    shared = kustomization.mapping("generatorOptions")
    for field, kind in (("configMapGenerator", "ConfigMap"), ("secretGenerator", "Secret")):
        for i, entry in enumerate(kustomization.entries(field)):
            at = kustomization.where(f"/{field}/{i}")
            merged = {**entry, "options": _options(entry.get("options"), shared)}
            below = functools.partial(_below, kustomization, f"/{field}/{i}")
            made = make(merged, kind, kustomization.folder, context, below)
            if origin is not None:
                metadata.set_origin([made], metadata.configured(origin, kustomization, f"{kind}Generator"))
            absorb(collection, made, at)


def _options(own: dict[str, Any] | None, shared: dict[str, Any]) -> dict[str, Any] | None:
    """An entry's options over those of the kustomization; a flag is on if either says so."""
    if not shared:
        return own
    result = dict(own or {})
    for field in ("labels", "annotations"):
        if shared.get(field) or result.get(field):
            result[field] = {**(shared.get(field) or {}), **(result.get(field) or {})}
    for field in ("disableNameSuffixHash", "immutable"):
        result[field] = bool(result.get(field) or shared.get(field))
    return result


def _below(kustomization: Kustomization, entry: str, pointer: str) -> Location:
    return kustomization.at(entry + pointer)


def make(entry: dict[str, Any], kind: str, folder: str, context: Context, below: Below) -> Resource:
    """The object one generator entry makes; `below` gives the position of a field of the entry.

    Raises:
        BuildError: it has no name, a file is missing, or a key is not valid or there twice.
    """
    at = functools.partial(below, "")
    context.budget.spend(budget.PARSED, at, "to run the generators")
    mark = context.mark_at(at()) if context.tracking else unmarked
    name, namespace = entry.get("name") or "", entry.get("namespace") or ""
    if not name:
        raise errors.BuildError(f"the {kind} generator has no name", location=at())
    data: dict[str, Any] = {"apiVersion": "v1", "kind": kind, "metadata": {"name": mark(name, None)}}
    if namespace:
        data["metadata"]["namespace"] = mark(namespace, None)
    if kind == "Secret":
        data["type"] = mark(entry.get("type") or "Opaque", None)
        data["data"] = {}
    for key, content, place in _pairs(entry, kind, folder, context, below):
        context.budget.spend(len(content) // budget.CHARACTERS, at, "to write what generators read")
        field, value = _stored(content, kind)
        stamp = context.mark_at(place()) if context.tracking else unmarked
        data.setdefault(field, {})[key] = stamp(value, None)
    options = entry.get("options") or {}
    marks = sum(len(options.get(field) or ()) for field in ("labels", "annotations"))
    context.budget.spend(budget.LABELLED * marks, at, "to label what is generated")
    for field in ("labels", "annotations"):
        if options.get(field):
            data["metadata"][field] = {key: mark(str(text), None) for key, text in options[field].items()}
    if options.get("immutable"):
        data["immutable"] = True
    resource = Resource(data, at())
    _take_quotes_off(resource)
    resource.generated = True
    resource.needs_hash = not options.get("disableNameSuffixHash")
    resource.behavior = entry.get("behavior") or ""
    return resource


def _take_quotes_off(resource: Resource) -> None:
    """Give every key the form kustomize writes it in."""
    for mapping, field in (
        *((resource.data, field) for field in ("data", "binaryData")),
        *((resource.metadata(), field) for field in ("labels", "annotations")),
    ):
        if mapping.get(field) and any(map(keys.reads_otherwise, mapping[field])):
            mapping[field] = {resource.made_key(key): value for key, value in mapping[field].items()}


def _stored(content: bytes, kind: str) -> tuple[str, str]:
    """The field a value goes to, and how it is written there."""
    if kind == "Secret":
        return "data", _base64(content)
    try:
        return "data", content.decode("utf-8")
    except UnicodeDecodeError:
        return "binaryData", _base64(content)


def _base64(content: bytes) -> str:
    """Base64, in lines of 70 once it is longer than that."""
    text = base64.b64encode(content).decode()
    if len(text) < _LINE:
        return text
    return "".join(f"{text[i : i + _LINE]}\n" for i in range(0, len(text), _LINE))


def _pairs(entry: dict[str, Any], kind: str, folder: str, context: Context, below: Below) -> Iterable[Pair]:
    """Keys and values, and where each is written: env files, literals, files; each key once.

    Like kubectl, this takes keys that the API server does not.
    """
    pairs: list[Pair] = []
    at = functools.partial(below, "")
    pay = functools.partial(context.budget.spend, at=at, what=f"to make the keys of the {kind} {entry.get('name')}")
    pay(budget.PAIR * sum(len(entry.get(field) or ()) for field in ("literals", "files")))
    for i, path in enumerate(entry.get("envs") or ()):
        found, content = _read(str(path), folder, context, functools.partial(below, f"/envs/{i}"))
        pay(budget.PAIR * (1 + content.count(b"\n")))
        pairs += _env_file(content, str(path), found, at)
    for i, text in enumerate(entry.get("literals") or ()):
        place = functools.partial(below, f"/literals/{i}")
        pairs.append((*_literal(str(text), place), place))
    for i, source in enumerate(entry.get("files") or ()):
        place = functools.partial(below, f"/files/{i}")
        key, path = _file_source(str(source), place)
        found, content = _read(path, folder, context, place)
        pairs.append((key, content, functools.partial(Location, found, 1, 1)))
    seen: set[str] = set()
    for key, _, _ in pairs:
        if key in seen:
            raise errors.BuildError(
                f"the {kind} generator {entry.get('name')} has the key {key!r} twice", location=at()
            )
        seen.add(key)
    return sorted(pairs, key=lambda pair: pair[0])


def _read(path: str, folder: str, context: Context, at: Where) -> tuple[str, bytes]:
    found = context.files.resolve_file(folder, path, at)
    return found, context.files.read(found, at)


def _literal(text: str, at: Where) -> tuple[str, bytes]:
    key, equals, value = text.partition("=")
    if not equals or not key:
        raise errors.BuildError("a literal must be key=value", location=at())
    if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'":
        value = value[1:-1]
    return key, value.encode()


def _file_source(source: str, at: Where) -> tuple[str, str]:
    parts = source.split("=")
    if len(parts) == 1:
        return posixpath.basename(source), source
    if len(parts) > 2 or not all(parts):  # noqa: PLR2004 - key=path
        raise errors.BuildError(f"the file {source!r} must be a path or key=path", location=at())
    return parts[0], parts[1]


def _env_file(content: bytes, path: str, found: str, at: Where) -> list[Pair]:
    pairs: list[Pair] = []
    for number, raw in enumerate(content.split(b"\n"), 1):
        line = raw.removesuffix(b"\r")
        if number == 1:
            line = line.removeprefix(_BOM)
        try:
            text = line.decode("utf-8").lstrip(_WHITE + "\n")
        except UnicodeDecodeError as error:
            raise errors.BuildError(f"{path}: line {number} is not UTF-8 text", location=at()) from error
        if not text or text[0] == "#":
            continue
        key, _, value = text.partition("=")
        if not key:
            continue
        pairs.append((key, value.encode(), functools.partial(Location, found, number, 1)))
    return pairs


def absorb(collection: Collection, made: Resource, at: Where) -> None:
    """Add a generated object, or merge it into, or put it in place of, the one that is there.

    Raises:
        BuildError: its behaviour does not fit what is there.
    """
    there = collection.known(made.identity.key)
    if len(there) > 1:
        raise errors.BuildError(f"{made.identity} could be merged into {len(there)} objects", location=at())
    if not there:
        if made.behavior in ("merge", "replace"):
            raise errors.BuildError(
                f"there is no {made.kind} {made.name} to {made.behavior}",
                hint="use the behavior create, or the name the base gives it",
                location=at(),
            )
        collection.append([made])
        return
    old = there[0]
    if made.behavior not in ("merge", "replace"):
        raise errors.BuildError(
            f"there is a {made.kind} {made.name} already",
            cause=f"it is at {old.start}",
            hint="say `behavior: merge` or `behavior: replace`",
            location=at(),
        )
    _take_over(made, old)
    if made.identity.key != old.identity.key:
        raise errors.BuildError(
            f"{made.identity} cannot be merged or put in its place: what was called so is {old.identity} by now",
            location=at(),
        )
    collection.exchange(old, made)


def _take_over(made: Resource, old: Resource) -> None:
    """Give a generated object the identity, labels and, when merging, the data of the one it stands for."""
    origin = old.strings("annotations").get(metadata.ORIGIN)
    for field in ("labels", "annotations"):
        made.set_strings(field, {**old.strings(field), **made.strings(field)})
    names: Any = old.metadata()
    made.metadata()["name"] = names["name"]
    made.metadata().pop("namespace", None)
    if old.namespace:
        made.metadata()["namespace"] = names["namespace"]
    made.previous, made.prefixes, made.suffixes = old.previous, old.prefixes, old.suffixes
    made.variables = old.variables
    made.needs_hash = made.needs_hash and old.needs_hash
    if made.behavior == "merge":
        for field in ("data", "binaryData"):
            mine, theirs = _texts(made.data.get(field)), _texts(old.data.get(field))
            both = {**theirs, **{key: replacing(value, theirs.get(key)) for key, value in mine.items()}}
            made.data.pop(field, None)
            if both:
                made.data[field] = both
        if origin is not None:
            made.metadata().setdefault("annotations", {})[metadata.ORIGIN] = origin
    _take_quotes_off(made)
    made.behavior = old.behavior


def _texts(data: Any) -> dict[str, Any]:
    """Values as strings, spelled as they were: merging makes strings of everything."""
    pairs = data.items() if isinstance(data, dict) else ()
    return {key: value if is_string(value) else "" if is_null(value) else text_of(value) for key, value in pairs}
