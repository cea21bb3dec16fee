"""Paths into objects, as kustomize's configuration writes them: kind, path with `/`, whether to create.

`change` walks one path of one object and replaces what stands at its end; lists on the way are entered whole.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

from gitops import errors
from gitops.build.identity import Gvk
from gitops.build.resource import Resource
from gitops.yaml.scalars import is_null

MAX_PARTS = 100
"""Of one path."""

Change = Callable[[Any], Any]
Pay = Callable[[int], None]
"""Called with the price of a part of the work before it is done; it may raise."""
ITEM = 2
CREATED = 8
"""Steps for one item of a list on the way, and for one in which something is created."""
_LONG = 10
"""Items of a list, or parts of a path, from which on each of them counts."""
_ABSENT = object()


class FieldSpec(NamedTuple):
    """Where a transformer works: which kinds (empty parts mean any), which path, and whether to create it."""

    path: str
    gvk: Gvk = Gvk()
    create: bool = False


def _generalised(gvk: Gvk) -> Iterator[Gvk]:
    """The kind, and every selector of kinds that selects it: with any of its parts left out."""
    for group in {gvk.group, ""}:
        for version in {gvk.version, ""}:
            for kind in {gvk.kind, ""}:
                yield Gvk(group, version, kind)


class FieldSpecs:
    """An ordered set of specs that answers quickly which apply to a kind."""

    __slots__ = ("_by_kind", "all")

    def __init__(self, specs: Iterable[FieldSpec] = ()) -> None:
        self.all = tuple(specs)
        self._by_kind: dict[Gvk, tuple[FieldSpec, ...]] = {}

    def __iter__(self) -> Iterator[FieldSpec]:
        return iter(self.all)

    def __len__(self) -> int:
        return len(self.all)

    def of(self, gvk: Gvk) -> tuple[FieldSpec, ...]:
        """The specs that apply to objects of a kind, in order."""
        found = self._by_kind.get(gvk)
        if found is None:
            found = self._by_kind[gvk] = tuple(spec for spec in self.all if gvk.selected_by(spec.gvk))
        return found

    def merged(self, others: Iterable[FieldSpec]) -> FieldSpecs:
        """These and the others that are not covered yet: none of these is for a kind the other is for.

        Raises:
            BuildError: a spec is here with another `create`.
        """
        result: list[FieldSpec] = []
        covering: dict[FieldSpec, FieldSpec] = {}

        def add(spec: FieldSpec) -> None:
            result.append(spec)
            for gvk in _generalised(spec.gvk):
                covering.setdefault(FieldSpec(spec.path, gvk), spec)

        for spec in self.all:
            add(spec)
        for spec in others:
            known = covering.get(FieldSpec(spec.path, spec.gvk))
            if known is None:
                add(spec)
            elif known.create != spec.create:
                raise errors.BuildError(
                    f"two field specs for {spec.path} disagree on `create`",
                    hint="make `create` the same in all configurations of this build",
                )
        return FieldSpecs(result)


@functools.lru_cache(maxsize=8192)
def split(path: str, delimiter: str = "/") -> tuple[str, ...]:
    r"""The parts of a path; a delimiter after a backslash belongs to the name."""
    parts = path.split(delimiter)
    if len(parts) > 1 and parts[0] == "":
        parts = parts[1:]
    result = [parts[0]]
    for part in parts[1:]:
        if result[-1].endswith("\\"):
            result[-1] = result[-1][:-1] + delimiter + part
        else:
            result.append(part)
    return tuple(result)


def change(
    resource: Resource, spec: FieldSpec, edit: Change, pay: Pay, create: Callable[[], Any] | None = None
) -> None:
    """Replace what stands at the spec's path by what `edit` makes of it.

    `pay` is told of long ways: lists, and paths of many parts. `create` makes the value to edit where the path is
    missing and the spec allows creating it.

    Raises:
        BuildError: the path leads through a scalar.
    """
    maker = create if spec.create else None
    path = split(spec.path)
    first = path[0]
    if maker is None and first and first not in resource.data and not first.endswith("[]") and not first.isdecimal():
        return  # most specs name fields that most objects do not have
    if len(path) > MAX_PARTS:
        raise errors.BuildError(f"a field spec has a path of more than {MAX_PARTS} parts", location=resource.start)
    if len(path) > _LONG:
        pay(len(path))
    try:
        _into(resource.data, path, 0, edit, pay, maker)
    except _ThroughScalarError:
        raise errors.BuildError(
            f"the field {spec.path} of {resource.identity} cannot be changed",
            cause="a single value stands where the path needs a mapping or a list",
            location=resource.start,
        ) from None
    except _NamelessFieldError:
        raise errors.BuildError(
            f"the field spec {spec.path!r} for {resource.identity} has an empty part, or a number",
            hint="write a path of field names with / between them",
            location=resource.start,
        ) from None


class _NamelessFieldError(Exception):
    """A part of the path is empty, or a number, which kustomize takes for an index."""


class _ThroughScalarError(Exception):
    """The path goes on below a scalar."""


def _into(node: Any, path: tuple[str, ...], at: int, edit: Change, pay: Pay, create: Callable[[], Any] | None) -> Any:
    """Go on with the part of the path that begins at an index."""
    if at == len(path):
        return edit(node)
    if isinstance(node, dict):
        _into_mapping(node, path, at, edit, pay, create)
    elif isinstance(node, list):
        if len(node) > _LONG:
            pay((ITEM if create is None else CREATED) * len(node))
        for index, item in enumerate(node):
            node[index] = _into(item, path, at, edit, pay, create)
    elif not is_null(node):
        raise _ThroughScalarError
    return node


def _into_mapping(
    node: dict[str, Any], path: tuple[str, ...], at: int, edit: Change, pay: Pay, create: Callable[[], Any] | None
) -> None:
    name = path[at]
    entered = name.endswith("[]")
    if entered:
        name = name[:-2]
    if not name or name.isdecimal():
        raise _NamelessFieldError
    value = node.get(name, _ABSENT)
    at += 1
    if value is _ABSENT:
        if create is None or entered:
            return
        value = create() if at == len(path) else {}
    elif value.__class__ is not str and is_null(value):
        if entered:
            value = []
        elif create is not None:
            value = create() if at == len(path) else {}
    node[name] = _into(value, path, at, edit, pay, create)
