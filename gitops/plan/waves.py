"""The order that annotations ask for: waves, and objects that wait for others.

    gitops-worker.io/wave: "2"
    gitops-worker.io/depends-on: deployment/database, workerpool/linux

A wave is written when everything of the waves below it (of its stage) is healthy; without the annotation an object is
in wave 0. What depends on others is written when those are healthy. Deletions go the other way round.

An object is named as `kind[.group]/[namespace/]name`, by its name in the build or the one it has in its own file: a
`namePrefix` takes nothing away. What cannot be carried out is a mistake with its place, found before anything is read.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter
from typing import Any

from gitops.plan import order
from gitops.plan.change import Rank
from gitops.ref import ResourceRef

WAVE = "gitops-worker.io/wave"
DEPENDS_ON = "gitops-worker.io/depends-on"
_NUMBER = re.compile(r"^[+-]?[0-9]{1,4}$")
_NAME = re.compile(r"^([a-z0-9]+)(?:\.([a-z0-9.-]+))?(?:/([a-z0-9-]+))?/([^/\s]+)$", re.IGNORECASE)
_FORM = "write kind/name, kind.group/name or kind.group/namespace/name, several with commas between"


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """An object as authored; `names` are those it had on its way through the build."""

    ref: ResourceRef
    annotations: Mapping[str, Any]
    names: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Mistake:
    """What is wrong with an annotation of an object; `pointer` is the annotation's JSON Pointer."""

    ref: ResourceRef
    pointer: str
    message: str
    hint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrangement:
    """The rank of each object that is not in the first wave without conditions, and what could not be arranged."""

    ranks: Mapping[ResourceRef, Rank] = field(default_factory=dict)
    mistakes: tuple[Mistake, ...] = ()


def arrange(nodes: Sequence[Node]) -> Arrangement:
    """Read the annotations of all objects of a build."""
    if not any(WAVE in one.annotations or DEPENDS_ON in one.annotations for one in nodes):
        return Arrangement()
    mistakes: list[Mistake] = []
    waves = {one.ref: _wave(one, mistakes) for one in nodes}
    known: dict[tuple[str, str], list[Node]] = defaultdict(list)
    for one in nodes:
        for name in {one.ref.name, *one.names}:
            known[one.ref.kind.lower(), name].append(one)
    after = {one.ref: tuple(dict.fromkeys(_dependencies(one, known, mistakes))) for one in nodes}
    depths = _depths(after, waves, mistakes)
    mistakes += _contradictions(after, waves)
    ranks = {
        ref: Rank(wave=waves[ref], depth=depths.get(ref, 0), after=after[ref])
        for ref in waves
        if waves[ref] or after[ref]
    }
    return Arrangement(ranks=ranks, mistakes=tuple(mistakes))


def _wave(node: Node, mistakes: list[Mistake]) -> int:
    text = str(node.annotations.get(WAVE, "0")).strip()
    if _NUMBER.fullmatch(text):
        return int(text)
    mistakes.append(_mistake(node.ref, WAVE, f"{text!r} is no wave", 'write a whole number in quotes, such as "2"'))
    return 0


def _dependencies(
    node: Node, known: Mapping[tuple[str, str], list[Node]], mistakes: list[Mistake]
) -> Iterator[ResourceRef]:
    for text in str(node.annotations.get(DEPENDS_ON) or "").split(","):
        name = text.strip()
        if not name:
            continue
        found = _NAME.fullmatch(name)
        if found is None:
            mistakes.append(_mistake(node.ref, DEPENDS_ON, f"{name!r} names no object", _FORM))
            continue
        chosen = _chosen(node, found, known)
        if len(chosen) == 1:
            yield chosen[0]
        elif chosen:
            several = ", ".join(map(str, chosen))
            mistakes.append(_mistake(node.ref, DEPENDS_ON, f"{name!r} may be any of {several}", _FORM))
        else:
            hint = "it has to be part of this build; " + _FORM
            mistakes.append(_mistake(node.ref, DEPENDS_ON, f"{name!r} is not there", hint))


def _chosen(node: Node, name: re.Match[str], known: Mapping[tuple[str, str], list[Node]]) -> list[ResourceRef]:
    """The objects a name may mean; without a namespace, that of the object itself or none."""
    kind, group, namespace, bare = name.groups()
    places = {namespace} if namespace else {"", node.ref.namespace}
    found = [
        one.ref
        for one in known.get((kind.lower(), bare), ())
        if one.ref.namespace in places and (not group or one.ref.group == group)
    ]
    exact = [ref for ref in found if ref.name == bare]
    return exact or found


def _depths(
    after: Mapping[ResourceRef, Sequence[ResourceRef]], waves: Mapping[ResourceRef, int], mistakes: list[Mistake]
) -> dict[ResourceRef, int]:
    """How many steps an object waits for within its own stage and wave."""
    try:
        ordered = list(TopologicalSorter({ref: set(refs) for ref, refs in after.items()}).static_order())
    except CycleError as error:
        mistakes.append(_cycle(list(error.args[1])))
        return {}
    depths: dict[ResourceRef, int] = {}
    for ref in ordered:
        beside = [one for one in after[ref] if _place(one, waves) == _place(ref, waves)]
        depths[ref] = max((depths[one] + 1 for one in beside), default=0)
    return depths


def _place(ref: ResourceRef, waves: Mapping[ResourceRef, int]) -> tuple[int, int]:
    return order.stage_of(ref), waves[ref]


def _cycle(found: list[ResourceRef]) -> Mistake:
    """`found` begins and ends with the same object, each one before the next."""
    ring = found[:-1]
    start = ring.index(min(ring))
    chain = [*ring[start:], *ring[:start], ring[start]][::-1]
    words = " depends on ".join(map(str, chain))
    return _mistake(chain[0], DEPENDS_ON, f"a circle: {words}", "take one of these dependencies away")


def _contradictions(
    after: Mapping[ResourceRef, Sequence[ResourceRef]], waves: Mapping[ResourceRef, int]
) -> Iterator[Mistake]:
    for ref, others in after.items():
        for other in others:
            if order.stage_of(ref) < order.stage_of(other):
                message = f"{ref} cannot wait for {other}: what it is goes before what that is, always"
                hint = "namespaces and definitions are written first, then roles, then bindings, then the rest"
                yield _mistake(ref, DEPENDS_ON, message, hint)
            elif order.stage_of(ref) == order.stage_of(other) and waves[ref] < waves[other]:
                message = f"{ref} is in wave {waves[ref]} and waits for {other} in wave {waves[other]}"
                yield _mistake(ref, DEPENDS_ON, message, f"put it into wave {waves[other]} or a later one")


def _mistake(ref: ResourceRef, annotation: str, message: str, hint: str) -> Mistake:
    return Mistake(
        ref=ref,
        pointer=f"/metadata/annotations/{annotation.replace('/', '~1')}",
        message=f"{annotation}: {message}",
        hint=hint,
    )
