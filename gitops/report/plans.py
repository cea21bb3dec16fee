"""A plan for people: what would happen to which object, as the JSON Patch that says it, and what that means."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from gitops.api.plan import IgnoredPath, LeftField, PlanDocument, PlannedChange, PlanSource
from gitops.plan.change import Action, PatchOp
from gitops.report import redact, rights, values
from gitops.review import impact

SIGNS: dict[str, str] = {
    Action.CREATE: "+",
    Action.UPDATE: "~",
    Action.REPLACE: "±",
    Action.DELETE: "-",
    Action.KEEP: "=",
    Action.REFUSE: "!",
}
COLORS: dict[str, str] = {
    Action.CREATE: "green",
    Action.UPDATE: "yellow",
    Action.REPLACE: "magenta",
    Action.DELETE: "red",
    Action.KEEP: "dim",
    Action.REFUSE: "red",
}
_WORDS: dict[str, str] = {
    Action.CREATE: "to create",
    Action.UPDATE: "to update",
    Action.REPLACE: "to replace",
    Action.DELETE: "to delete",
    Action.KEEP: "kept",
    Action.REFUSE: "refused",
}
_WRITES = frozenset({Action.CREATE, Action.UPDATE, Action.REPLACE, Action.DELETE})


def lines(plan: PlanDocument, *, width: int = 100, paint: values.Paint = values.unpainted) -> Iterator[str]:
    """The plan line by line, folded to about `width` columns."""
    yield paint(title(plan), "bold")
    yield ""
    for change in plan.changes:
        yield from _change(change, width, paint)
    if plan.changes:
        yield ""
    if plan.left:
        yield from left(plan, width)
        yield ""
    if plan.rights:
        yield from rights.lines(plan.rights, kept=False, paint=paint)
        yield ""
    deepest = "" if plan.impact == impact.Impact.NONE else f" Impact: {plan.impact}."
    yield f"{summary(plan)}{deepest}{'' if plan.base else f' Plan {plan.digest[:12]}.'}"


def left(plan: PlanDocument, width: int) -> Iterator[str]:
    """What ignore rules leave to others, a line each."""
    yield "Left to others:"
    for one in plan.left:
        where = f"{left_object(one)} {values.pointer(one.path)}"
        yield from values.wrapped(f"{where} to {redact.plain(one.manager)}: {ignoring(one)}", width, "  ")


def left_object(one: LeftField) -> str:
    """The object of a field left to others."""
    found = one.object
    return values.object_name(found.group, found.kind, found.namespace, found.name)


def ignoring(one: LeftField | IgnoredPath) -> str:
    """Why an ignore rule, who answers for it, and how long it holds."""
    return redact.plain(f"{one.reason} ({one.owner}, up to {one.expires})")


def title(plan: PlanDocument) -> str:
    """What the plan, or the comparison, is for."""
    if plan.base is not None:
        return redact.plain(f"{source(plan.base)} → {source(plan.source)}")
    revision = f" · {plan.source.revision}" if plan.source.revision else ""
    return redact.plain(f"Plan for {plan.namespace}/{plan.name}{revision}")


def source(found: PlanSource) -> str:
    """A source on one line."""
    if found.revision and found.path:
        return f"{found.path}@{found.revision}"
    return found.path or found.revision or found.sync


def summary(plan: PlanDocument) -> str:
    """One line: how many of each."""
    counts = Counter(one.action for one in plan.changes)
    parts = [f"{counts[action]} {words}" for action, words in _WORDS.items() if counts[action]]
    return ", ".join([*parts, f"{plan.unchanged} unchanged"]) + "."


def writes(plan: PlanDocument) -> bool:
    """Something would be written."""
    return any(one.action in _WRITES for one in plan.changes)


def refused(plan: PlanDocument) -> bool:
    """A guard refuses something."""
    return any(one.action == Action.REFUSE for one in plan.changes)


def name(change: PlannedChange) -> str:
    """The object of a change."""
    found = change.object
    return values.object_name(found.group, found.kind, found.namespace, found.name)


def unverified(change: PlannedChange) -> bool:
    """The server could not be asked what it would do."""
    return not change.verified and bool(change.why) and change.action in {Action.CREATE, Action.UPDATE}


def _change(change: PlannedChange, width: int, paint: values.Paint) -> Iterator[str]:
    head = paint(f"{SIGNS[change.action]} {name(change)}", COLORS[change.action])
    origin = f"  {paint(f'[{change.location}]', 'dim')}" if change.location else ""
    yield f"  {head}{origin}"
    known = {change.location}
    words = {one.path: one for one in change.effects}
    for op, test in impact.pairs(change.patch, change.tests):
        if not op["path"]:
            yield f"      {values.count(values.leaves(op['value']), 'field')}"
            continue
        effect = words.get(op["path"])
        place = effect.location if effect and effect.location not in known else ""
        known.add(place)
        yield f"      {_op(op, test, width - 8)}{paint(f'  [{place}]', 'dim') if place else ''}"
    yield from _effects(change, width, paint)
    for taken in change.taken:
        where = redact.plain(taken.path) if taken.path else "fields"
        yield f"      takes back {where} from {redact.plain(taken.manager)}"
    if change.why and not any(change.why in effect.words for effect in change.effects):
        yield from values.wrapped(f"{'not verified: ' if unverified(change) else ''}{change.why}", width, "      ")


def _effects(change: PlannedChange, width: int, paint: values.Paint) -> Iterator[str]:
    told: set[str] = set()
    for one in change.effects:
        if one.impact != impact.Impact.NONE and one.words not in told:
            told.add(one.words)
            color = "red" if one.impact == impact.Impact.DESTRUCTIVE else "yellow"
            for line in values.wrapped(f"{one.impact}: {one.words}", width, "      "):
                yield paint(line, color)


def _op(op: PatchOp, test: PatchOp | None, width: int) -> str:
    path = values.pointer(op["path"], max(values.WIDTH, width // 2))
    room = width - len(path) - 12
    old = None if test is None else test["value"]
    match op["op"]:
        case "replace" if test is not None:
            return f"replace {path}  {_pair(old, op['value'], room)}"
        case "remove":
            return f"remove  {path}{'' if test is None else f'  {values.short(old, room)}'}"
        case other:
            return f"{other:<7} {path}  {values.short(op.get('value', op.get('from')), room)}"


def _pair(old: Any, new: Any, room: int) -> str:
    """Two values in the room there is: a short one leaves its share to the other."""
    left, right = values.short(old, 10_000), values.short(new, 10_000)
    half = (room - 4) // 2
    first = room - 4 - len(right) if len(right) < half else half
    second = room - 4 - len(left) if len(left) < half else half
    return f"{values.fold(left, first)} -> {values.fold(right, second)}"
