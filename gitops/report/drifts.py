"""Drift for people and for machines: what, who, how bad."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from gitops.api.plan import (
    DriftCandidate,
    DriftedPath,
    DriftReport,
    ExpiredRule,
    IgnoredPath,
    ObjectId,
    UnreadableObject,
)
from gitops.objects import Manifest
from gitops.plan import document, secrecy
from gitops.plan.attribution import Owner
from gitops.plan.compare import ABSENT
from gitops.plan.drift import Drift, Manner, Severity
from gitops.plan.ignore import Ignored, Rule, Sorted
from gitops.ref import ResourceRef
from gitops.report import plans, redact, values
from gitops.report.documents import Locate, nowhere
from gitops.review import places

COLORS: dict[str, str] = {Severity.COSMETIC: "dim", Severity.CAPACITY: "yellow", Severity.SECURITY: "red"}
Pairs = Mapping[ResourceRef, tuple[Manifest | None, Manifest]]
"""Live and wanted object of each reference: what a path of live is called in Git."""


def report(
    drifts: Sequence[Drift],
    unreadable: Mapping[ResourceRef, str],
    *,
    header: tuple[str, str, str],
    compared: int,
    salt: str,
    rules: Sorted | None = None,
) -> DriftReport:
    """The report as a document; `header` is name, namespace and revision, `rules` what ignore rules made of it."""
    name, namespace, revision = header
    return DriftReport(
        name=name,
        namespace=namespace,
        revision=revision,
        compared=compared,
        drift=[_path(one, salt) for one in drifts],
        unreadable=[UnreadableObject(object=document.object_id(ref), why=why) for ref, why in unreadable.items()],
        ignored=[_ignored(one) for one in rules.ignored] if rules else [],
        expired=[_expired(rule, paths) for rule, paths in rules.expired] if rules else [],
    )


def _ignored(one: Ignored) -> IgnoredPath:
    owner = one.drift.owners[0] if one.drift.owners and one.drift.owners[0].certain else None
    return IgnoredPath(
        object=document.object_id(one.drift.ref),
        path=one.drift.path,
        manager=owner.manager if owner else "",
        owner=one.rule.owner,
        reason=one.rule.reason,
        expires=one.rule.expires,
    )


def _expired(rule: Rule, paths: int) -> ExpiredRule:
    return ExpiredRule(owner=rule.owner, reason=rule.reason, expires=rule.expires, paths=paths)


def located(drifts: Sequence[Drift], objects: Pairs, locate: Locate = nowhere) -> tuple[Drift, ...]:
    """The drifts with the place of the field itself, where Git has one."""
    return tuple(_located(one, objects.get(one.ref), locate) for one in drifts)


def _located(one: Drift, pair: tuple[Manifest | None, Manifest] | None, locate: Locate) -> Drift:
    if pair is None or not one.path or one.manner is Manner.ADDED:
        return one
    live, wanted = pair
    shown = wanted if one.manner is Manner.REMOVED else live
    found = locate(one.ref, places.pointer(one.path, shown=shown, wanted=wanted))
    return replace(one, location=found or one.location)


def _path(one: Drift, salt: str) -> DriftedPath:
    desired, live = (None if value is ABSENT else value for value in _hidden(one, salt))
    owner = one.owners[0] if one.owners and one.owners[0].certain else None
    return DriftedPath(
        object=document.object_id(one.ref),
        path=one.path,
        manner=one.manner.value,
        severity=one.severity.value,
        desired=desired,
        live=live,
        manager=owner.manager if owner else "",
        operation=owner.operation if owner else "",
        time=owner.time if owner else "",
        candidates=[] if owner else [_candidate(candidate) for candidate in one.owners],
        location=str(one.location or ""),
    )


def _candidate(one: Owner) -> DriftCandidate:
    return DriftCandidate(manager=one.manager, operation=one.operation, time=one.time)


def _hidden(one: Drift, salt: str) -> tuple[Any, Any]:
    if not secrecy.is_secret(one.ref):
        return one.desired, one.live
    found = (one.desired, one.live)
    desired, live = (value if value is ABSENT else secrecy.value(one.path, value, salt) for value in found)
    return desired, live


def lines(found: DriftReport, *, width: int = 100, paint: values.Paint = values.unpainted) -> Iterator[str]:
    """The report line by line, object by object, folded to about `width` columns."""
    shown: ObjectId | None = None
    for one in found.drift:
        if one.object != shown:
            yield name(one.object)
            shown = one.object
        origin = f"  {paint(f'[{one.location}]', 'dim')}" if one.location else ""
        yield f"  {paint(f'{one.severity:<9}', COLORS[one.severity])} {what(one, width - 12)}{origin}"
        yield f"            {redact.plain(attribution(one))}"
    for other in found.unreadable:
        yield name(other.object)
        yield f"  unverified {redact.plain(other.why)}"
    for hidden in found.ignored:
        yield name(hidden.object)
        by = f" by {redact.plain(hidden.manager)}" if hidden.manager else ""
        yield from values.wrapped(f"ignored    {ignored(hidden)}{by}", width, "  ")
    for rule in found.expired:
        yield from values.wrapped(expired(rule), width, "")


def ignored(one: IgnoredPath) -> str:
    """A hidden path, and why."""
    return f"{values.pointer(one.path)}  {plans.ignoring(one)}"


def expired(one: ExpiredRule) -> str:
    """An ignore rule whose last day is over."""
    would = f": it would hide {values.count(one.paths, 'path')} of this drift" if one.paths else " and hid nothing here"
    return redact.plain(f"The ignore rule of {one.owner} ({one.reason}) expired on {one.expires}{would}")


def name(found: ObjectId) -> str:
    """The object of a drift."""
    return values.object_name(found.group, found.kind, found.namespace, found.name)


def summary(found: DriftReport, against: str) -> str:
    """One line: how much of how many objects."""
    if not found.drift:
        return f"in sync: {values.count(found.compared, 'object')} as {against} says"
    objects = len({(one.object.group, one.object.kind, one.object.namespace, one.object.name) for one in found.drift})
    verb = "differs" if len(found.drift) == 1 else "differ"
    paths = values.count(len(found.drift), "path")
    return f"{paths} in {objects} of {values.count(found.compared, 'object')} {verb} from {against}"


def what(one: DriftedPath, width: int = 100) -> str:
    """How a path differs, on one line."""
    if not one.path:
        return "the object is missing"
    path = values.pointer(one.path)
    room = max(values.NARROWEST, (width - len(path) - len(one.manner) - 16) // 2)
    desired = "(absent)" if one.manner == Manner.ADDED else values.short(one.desired, room)
    live = "(absent)" if one.manner == Manner.REMOVED else values.short(one.live, room)
    return f"{path}  {one.manner}: Git {desired}, live {live}"


def attribution(one: DriftedPath) -> str:
    """Who did it, as far as the cluster knows."""
    if one.manager:
        return f"by {one.manager} ({one.operation}{', ' + one.time if one.time else ''})"
    if not one.candidates:
        return "not attributable"
    names = [f"{other.manager} ({other.time})" if other.time else other.manager for other in one.candidates]
    return f"not attributable; wrote to it before: {', '.join(names)}"
