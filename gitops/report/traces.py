"""Where a field comes from, for people: the value, then each place that made it, with its commit."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from gitops.api.plan import ObjectId
from gitops.api.trace import Trace, TraceStep
from gitops.objects import fieldpath
from gitops.report import values

_DIGITS = 10
_DAY = 10


def lines(trace: Trace, *, width: int = 100, paint: values.Paint = values.unpainted) -> Iterator[str]:
    """The answer; the first line of a field is where it was written, the others what changed it since."""
    path = f" {fieldpath.dotted(trace.path)}" if trace.path else ""
    yield paint(f"{_name(trace.object)}{path}{_equals(trace.value, width)}", "bold")
    if trace.object != trace.authored:
        decided = any(field.path for field in trace.fields)
        yield f"  is made from {_name(trace.authored)}{'' if decided else ', whatever its fields say'}"
    alone = len(trace.fields) == 1
    for field in trace.fields:
        if field.object != trace.object or field.path not in ("", trace.path):
            owner = "" if field.object == trace.object else f"{_name(field.object)} "
            yield f"  {owner}{fieldpath.dotted(field.path)}{_equals(field.value, width)}"
        for index, step in enumerate(field.steps):
            told = "" if len(field.steps) == 1 or step.value is None else f" {values.short(step.value, 40)}"
            place = f"    {paint(step.location, 'cyan')}  {'changed' if index else 'set'} by {step.by}{told}"
            yield place if alone else f"{place}  {_commit(step)}"
            if alone:
                yield values.fold(f"      {_commit(step)}{_subject(step)}", width)


def _equals(value: Any, width: int) -> str:
    return "" if value is None else f" = {values.short(value, width // 2)}"


def _commit(step: TraceStep) -> str:
    if step.note:
        return step.note
    who = f"{step.author} <{step.email}>" if step.email else step.author
    return values.unpainted(f"{step.commit[:_DIGITS]} {step.date[:_DAY]} {who}")


def _subject(step: TraceStep) -> str:
    return values.unpainted(f": {step.subject}") if step.subject else ""


def _name(thing: ObjectId) -> str:
    where = f"{thing.namespace}/" if thing.namespace else ""
    return f"{thing.kind} {where}{thing.name}"
