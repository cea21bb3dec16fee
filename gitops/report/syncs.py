"""Where a GitSync stands, on one screen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime

from gitops.api.report import CommitInfo, ObjectHealth, SyncReport
from gitops.health import Health
from gitops.report import redact, values

_COLORS: dict[str, str] = {
    Health.HEALTHY: "green",
    Health.PROGRESSING: "yellow",
    Health.DEGRADED: "red",
    Health.MISSING: "red",
    Health.SUSPENDED: "dim",
    Health.UNKNOWN: "dim",
}
_FINE = frozenset({Health.HEALTHY, Health.SUSPENDED})
SHOWN = 10
"""Pending commits and drifted paths that are listed."""


def lines(
    report: SyncReport, *, now: datetime, everything: bool = False, paint: values.Paint = values.unpainted
) -> Iterator[str]:
    """The screen line by line; with `everything`, healthy objects are listed too."""
    yield paint(f"GitSync {report.namespace}/{report.name}", "bold")
    yield f"  follows     {redact.plain(f'{report.url} {report.reference} /{report.path}')}"
    yield f"  applied     {_commit(report.applied, now) if report.applied else 'nothing yet'}"
    yield from _state(report, now, paint)
    yield from _drift(report, paint)
    yield ""
    yield paint("Conditions", "bold")
    for one in report.conditions:
        color = _condition_color(one.type, one.status)
        yield f"  {paint(f'{one.type}={one.status}', color)}  {redact.plain(f'{one.reason}: {one.message}')}"
    if not report.conditions:
        yield "  none: no reconciler has looked at it yet"
    yield ""
    yield from _objects(report.objects, paint, everything=everything)


def _condition_color(kind: str, status: str) -> str:
    good = status == "True" if kind == "Ready" else status != "True"
    return "green" if good else "red" if kind in {"Ready", "Stalled"} else "yellow"


def _state(report: SyncReport, now: datetime, paint: values.Paint) -> Iterator[str]:
    if report.unknown:
        yield f"  newest      {paint('unknown', 'yellow')}: {redact.plain(report.unknown)}"
    elif not report.pending:
        yield "  newest      the same: no commit is pending"
    else:
        count = values.count(len(report.pending), "commit")
        yield f"  newest      {_commit(report.newest, now) if report.newest else ''}"
        yield f"  pending     {paint(count, 'yellow')}, not applied yet"
        for one in report.pending[:SHOWN]:
            yield f"                {_commit(one, now)}"
        if len(report.pending) > SHOWN:
            yield f"                and {len(report.pending) - SHOWN} more"
    if report.rollback is not None:
        done = report.rollback
        yield f"  rolled back {redact.plain(f'by {done.by} at {done.at}: {_short(done.pinned)} is not applied again')}"
    if report.suspended:
        yield f"  {paint('suspended', 'yellow')}   {redact.plain(report.suspended)}"
    if report.mode != "apply":
        yield f"  mode        {report.mode}: new commits are reported, not applied"


def _drift(report: SyncReport, paint: values.Paint) -> Iterator[str]:
    hidden = f"; {values.count(report.ignored, 'path')} left to others" if report.ignored else ""
    if report.drift:
        count, name = values.count(len(report.drift), "path"), redact.plain(report.name)
        yield f"  drift       {paint(count, 'red')} at the last look{hidden}; `gitops drift {name}` shows all"
    else:
        yield f"  drift       none seen at the last look{hidden}"
    for one in report.drift[:SHOWN]:
        by = f" by {one.manager}" if one.manager else ""
        words = f"{one.object} {one.path}{by}" if one.path else f"{one.object} is missing"
        yield f"                {redact.plain(words)}"
    for hot in report.corrections[:SHOWN]:
        who = f", {hot.manager} wrote it" if hot.manager else ""
        words = f"corrected {values.count(hot.count, 'time')}: {hot.object} {hot.path}{who}"
        yield f"                {redact.plain(words)}"


def _objects(objects: list[ObjectHealth], paint: values.Paint, *, everything: bool) -> Iterator[str]:
    counts = Counter(one.health for one in objects)
    told = ", ".join(f"{counts[health]} {health}" for health in Health if counts[health])
    yield f"{paint('Objects', 'bold')}  {len(objects)}{f': {told}' if told else ''}"
    for one in objects:
        if everything or one.health not in _FINE:
            name = values.object_name(one.group, one.kind, one.namespace, one.name)
            why = f"  {redact.plain(one.why)}" if one.why else ""
            yield f"  {paint(f'{one.health:<11}', _COLORS[one.health])} {name}{why}"


def _commit(one: CommitInfo, now: datetime) -> str:
    if not one.subject:
        return redact.plain(_short(one.revision))
    age = f", {_ago(one.at, now)}" if one.at else ""
    return redact.plain(f'{_short(one.revision)} "{one.subject}" by {one.author}{age}')


def _short(revision: str) -> str:
    reference, mark, commit = revision.rpartition("sha1:")
    return f"{reference}{commit[:12]}" if mark else revision[:12]


def _ago(at: str, now: datetime) -> str:
    seconds = max(0, int((now - datetime.fromisoformat(at)).total_seconds()))
    for size, unit in ((86_400, "day"), (3_600, "hour"), (60, "minute")):
        if seconds >= size:
            return f"{values.count(seconds // size, unit)} ago"
    return "just now"
