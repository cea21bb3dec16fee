"""How a value of a rendered object came about: who wrote it first, and what changed it afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from gitops.build.kustomization import FILE_NAMES
from gitops.build.rendered import Rendered, tracked
from gitops.location import Location
from gitops.source.tree import Tree
from gitops.yaml import load_config, plain
from gitops.yaml.reader import value_in

RESOURCE = "resource"
PATCH = "patch"
FILE = "file"
_MANIFESTS = (".yaml", ".yml", ".json")


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One place that gave a value, in the order of the build.

    `by` is `resource` (the manifest), `patch` (a file of its own), `file` (which a generator reads), a field of a
    kustomization (`namePrefix`, `images`, `patches`, `configMapGenerator`), or a built-in plugin's kind. `value` is
    what it made; None for a mapping or a list.
    """

    location: Location
    by: str
    value: Any


def history(rendered: Rendered, pointer: str) -> tuple[Step, ...]:
    """Every place that gave the value at a JSON pointer a value, the first author first, the last change last.

    Empty if there is no such value. Like `locate`, this does the build again, once.
    """
    value = value_in(tracked(rendered), pointer)
    found: list[tuple[Location, Any]] = []
    while value is not None:
        at = getattr(value, "at", None)
        if at is not None and (not found or found[-1][0] != at):
            found.append((at, None if isinstance(value, dict | list) else plain(value)))
        value = getattr(value, "before", None)
    tree = rendered.source.replay.tree
    return tuple(Step(location=at, by=_by(tree, at, rendered), value=value) for at, value in reversed(found))


def origin(rendered: Rendered) -> Step:
    """Where the object as a whole comes from: its manifest, or the entry that generates it."""
    at = rendered.origin
    tree = rendered.source.replay.tree
    by = _field(tree, at) if at.file.rpartition("/")[2] in FILE_NAMES else _plugin(tree, at) or RESOURCE
    return Step(location=at, by=by, value=None)


def leaves(rendered: Rendered, pointer: str) -> tuple[str, ...]:
    """The JSON pointers of all scalars (and empty containers) at or below one, in the order of the output."""
    value = value_in(tracked(rendered), pointer)
    return () if value is None else tuple(_leaves(value, pointer))


def _leaves(value: Any, pointer: str) -> Iterator[str]:
    if isinstance(value, dict) and value:
        for key in sorted(value):
            yield from _leaves(value[key], f"{pointer}/{key.replace('~', '~0').replace('/', '~1')}")
    elif isinstance(value, list) and value:
        for index, item in enumerate(value):
            yield from _leaves(item, f"{pointer}/{index}")
    else:
        yield pointer


def _by(tree: Tree, at: Location, rendered: Rendered) -> str:
    if at.file.rpartition("/")[2] in FILE_NAMES:
        return _field(tree, at)
    if at.file == rendered.origin.file:
        return _plugin(tree, at) or RESOURCE
    generated = rendered.origin.file.rpartition("/")[2] in FILE_NAMES
    if not at.file.endswith(_MANIFESTS) or (generated and (at.line, at.column) == (1, 1)):
        return FILE
    return _plugin(tree, at) or PATCH


def _plugin(tree: Tree, at: Location) -> str:
    """The kind of the built-in plugin whose configuration begins at a place; empty if none does."""
    content = tree.read(at.file)
    if b"builtin" not in content:
        return ""
    documents = (one for one in load_config(content, at.file) if one.start == at and isinstance(one.value, dict))
    return next((str(one.value.get("kind", "")) for one in documents if one.value.get("apiVersion") == "builtin"), "")


def _field(tree: Tree, at: Location) -> str:
    """The field of a kustomization that a place belongs to."""
    documents = load_config(tree.read(at.file), at.file, tracked=True)
    name = ""
    for key, value in documents[0].value.items() if documents else ():
        start = getattr(value, "at", None)
        if start is not None and (start.line, start.column) <= (at.line, at.column):
            name = key
    return name
