"""The values a plan is made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from typing import Any

from gitops.location import Location
from gitops.objects import Manifest, inventory
from gitops.ref import ResourceRef

PatchOp = dict[str, Any]
"""One RFC 6902 operation."""


class Action(StrEnum):
    """What happens to one object."""

    CREATE = "create"
    UPDATE = "update"
    REPLACE = "replace"
    DELETE = "delete"
    KEEP = "keep"
    REFUSE = "refuse"


class Stage(IntEnum):
    """Each stage is dry-run completely before anything of it is written; later ones may depend on earlier ones."""

    FOUNDATION = 1
    ROLES = 2
    BINDINGS = 3
    REST = 4


class Guard(StrEnum):
    """Why a change is refused."""

    CONFLICT = "conflict"
    """Another manager owns a field of it: only this object is left alone, the rest of the plan goes on."""
    INVALID = "invalid"
    """The server would not take it."""
    DENIED = "denied"
    """Our account may not do it, or may not see what is there."""
    IMMUTABLE = "immutable"
    """Only a replacement gets there, and nobody agreed to one."""
    STRANGER = "stranger"
    """It is somebody else's."""
    DELETION = "deletion"
    """It would be deleted, and nobody agreed."""
    HOLDS = "holds"
    """A namespace would be deleted, and something in it is wanted or to be kept."""
    EMPTY = "empty"
    """Everything would be deleted."""
    RIGHTS = "rights"
    """The account of the reconciler would lose a right it needs to finish."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rank:
    """When an object is written, within its stage: its wave; in that, after how many steps; after which objects.

    `after` are objects as authored. What is expanded from an object has the rank of that object.
    """

    wave: int = 0
    depth: int = 0
    after: tuple[ResourceRef, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Desired:
    """One object as Git wants it, with its place in Git; no rank: in the first wave, after nothing."""

    manifest: Manifest
    ref: ResourceRef
    authored: ResourceRef
    location: Location | None = None
    rank: Rank | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """A field another manager owns and this change takes back: JSON Pointer (or the server's own path) and manager."""

    path: str
    manager: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """A field that an ignore rule leaves to the manager who owns it; `owner` answers for the rule."""

    ref: ResourceRef
    path: str
    manager: str
    owner: str
    reason: str
    expires: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One object's part of a plan.

    `patch` turns live into what will be (of a new object: adds it as a whole), `inverse` turns it back, `tests` hold
    every old value the patch replaces. `verified` says that the server itself predicted it (dry-run); otherwise `why`
    says what stood in the way. An update without a patch takes over fields that already have the wanted value. The
    `uid` of a create is that of an object of the same name that is being deleted and has to be gone first. A delete of
    what is `superseded` waits until nothing running refers to it.
    """

    ref: ResourceRef
    api_version: str
    action: Action
    stage: Stage
    authored: ResourceRef
    uid: str = ""
    resource_version: str = ""
    patch: tuple[PatchOp, ...] = ()
    inverse: tuple[PatchOp, ...] = ()
    tests: tuple[PatchOp, ...] = ()
    taken: tuple[Taken, ...] = ()
    verified: bool = False
    why: str = ""
    guard: Guard | None = None
    location: Location | None = None
    desired: Manifest | None = None
    superseded: bool = False
    desired_digest: str = ""
    rank: Rank | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Ordered changes from one revision; `unchanged` objects are counted, not listed.

    `entries` is the inventory after the plan; `digest` names the plan: equal digests do equal things. `left` are fields
    it does not touch though Git has them.
    """

    name: str
    namespace: str
    revision: str
    changes: tuple[Change, ...]
    unchanged: int
    entries: Mapping[ResourceRef, inventory.Entry] = field(default_factory=dict)
    digest: str = ""
    left: tuple[Left, ...] = ()

    @property
    def writes(self) -> tuple[Change, ...]:
        """The changes that write."""
        return tuple(one for one in self.changes if one.action not in {Action.KEEP, Action.REFUSE})

    @property
    def refused(self) -> tuple[Change, ...]:
        """The changes a guard refuses."""
        return tuple(one for one in self.changes if one.action is Action.REFUSE)

    @property
    def blocked(self) -> tuple[Change, ...]:
        """Refusals that stop the whole plan; a field another manager holds stops only its own object."""
        return tuple(one for one in self.refused if one.guard is not Guard.CONFLICT)
