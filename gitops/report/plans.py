"""A plan for people: what would happen to which object, as the JSON Patch that says it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from gitops.plan import secrecy
from gitops.plan.change import Action, Change, PatchOp, Plan
from gitops.report import redact, values

SIGNS = {
    Action.CREATE: "+",
    Action.UPDATE: "~",
    Action.REPLACE: "±",
    Action.DELETE: "-",
    Action.KEEP: "=",
    Action.REFUSE: "!",
}
_WORDS = {
    Action.CREATE: "to create",
    Action.UPDATE: "to update",
    Action.REPLACE: "to replace",
    Action.DELETE: "to delete",
    Action.KEEP: "kept",
    Action.REFUSE: "refused",
}


def lines(plan: Plan, *, salt: str) -> Iterator[str]:
    """The plan line by line; `salt` masks values of Secrets."""
    revision = f" · {redact.plain(plan.revision)}" if plan.revision else ""
    yield f"Plan for {plan.namespace}/{plan.name}{revision}"
    yield ""
    for change in plan.changes:
        yield from _change(change, salt)
    if plan.changes:
        yield ""
    yield f"{summary(plan)} Plan {plan.digest[:12]}."


def summary(plan: Plan) -> str:
    """One line: how many of each."""
    counts = Counter(one.action for one in plan.changes)
    parts = [f"{counts[action]} {words}" for action, words in _WORDS.items() if counts[action]]
    return ", ".join([*parts, f"{plan.unchanged} unchanged"]) + "."


def _change(change: Change, salt: str) -> Iterator[str]:
    origin = f"  [{redact.plain(str(change.location))}]" if change.location else ""
    yield f"  {SIGNS[change.action]} {redact.plain(str(change.ref))}{origin}"
    for op, test in _paired(change, salt):
        if op["path"]:  # a new object as a whole is in the document, not on one line
            yield f"      {_op(op, test)}"
    for taken in change.taken:
        yield f"      takes back {redact.plain(taken.path)} from {redact.plain(taken.manager)}"
    if change.why:
        prefix = "not verified: " if not change.verified and change.action in {Action.CREATE, Action.UPDATE} else ""
        yield f"      {prefix}{redact.plain(change.why)}"


def _paired(change: Change, salt: str) -> Iterator[tuple[PatchOp, PatchOp | None]]:
    """Each operation with the test of the value it replaces or removes: there is one for each of those, in order."""
    tests = iter(secrecy.patch(change, change.tests, salt))
    for op in secrecy.patch(change, change.patch, salt):
        yield op, None if op["op"] == "add" else next(tests, None)


def _op(op: PatchOp, test: PatchOp | None) -> str:
    path = values.pointer(op["path"])
    match op["op"]:
        case "replace":
            old = f"{values.short(test['value'])} -> " if test else ""
            return f"replace {path}  {old}{values.short(op['value'])}"
        case "remove":
            old = f"  {values.short(test['value'])}" if test else ""
            return f"remove  {path}{old}"
        case "add":
            return f"add     {path}  {values.short(op['value'])}"
        case other:
            return f"{other:<7} {path}  {values.short(op.get('value', op.get('from')))}"
