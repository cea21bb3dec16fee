"""A plan as the document every form of the report is written from: masked, with impact, places in Git and rights."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

import msgspec

from gitops.api.plan import AccountRights, PlanDocument, PlannedChange, PlannedEffect, PlannedRight, PlanSource
from gitops.location import Location
from gitops.objects import Manifest
from gitops.plan import document
from gitops.plan.change import Change, Plan
from gitops.plan.settle import Rules
from gitops.ref import ResourceRef
from gitops.review import impact, outcome, places, rights
from gitops.review.between import UNASKED

Locate = Callable[[ResourceRef, str], Location | None]
"""Where the value at a JSON Pointer of a wanted object was written."""


def nowhere(_ref: ResourceRef, _pointer: str) -> Location | None:
    """Knows no place: that of the object has to do."""
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A plan, what it was made from, and the roles and bindings that its rights are judged by."""

    plan: Plan
    source: PlanSource
    rules: Rules = field(default_factory=Rules)
    live: Mapping[ResourceRef, Manifest] = field(default_factory=dict)
    base: PlanSource | None = None


def of(made: Made, *, salt: str, locate: Locate = nowhere) -> PlanDocument:
    """The document. `salt` is random and new for each."""
    rules = made.rules
    plain = document.document(made.plan, made.source, salt=salt, force=rules.force, consent=rules.consent)
    effects = [_effects(change, made.live.get(change.ref), locate) for change in made.plan.changes]
    changes = [_with(change, found) for change, found in zip(plain.changes, effects, strict=True)]
    if made.base is not None:
        changes = [msgspec.structs.replace(one, why="") if one.why == UNASKED else one for one in changes]
    return msgspec.structs.replace(
        plain,
        kind="Comparison" if made.base else "Plan",
        changes=changes,
        impact=impact.worst([effect for found in effects for effect, _ in found]).value,
        rights=[of_review(one) for one in rights.review(made.live, made.plan.changes)],
        base=made.base,
    )


def _effects(change: Change, live: Manifest | None, locate: Locate) -> list[tuple[impact.Effect, str]]:
    shown = outcome.predicted(change, live)
    return [(one, _place(change, one.path, shown, locate)) for one in impact.effects(change)]


def _place(change: Change, path: str, shown: Manifest | None, locate: Locate) -> str:
    if not path or change.desired is None:
        return str(change.location or "")
    pointer = places.pointer(path, shown=shown, wanted=change.desired)
    return str(locate(change.ref, pointer) or change.location or "")


def _with(change: PlannedChange, effects: list[tuple[impact.Effect, str]]) -> PlannedChange:
    return msgspec.structs.replace(
        change,
        impact=impact.worst([one for one, _ in effects]).value,
        effects=[
            PlannedEffect(path=one.path, impact=one.impact.value, words=one.words, location=place)
            for one, place in effects
        ],
    )


def of_review(one: rights.Review) -> AccountRights:
    """One account's rights as data."""
    return AccountRights(
        account=str(one.account),
        gained=_rights(one.gained),
        lost=_rights(one.lost),
        kept=_rights(one.kept),
        grantable=one.grantable,
        refusal=one.refusal,
    )


def _rights(found: Iterable[rights.Right]) -> list[PlannedRight]:
    return [
        PlannedRight(
            scope=one.scope,
            group=one.group,
            resource=one.resource,
            names=list(one.names),
            verbs=list(one.verbs),
            escalation=one.why,
        )
        for one in found
    ]
