"""`Plan` and `DriftReport` as documents: what `-o json` and `gitops plan --out` write. Never objects of a cluster."""

from __future__ import annotations

from typing import Any

from gitops.api.meta import API_VERSION, Wire


class ObjectId(Wire, frozen=True, kw_only=True, omit_defaults=False):
    """One object."""

    group: str
    version: str
    kind: str
    namespace: str
    name: str


class PlanSource(Wire, frozen=True, kw_only=True, omit_defaults=False):
    """What the plan was rendered from: a GitSync by name, or a path as given on the command line."""

    sync: str = ""
    path: str = ""
    revision: str = ""


class TakenField(Wire, frozen=True, kw_only=True):
    """A field taken back from another manager."""

    path: str
    manager: str


class PlannedChange(Wire, frozen=True, kw_only=True):
    """One object's part of the plan. Values of Secrets are masked with the plan's salt."""

    object: ObjectId
    action: str
    stage: int
    authored: ObjectId
    location: str = ""
    verified: bool = False
    why: str = ""
    guard: str = ""
    uid: str = ""
    resource_version: str = ""
    patch: list[dict[str, Any]] = []
    inverse: list[dict[str, Any]] = []
    tests: list[dict[str, Any]] = []
    taken: list[TakenField] = []
    desired: str = ""
    fingerprint: str = ""


class PlanDocument(Wire, frozen=True, kw_only=True, omit_defaults=False):
    """An ordered set of changes, bound to what the cluster was."""

    api_version: str = API_VERSION
    kind: str = "Plan"
    name: str
    namespace: str
    source: PlanSource
    digest: str
    salt: str
    force: bool
    consent: list[str]
    unchanged: int
    changes: list[PlannedChange]


class DriftedPath(Wire, frozen=True, kw_only=True, omit_defaults=False):
    """One path that differs."""

    object: ObjectId
    path: str
    manner: str
    severity: str
    desired: Any
    live: Any
    manager: str
    operation: str
    time: str
    candidates: list[str]
    location: str


class UnreadableObject(Wire, frozen=True, kw_only=True):
    """An object that could not be read, and why."""

    object: ObjectId
    why: str


class DriftReport(Wire, frozen=True, kw_only=True, omit_defaults=False):
    """How live differs from the revision last applied."""

    api_version: str = API_VERSION
    kind: str = "DriftReport"
    name: str
    namespace: str
    revision: str
    compared: int
    drift: list[DriftedPath]
    unreadable: list[UnreadableObject]
