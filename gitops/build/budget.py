"""The work of one build, counted: what a repository asks for grows faster than its files do.

A step is a third of a microsecond on a machine of 2024: as much as comparing the name of one object. Most are paid for
before the work begins, so that far too much of it is refused at once; all together are a second, so that with the
reading a refusal comes within two. The limits have room for 10,000 objects with a namespace, a prefix, labels, images
and patches.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from gitops import errors
from gitops.build.fieldspec import FieldSpecs
from gitops.build.files import Where
from gitops.build.identity import Gvk
from gitops.build.resource import Resource
from gitops.yaml.scalars import text_of

MAX_STEPS = 2_500_000
"""Of one build, all its kustomizations together."""

MAX_VALUES = 200_000
"""Values in all manifests of one build."""

CHARACTERS = 16
"""Of text that count as one step."""

PARSED = 200
"""Steps for reading a patch or running a generator, however small."""

BYTE = 2
"""Steps for one byte of it."""

VISITED = 4
"""Steps for looking whether one object is meant."""

APPLIED = 30
"""Steps for patching one object, however little."""

PLACED = 6
"""Steps for one field spec that is for an object's kind: for following its path, and changing what is there."""

FOLLOWED = 2
"""Steps for one such spec that most likely leads nowhere: references and variables are looked for everywhere."""

RENAMED = 8
"""Steps for one new name, and two more for each the object had: it remembers them all, and is found by them."""

LABELLED = 6
"""Steps for one label or annotation of one object, in one place."""

PAIR = 20
"""Steps for one key of a generated object."""


class Budget:
    """What a build has left to spend."""

    __slots__ = ("steps", "values")

    def __init__(self) -> None:
        self.steps = 0
        self.values = 0

    def spend(self, steps: int, at: Where, what: str = "") -> None:
        """Pay for work; `what` says in a few words what it would be.

        Raises:
            BuildError: there is not so much left.
        """
        self.steps += steps
        if self.steps > MAX_STEPS:
            raise errors.BuildError(
                f"the build takes more than {MAX_STEPS} steps",
                cause=what,
                hint="name objects exactly instead of looking at all of them, or build the folders one by one",
                location=at(),
            )

    def foresee(self, steps: int, at: Where, what: str) -> None:
        """Refuse work before it begins that would, as far as one can tell, be too much; nothing is paid yet.

        Raises:
            BuildError: there is not so much left.
        """
        self.spend(steps, at, what)
        self.steps -= steps

    def read(self, values: int, at: Where) -> None:
        """Note values read from manifests.

        Raises:
            BuildError: they are too many.
        """
        self.values += values
        if self.values > MAX_VALUES:
            raise errors.BuildError(
                f"the manifests hold more than {MAX_VALUES} values",
                hint="build the folders one by one",
                location=at(),
            )


def renaming(resources: Iterable[Resource], text: str) -> int:
    """The price of giving every object a new name or namespace with a text in it."""
    return text_steps(text) * sum(RENAMED + 2 * len(resource.previous) for resource in resources)


def kinds(resources: Iterable[Resource]) -> Counter[Gvk]:
    """How many objects there are of each kind."""
    return Counter(resource.gvk for resource in resources)


def places(kinds: Mapping[Gvk, int], specs: FieldSpecs) -> int:
    """How often a transformer looks into so many objects: once for every field spec that is for the object's kind."""
    return sum(count * len(specs.of(gvk)) for gvk, count in kinds.items())


def text_steps(text: str) -> int:
    """The price of writing a text."""
    return 1 + len(text) // CHARACTERS


def size(value: Any) -> int:
    """The price of writing a value, with everything in it."""
    if isinstance(value, dict):
        return 1 + sum(map(size, value.values()))
    if isinstance(value, list):
        return 1 + sum(map(size, value))
    return text_steps(text_of(value))
