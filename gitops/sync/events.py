"""What a pass tells while it runs: one stream of values, many printers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from gitops.plan.change import Change, Stage
from gitops.ref import ResourceRef


@dataclass(frozen=True, slots=True)
class StageBegun:
    """A stage was verified and is about to be written."""

    stage: Stage
    count: int


@dataclass(frozen=True, slots=True)
class Written:
    """A change was written; `moved` is false if the server found nothing to do."""

    change: Change
    moved: bool


@dataclass(frozen=True, slots=True)
class Deleted:
    """An object is gone."""

    ref: ResourceRef


@dataclass(frozen=True, slots=True)
class Waiting:
    """What is being waited for, and why it is not there yet."""

    ref: ResourceRef
    why: str


Event = StageBegun | Written | Deleted | Waiting
Reporter = Callable[[Event], None]


def silent(_: Event) -> None:
    """A reporter for nobody."""
