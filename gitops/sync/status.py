"""A GitSync's status: what a turn found out, as conditions `kubectl wait` understands; written only if it says more.

Ready is normal-true. Reconciling, Stalled and Drifted are abnormal-true and absent when all is well.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from gitops import api, errors
from gitops.api.gitsync import Rollback
from gitops.objects import conditions
from gitops.plan import drift, heat
from gitops.plan.attribution import Owner
from gitops.ports.objects import Objects, Resource
from gitops.source import Revision

GIT_SYNCS = Resource(group=api.GROUP, version=api.VERSION, kind="GitSync", plural="gitsyncs", namespaced=True)
DRIFT_LIMIT = 20
"""Paths kept in the status; the whole report is `gitops drift`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a turn ended with. `reason` and `message` are those of the Ready condition.

    None of `drifts` or `corrections` leaves what is known of them; `note` is added to what is said of drift.
    """

    ready: bool
    reason: str
    message: str
    attempted: str = ""
    applied: str = ""
    refused: str = ""
    objects: int | None = None
    stalled: bool = False
    drifts: tuple[drift.Drift, ...] | None = None
    ignored: int = 0
    corrections: tuple[heat.Heat, ...] | None = None
    note: str = ""
    rollback: Rollback | None = None
    leaving: bool = False
    """It is about the deletion of the GitSync: nothing else of it will be acted on any more."""


FIGHTING = "Fighting"


def fighting(fights: Sequence[heat.Heat], *, applied: str) -> Verdict:
    """The verdict while somebody else writes again what was corrected: nobody wins by writing once more."""
    first = fights[0]
    more = f", and {len(fights) - 1} more objects" if len(fights) > 1 else ""
    who = first.manager or "somebody who cannot be named"
    message = (
        f"{first.object} {first.path}: {who} wrote again after each of {first.count} corrections, the last at"
        f" {_stamp(first.at)}{more}; corrected no more until a new commit, a change of this GitSync, or peace"
    )
    return Verdict(ready=False, reason=FIGHTING, message=message, attempted=applied, applied=applied, stalled=True)


def rolled_back(done: Rollback, drifts: tuple[drift.Drift, ...] | None) -> Verdict:
    """The verdict while a person's rollback stands: not Ready, for the newest commit is not applied."""
    bad, good = Revision.parse(done.pinned), Revision.parse(done.to)
    by = f" by {done.by}" if done.by else ""
    return Verdict(
        ready=False,
        reason="RolledBack",
        message=f"rolled back to {good.short}{by}: {bad.short} is not applied again, a newer commit is",
        attempted=done.pinned,
        stalled=True,
        drifts=drifts,
    )


def failed(error: errors.GitOpsError, *, attempted: str = "") -> Verdict:
    """The verdict of a turn that raised: retried by itself, or stalled until a person acts."""
    refused = attempted if isinstance(error, errors.Refused) and not isinstance(error, errors.PlanStale) else ""
    parts = error.errors if isinstance(error, errors.SeveralErrors) else (error,)
    hint = f" ({error.hint})" if error.hint else ""
    return Verdict(
        ready=False,
        reason=error.reason,
        message=f"{error}{hint}",
        attempted=attempted,
        refused=refused,
        stalled=not all(one.retry or isinstance(one, errors.PlanStale | errors.TimedOut) for one in parts),
    )


def announced(sync: api.GitSync, revision: str, *, now: datetime) -> list[dict[str, Any]]:
    """The conditions while a revision is being applied: Reconciling is set, the others stay."""
    begun = {"type": "Reconciling", "status": "True", "reason": "Applying", "message": f"applying {revision}"}
    return conditions.put(msgspec.to_builtins(sync.status).get("conditions") or (), begun, now=_stamp(now))


def going(sync: api.GitSync, words: str, *, now: datetime) -> list[dict[str, Any]]:
    """The conditions while what a deleted GitSync owns is deleted: Reconciling, and not Ready."""
    found: list[dict[str, Any]] = conditions.drop(msgspec.to_builtins(sync.status).get("conditions") or (), "Stalled")
    for kind, is_true in (("Reconciling", True), ("Ready", False)):
        said = {"type": kind, "status": str(is_true), "reason": "Deleting", "message": words}
        found = conditions.put(found, {**said, "observedGeneration": sync.metadata.generation}, now=_stamp(now))
    return found


def after(sync: api.GitSync, verdict: Verdict, *, now: datetime) -> dict[str, Any]:
    """The status that follows a verdict, as JSON."""
    old = msgspec.to_builtins(sync.status)
    stamp = _stamp(now)
    found: list[dict[str, Any]] = conditions.drop(old.get("conditions") or (), "Reconciling")
    for condition in _conditions(sync, verdict):
        found = (
            conditions.put(found, condition, now=stamp)
            if condition["status"] != "absent"
            else conditions.drop(found, condition["type"])
        )
    new = {
        **old,
        "observedGeneration": sync.metadata.generation if _acted(verdict) else sync.status.observed_generation,
        "lastAttemptedRevision": verdict.attempted or sync.status.last_attempted_revision,
        "lastAppliedRevision": verdict.applied or sync.status.last_applied_revision,
        "refusedRevision": verdict.refused or ("" if verdict.applied else sync.status.refused_revision),
        "rollback": msgspec.to_builtins(_rollback(sync, verdict)),
        "conditions": found,
    }
    if verdict.objects is not None:
        new["objects"] = verdict.objects
    if verdict.drifts is not None:
        new["drift"] = [_shortened(one) for one in verdict.drifts[:DRIFT_LIMIT]]
        new["ignored"] = verdict.ignored
    if verdict.corrections is not None:
        new["corrections"] = [_correction(one) for one in verdict.corrections]
    return new


def _acted(verdict: Verdict) -> bool:
    """What the spec says was done, or refused; a failure on the way leaves it to be done."""
    return bool(verdict.applied or verdict.refused or verdict.leaving)


def _rollback(sync: api.GitSync, verdict: Verdict) -> Rollback | None:
    """A rollback stands until something else than what it went back to is applied."""
    known = verdict.rollback or sync.status.rollback
    ended = known is not None and bool(verdict.applied) and verdict.applied != known.to
    return None if ended else known


def _stamp(now: datetime) -> str:
    return now.strftime("%Y-%m-%dT%H:%M:%SZ")


def _conditions(sync: api.GitSync, verdict: Verdict) -> Sequence[Mapping[str, Any]]:
    generation = sync.metadata.generation
    ready = {
        "type": "Ready",
        "status": "True" if verdict.ready else "False",
        "reason": verdict.reason,
        "message": verdict.message,
        "observedGeneration": generation,
    }
    stalled = {**ready, "type": "Stalled", "status": "True" if verdict.stalled else "absent"}
    if verdict.drifts is None:
        return ready, stalled
    drifted = {
        "type": "Drifted",
        "status": "True" if verdict.drifts else "absent",
        "reason": FIGHTING if verdict.reason == FIGHTING else "LiveDiffers",
        "message": f"{summary(verdict.drifts)}{verdict.note}",
        "observedGeneration": generation,
    }
    return ready, stalled, drifted


def summary(drifts: Sequence[drift.Drift]) -> str:
    """Drift in one line: how much, and the first with its manager."""
    if not drifts:
        return ""
    first = drifts[0]
    many = f"{len(drifts)} paths differ, the first" if len(drifts) > 1 else "one path differs"
    return f"{many}: {first.ref} {first.path or 'is missing'}{_by(first.owners)}"


def _by(owners: Sequence[Owner]) -> str:
    if not owners:
        return ""
    return f" by {owners[0].manager}" if owners[0].certain else f", perhaps by {owners[0].manager}"


def _shortened(one: drift.Drift) -> dict[str, str]:
    certain = [owner.manager for owner in one.owners if owner.certain]
    return {"object": str(one.ref), "path": one.path, "manager": certain[0] if certain else ""}


def _correction(one: heat.Heat) -> dict[str, Any]:
    return {
        "object": one.object,
        "path": one.path,
        "manager": one.manager,
        "count": one.count,
        "at": _stamp(one.at),
    }


def corrections(sync: api.GitSync) -> tuple[heat.Heat, ...]:
    """How hot each object is, as the status remembers it."""
    return tuple(
        heat.Heat(
            object=one.object,
            path=one.path,
            manager=one.manager,
            count=one.count,
            at=datetime.fromisoformat(one.at),
        )
        for one in sync.status.corrections
    )


async def pin(objects: Objects, sync: api.GitSync, done: Rollback) -> None:
    """Say that a revision is not to be applied again by itself: before the earlier one is, so that nobody undoes it."""
    patch = {"metadata": {"uid": sync.metadata.uid}, "status": {"rollback": msgspec.to_builtins(done)}}
    await objects.patch_status(GIT_SYNCS, sync.metadata.namespace, sync.metadata.name, patch)


async def rest(objects: Objects, sync: api.GitSync) -> None:
    """Say no more that something is under way, if that was said: the turn that said it was broken off."""
    known = msgspec.to_builtins(sync.status).get("conditions") or ()
    if conditions.find(known, "Reconciling") is None:
        return
    patch = {"metadata": {"uid": sync.metadata.uid}, "status": {"conditions": conditions.drop(known, "Reconciling")}}
    await objects.patch_status(GIT_SYNCS, sync.metadata.namespace, sync.metadata.name, patch)


async def write(objects: Objects, sync: api.GitSync, status: Mapping[str, Any]) -> None:
    """Patch the status if it says anything new; a turn that changes nothing writes nothing."""
    if _timeless(status) == _timeless(msgspec.to_builtins(sync.status)):
        return
    patch = {"metadata": {"uid": sync.metadata.uid}, "status": status}
    await objects.patch_status(GIT_SYNCS, sync.metadata.namespace, sync.metadata.name, patch)


def _timeless(status: Mapping[str, Any]) -> dict[str, Any]:
    """The status without empty values, in one order."""
    out = {key: value for key, value in status.items() if value not in ("", [], None, 0)}
    out["conditions"] = sorted((dict(one) for one in status.get("conditions") or ()), key=lambda one: str(one["type"]))
    return out
