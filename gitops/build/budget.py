"""The work of one build, counted: what a repository asks for grows faster than its files do.

A step is about a microsecond: as much as comparing the name of one object, or writing one value. Most are paid for
before the work begins, so that far too much of it is refused at once. The limits have room for 10,000 objects of which
each is touched a hundred times.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from gitops import errors
from gitops.build.files import Where
from gitops.build.resource import Resource
from gitops.yaml.scalars import text_of

MAX_STEPS = 5_000_000
"""Of one build, all its kustomizations together."""

MAX_VALUES = 1_000_000
"""Values in all manifests of one build."""

CHARACTERS = 16
"""Of text that count as one step."""

PARSED = 200
"""Steps for reading a patch or running a generator, however small."""

VISITED = 3
"""Steps for looking whether one object is meant."""

APPLIED = 20
"""Steps for patching one object, however little."""

RENAMED = 8
"""Steps for one new name, and one more for each the object had: it remembers them all."""

LABELLED = 3
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
    return text_steps(text) * sum(RENAMED + len(resource.previous) for resource in resources)


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
