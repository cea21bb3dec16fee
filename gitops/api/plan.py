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


class PlannedEffect(Wire, frozen=True, kw_only=True):
    """What a changed path does to running work (none, next-operation, restart, destructive), and its place in Git."""

    path: str
    impact: str
    words: str
    location: str = ""


class PlannedRight(Wire, frozen=True, kw_only=True):
    """Verbs on a resource; no scope: the whole cluster; no names: every object; `escalation`: what is dangerous."""

    scope: str = ""
    group: str = ""
    resource: str
    names: list[str] = []
    verbs: list[str]
    escalation: str = ""


class AccountRights(Wire, frozen=True, kw_only=True):
    """One account's rights before and after; `grantable`: whether our own account may give them (yes, no, unknown)."""

    account: str
    gained: list[PlannedRight] = []
    lost: list[PlannedRight] = []
    kept: list[PlannedRight] = []
    grantable: str = ""
    refusal: str = ""


class PlannedChange(Wire, frozen=True, kw_only=True):
    """One object's part of the plan. Values of Secrets are masked with the plan's salt.

    Changes stand in the order in which they are carried out: `stage`, in it `wave`; `after` are what it depends on.
    """

    object: ObjectId
    action: str
    stage: int
    wave: int = 0
    after: list[str] = []
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
    impact: str = "none"
    effects: list[PlannedEffect] = []


class LeftField(Wire, frozen=True, kw_only=True):
    """A field that an ignore rule leaves to the manager who owns it; `owner` answers for the rule."""

    object: ObjectId
    path: str
    manager: str
    owner: str
    reason: str
    expires: str


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
    impact: str = "none"
    rights: list[AccountRights] = []
    left: list[LeftField] = []
    expires: str = ""
    """Not applied after this moment (RFC 3339); empty: it does not expire."""
    cluster: str = ""
    """Which cluster it was made for: the UID of its namespace kube-system; empty: not saved, or nobody may know."""
    base: PlanSource | None = None
    """A comparison (`kind: Comparison`) was made with this, not with a cluster, and cannot be applied."""


class RightsReport(Wire, frozen=True, kw_only=True, omit_defaults=False):
    """What each account may do, before and after; `unknown` are roles that are bound and that nobody could read."""

    api_version: str = API_VERSION
    kind: str = "RightsReport"
    name: str
    namespace: str
    source: PlanSource
    accounts: list[AccountRights]
    unknown: list[str]


class DriftCandidate(Wire, frozen=True, kw_only=True):
    """Somebody who wrote to the object, and when; a removal has no owner."""

    manager: str
    operation: str
    time: str = ""


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
    candidates: list[DriftCandidate]
    location: str


class UnreadableObject(Wire, frozen=True, kw_only=True):
    """An object that could not be read, and why."""

    object: ObjectId
    why: str


class IgnoredPath(Wire, frozen=True, kw_only=True):
    """A path that differs and that an ignore rule hides; `owner` answers for the rule, which holds up to `expires`."""

    object: ObjectId
    path: str
    manager: str
    owner: str
    reason: str
    expires: str


class ExpiredRule(Wire, frozen=True, kw_only=True):
    """An ignore rule that hides nothing any more; `paths` of the drift are those it would hide."""

    owner: str
    reason: str
    expires: str
    paths: int


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
    ignored: list[IgnoredPath] = []
    expired: list[ExpiredRule] = []


class AppliedRevision(Wire, frozen=True, kw_only=True, omit_defaults=False):
    """One pass that changed something; an empty revision is that of files of no commit."""

    revision: str
    at: str
    by: str
    moved: int
    deleted: int
    refused: int


class History(Wire, frozen=True, kw_only=True, omit_defaults=False):
    """What was applied, newest first; `pinned` was rolled back and is not applied again by itself."""

    api_version: str = API_VERSION
    kind: str = "History"
    name: str
    namespace: str
    current: str
    pinned: str
    applied: list[AppliedRevision]
