"""Drift: live differs from the rendering of the revision last applied. What, who, how bad.

Git's head being newer is no drift but Pending: work to do, nobody's fault.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from gitops.api.meta import FIELD_MANAGER, GROUP
from gitops.location import Location
from gitops.objects import Manifest, fieldpath
from gitops.plan import attribution, compare, predict
from gitops.plan.change import Desired
from gitops.plan.compare import ABSENT
from gitops.ref import ResourceRef

_CAPACITY = frozenset({"resources", "replicas", "maxOperations", "minReplicas", "maxReplicas", "sizeLimit"})
_CAPACITY_KINDS = frozenset(
    {"HorizontalPodAutoscaler", "PodDisruptionBudget", "ResourceQuota", "LimitRange", "PriorityClass"}
)
_RBAC = "rbac.authorization.k8s.io"
# Labels that decide who may do what, rather than only describe.
_POWERFUL_LABELS = ("pod-security.kubernetes.io", _RBAC)
# Where nobody but Git should speak: a field somebody else adds there changes what runs, or who may do what.
_POD = "/spec/template/spec"
_POD_FIELDS = ("containers", "initContainers", "ephemeralContainers", "volumes", "hostNetwork", "hostPID", "hostIPC")
_GUARDED: Mapping[tuple[str, str], tuple[str, ...]] = {
    # Of a pod itself the scheduler and the kubelet write other fields.
    ("", "Pod"): tuple(f"/spec/{field}" for field in _POD_FIELDS),
    ("", "ReplicationController"): (_POD,),
    ("apps", "ReplicaSet"): (_POD,),
    ("", "Namespace"): tuple(
        f"/metadata/labels/pod-security.kubernetes.io~1{mode}" for mode in ("enforce", "enforce-version")
    ),
    ("apps", "Deployment"): (_POD,),
    ("apps", "StatefulSet"): (_POD,),
    ("apps", "DaemonSet"): (_POD,),
    ("batch", "Job"): (_POD,),
    ("batch", "CronJob"): ("/spec/jobTemplate/spec/template/spec",),
    ("", "ServiceAccount"): ("/automountServiceAccountToken",),
    (_RBAC, "Role"): ("/rules",),
    (_RBAC, "ClusterRole"): (
        "/rules",
        "/aggregationRule",
        *(f"/metadata/labels/{_RBAC}~1aggregate-to-{role}" for role in ("admin", "edit", "view")),
    ),
    (_RBAC, "RoleBinding"): ("/subjects",),
    (_RBAC, "ClusterRoleBinding"): ("/subjects",),
    ("networking.k8s.io", "NetworkPolicy"): ("/spec",),
}


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


def find(
    desired: Sequence[Desired],
    live: Mapping[ResourceRef, Manifest],
    *,
    proven: Mapping[ResourceRef, Manifest] | None = None,
) -> tuple[Drift, ...]:
    """Every difference, in the order of the desired objects. What could not be read must be left out of `desired`.

    `proven` are objects as the server itself would make them of Git, where it was asked.
    """
    out: list[Drift] = []
    for one in desired:
        found = live.get(one.ref)
        if found is None:
            out.append(_missing(one))
        else:
            changed = _changed(one, found, (proven or {}).get(one.ref) or predict.predict(one.manifest, found))
            out += changed
            out += _added(one, found, known=tuple(drift.path for drift in changed))
    return tuple(out)


def is_correctable(one: Drift) -> bool:
    """Applying what Git says would end it: not what others added, nor an object that is being deleted."""
    return one.manner is not Manner.ADDED or any(owner.manager == FIELD_MANAGER for owner in one.owners)


def is_doubtful(one: Drift, live: Mapping[ResourceRef, Manifest]) -> bool:
    """We own the field as it is: a default or a spelling of the server's, unless Git says something else by now."""
    return one.manner is not Manner.MISSING and attribution.is_ours(live[one.ref], one.path)


def _missing(one: Desired) -> Drift:
    severity = _severity(one.ref, "")
    return Drift(ref=one.ref, path="", manner=Manner.MISSING, severity=severity, location=one.location)


def _changed(one: Desired, live: Manifest, predicted: Manifest) -> list[Drift]:
    out = [_leaving(one, live)] if live["metadata"].get("deletionTimestamp") else []
    for step in compare.steps(live, predicted):
        op = step.operation["op"]
        path = step.operation["path"] if op == "add" else step.origin
        owner = None if op == "add" else attribution.owner_of(live, step.origin)
        out.append(
            Drift(
                ref=one.ref,
                path=path,
                manner=_MANNERS[op],
                severity=_severity(one.ref, path),
                desired=step.operation.get("value", ABSENT),
                live=ABSENT if op == "add" else step.old,
                owners=attribution.candidates(live) if owner is None else (owner,),
                location=one.location,
            )
        )
    return out


_MANNERS = {"add": Manner.REMOVED, "replace": Manner.CHANGED, "remove": Manner.ADDED}


def _leaving(one: Desired, live: Manifest) -> Drift:
    return Drift(
        ref=one.ref,
        path="/metadata/deletionTimestamp",
        manner=Manner.ADDED,
        severity=_severity(one.ref, ""),
        desired=ABSENT,
        live=live["metadata"]["deletionTimestamp"],
        location=one.location,
    )


def _added(one: Desired, live: Manifest, *, known: tuple[str, ...]) -> list[Drift]:
    """Fields somebody else added where only Git should speak: server-side apply cannot remove them, a person does."""
    roots = _guarded(one)
    if not roots:
        return []
    found: dict[str, Drift] = {}
    for pointer, owner in attribution.foreign_leaves(live):
        if not _inside(pointer, roots) or _inside(pointer, known) or attribution.is_ours(live, pointer):
            continue
        if _has(one.manifest, live, pointer):
            continue  # Git speaks there too: what differs is a change, and written back by hand it is none
        found[pointer] = Drift(
            ref=one.ref,
            path=pointer,
            manner=Manner.ADDED,
            severity=_severity(one.ref, pointer),
            desired=ABSENT,
            live=compare.at(live, pointer),
            owners=(owner,),
            location=one.location,
        )
    return list(found.values())


# What tells the items of the lists of Kubernetes apart, whichever of them a list uses.
_KEYS = ("name", "key", "mountPath", "devicePath", "containerPort", "port", "protocol", "ip", "type", "topologyKey")


def _has(desired: Any, live: Any, pointer: str) -> bool:
    """Git has something at a JSON Pointer of live; items of lists are the same if their keys are."""
    for token in pointer.split("/")[1:]:
        key = fieldpath.unescape(token)
        if isinstance(live, list) and isinstance(desired, list):
            live = live[int(key)]
            desired = next((one for one in desired if _is_same_item(one, live)), compare.ABSENT)
        elif isinstance(live, dict) and isinstance(desired, dict):
            live, desired = live.get(key), desired.get(key, compare.ABSENT)
        else:
            return False
        if desired is compare.ABSENT:
            return False
    return True


def _is_same_item(one: Any, other: Any) -> bool:
    if not isinstance(one, dict) or not isinstance(other, dict):
        return bool(one == other)
    keys = [key for key in _KEYS if key in one and key in other]
    return bool(keys) and all(one[key] == other[key] for key in keys)


def _guarded(one: Desired) -> tuple[str, ...]:
    if one.ref.group == GROUP:
        return ("/spec",)
    roots = _GUARDED.get((one.ref.group, one.ref.kind), ())
    # The rules of an aggregated ClusterRole are its controller's.
    return () if one.manifest.get("aggregationRule") else roots


def _inside(pointer: str, roots: tuple[str, ...]) -> bool:
    return any(pointer == root or pointer.startswith(f"{root}/") for root in roots)


def _severity(ref: ResourceRef, path: str) -> Severity:
    """Metadata describes; quantities and counts are capacity; all else decides what runs or who may do what."""
    if path.startswith("/metadata/") and not any(label in path for label in _POWERFUL_LABELS):
        return Severity.COSMETIC
    if ref.group in {_RBAC, "admissionregistration.k8s.io"}:
        return Severity.SECURITY
    if ref.kind in _CAPACITY_KINDS or _CAPACITY & set(path.split("/")):
        return Severity.CAPACITY
    return Severity.SECURITY
