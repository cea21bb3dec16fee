"""Drift: live differs from the rendering of the revision last applied. What, who, how bad.

Git's head being newer is no drift but Pending: work to do, nobody's fault.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from gitops.api.meta import GROUP
from gitops.location import Location
from gitops.objects import Manifest
from gitops.plan import attribution, compare, predict
from gitops.plan.change import Desired
from gitops.plan.compare import ABSENT
from gitops.ref import ResourceRef

_CAPACITY = frozenset({"resources", "replicas", "maxOperations", "minReplicas", "maxReplicas", "sizeLimit"})
_RBAC = "rbac.authorization.k8s.io"
# Kinds whose content decides what runs, or who may do what.
_POWER = frozenset(
    {"Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob", "Pod", "ServiceAccount", "NetworkPolicy"}
)


class Severity(StrEnum):
    """How bad, from least to worst."""

    COSMETIC = "cosmetic"
    CAPACITY = "capacity"
    SECURITY = "security"


class Manner(StrEnum):
    """How live differs."""

    MISSING = "missing"
    CHANGED = "changed"
    REMOVED = "removed"
    ADDED = "added"


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """One path of one object; `owners` is one certain manager, or candidates, or empty (not attributable)."""

    ref: ResourceRef
    path: str
    manner: Manner
    severity: Severity
    desired: Any = None
    live: Any = None
    owners: tuple[attribution.Owner, ...] = ()
    location: Location | None = None


def find(desired: Sequence[Desired], live: Mapping[ResourceRef, Manifest]) -> tuple[Drift, ...]:
    """Every difference, in the order of the desired objects. What could not be read must be left out of `desired`."""
    out: list[Drift] = []
    for one in desired:
        found = live.get(one.ref)
        if found is None:
            out.append(_missing(one))
        else:
            changed = _changed(one, found)
            out += changed
            out += _added(one, found, known=tuple(drift.path for drift in changed))
    return tuple(out)


def _missing(one: Desired) -> Drift:
    severity = _severity(one.ref, "")
    return Drift(ref=one.ref, path="", manner=Manner.MISSING, severity=severity, location=one.location)


def _changed(one: Desired, live: Manifest) -> list[Drift]:
    predicted = predict.predict(one.manifest, live)
    visible = compare.visible(live)
    out = []
    for op in compare.compare(live, predicted):
        now = compare.at(visible, op["path"]) if op["op"] != "add" else ABSENT
        gone = now is ABSENT
        owner = attribution.owner_of(live, op["path"])
        out.append(
            Drift(
                ref=one.ref,
                path=op["path"],
                manner=_manner(op["op"], gone=gone),
                severity=_severity(one.ref, op["path"]),
                desired=op.get("value", ABSENT),
                live=now,
                owners=attribution.candidates(live) if gone or owner is None else (owner,),
                location=one.location,
            )
        )
    return out


def _manner(op: str, *, gone: bool) -> Manner:
    if op == "remove":
        return Manner.ADDED
    return Manner.REMOVED if gone else Manner.CHANGED


def _added(one: Desired, live: Manifest, *, known: tuple[str, ...]) -> list[Drift]:
    """Fields somebody else added where only Git should speak: server-side apply cannot remove them, a person does."""
    roots = _guarded(one.ref)
    if not roots:
        return []
    out = []
    for pointer, owner in attribution.foreign_leaves(live):
        if not pointer.startswith(roots) or pointer.startswith(known) or attribution.is_ours(live, pointer):
            continue
        out.append(
            Drift(
                ref=one.ref,
                path=pointer,
                manner=Manner.ADDED,
                severity=_severity(one.ref, pointer),
                desired=ABSENT,
                live=compare.at(live, pointer),
                owners=(owner,),
                location=one.location,
            )
        )
    return out


def _guarded(ref: ResourceRef) -> tuple[str, ...]:
    if ref.group == GROUP:
        return ("/spec/",)
    if ref.group == _RBAC:
        return ("/rules", "/subjects", "/roleRef", "/aggregationRule")
    return ("/spec/template/spec/",) if ref.kind in _POWER else ()


def _severity(ref: ResourceRef, path: str) -> Severity:
    tokens = path.split("/")
    if _CAPACITY & set(tokens):
        return Severity.CAPACITY
    if path.startswith("/metadata/") and "pod-security.kubernetes.io" not in path:
        return Severity.COSMETIC
    powerful = ref.group in {_RBAC, GROUP, "admissionregistration.k8s.io"} or ref.kind in _POWER
    if powerful or ref.kind in {"Secret", "Namespace"}:
        return Severity.SECURITY
    return Severity.COSMETIC
