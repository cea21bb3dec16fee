"""Drift for people and for machines: what, who, how bad."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from gitops.api.plan import DriftedPath, DriftReport, UnreadableObject
from gitops.plan import document, secrecy
from gitops.plan.attribution import Owner
from gitops.plan.compare import ABSENT
from gitops.plan.drift import Drift
from gitops.ref import ResourceRef
from gitops.report import redact, values


def lines(drifts: Sequence[Drift], unreadable: Mapping[ResourceRef, str], *, salt: str) -> Iterator[str]:
    """The report line by line, object by object."""
    shown: ResourceRef | None = None
    for one in drifts:
        if one.ref != shown:
            origin = f"  [{redact.plain(str(one.location))}]" if one.location else ""
            yield f"{redact.plain(str(one.ref))}{origin}"
            shown = one.ref
        yield f"  {one.severity:<9} {_what(one, salt)}"
        yield f"            {redact.plain(attribution(one.owners))}"
    for ref, why in unreadable.items():
        yield f"{redact.plain(str(ref))}"
        yield f"  unverified {redact.plain(why)}"


def attribution(owners: Sequence[Owner]) -> str:
    """Who did it, as far as the cluster knows."""
    if owners and owners[0].certain:
        one = owners[0]
        return f"by {one.manager} ({one.operation}{', ' + one.time if one.time else ''})"
    if not owners:
        return "not attributable"
    names = ", ".join(f"{one.manager} ({one.time})" if one.time else one.manager for one in owners)
    return f"not attributable; wrote to it before: {names}"


def _what(one: Drift, salt: str) -> str:
    desired, live = _hidden(one, salt)
    if not one.path:
        return "the object is missing"
    path = values.pointer(one.path)
    return f"{path}  {one.manner}: Git {values.short(desired)}, live {values.short(live)}"


def _hidden(one: Drift, salt: str) -> tuple[Any, Any]:
    if not secrecy.is_secret(one.ref):
        return one.desired, one.live
    found = (one.desired, one.live)
    desired, live = (value if value is ABSENT else secrecy.value(one.path, value, salt) for value in found)
    return desired, live


def report(
    drifts: Sequence[Drift],
    unreadable: Mapping[ResourceRef, str],
    *,
    header: tuple[str, str, str],
    compared: int,
    salt: str,
) -> DriftReport:
    """The report as a document; `header` is name, namespace and revision."""
    name, namespace, revision = header
    return DriftReport(
        name=name,
        namespace=namespace,
        revision=revision,
        compared=compared,
        drift=[_path(one, salt) for one in drifts],
        unreadable=[UnreadableObject(object=document.object_id(ref), why=why) for ref, why in unreadable.items()],
    )


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
        candidates=[] if owner else [candidate.manager for candidate in one.owners],
        location=str(one.location or ""),
    )
