"""What `gitops status` writes as data. Never objects of a cluster."""

from __future__ import annotations

from gitops.api.gitsync import Correction, Rollback, SyncDrift
from gitops.api.meta import API_VERSION, Condition, Wire


class CommitInfo(Wire, frozen=True, kw_only=True, omit_defaults=False):
    """A commit as Git tells of it; only `revision` is known of one that could not be read."""

    revision: str
    subject: str = ""
    author: str = ""
    at: str = ""


class ObjectHealth(Wire, frozen=True, kw_only=True, omit_defaults=False):
    """One owned object and its health; `why` is empty when it is Healthy."""

    group: str
    kind: str
    namespace: str
    name: str
    health: str
    why: str = ""


class SyncReport(Wire, frozen=True, kw_only=True, omit_defaults=False):
    """Where a GitSync stands.

    `pending` are commits that are not applied yet, newest first: work to do, nobody's fault. `drift` is how live
    differs from what was applied, as of the reconciler's last look; `ignored` paths more do, and rules hide them;
    `corrections` is what was written again of late. `unknown` says why Git could not be asked.
    """

    api_version: str = API_VERSION
    kind: str = "SyncReport"
    name: str
    namespace: str
    url: str
    reference: str
    path: str
    mode: str
    suspended: str
    applied: CommitInfo | None
    newest: CommitInfo | None
    pending: list[CommitInfo]
    unknown: str
    rollback: Rollback | None
    drift: list[SyncDrift]
    ignored: int = 0
    corrections: list[Correction] = []
    conditions: list[Condition]
    objects: list[ObjectHealth]
