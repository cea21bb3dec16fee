"""A Plan as a document that can be saved, reviewed and applied later: exactly that, or not at all.

What it binds is what each change does: apply makes the plan again from the same revision against the cluster as it is
then, and goes on only if every change is the same. And what it shows, for that is what was reviewed: a file that was
edited so that it shows something else is refused. Secrets are in it as masks only.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection

import msgspec

from gitops import errors
from gitops.api.plan import AccountRights, LeftField, ObjectId, PlanDocument, PlannedChange, PlanSource, TakenField
from gitops.plan import secrecy
from gitops.plan.change import Change, Left, Plan
from gitops.ref import ResourceRef


def document(plan: Plan, source: PlanSource, *, salt: str, force: bool, consent: Collection[str]) -> PlanDocument:
    """The plan as data. `salt` is random and new for each document."""
    return PlanDocument(
        name=plan.name,
        namespace=plan.namespace,
        source=source,
        digest=plan.digest,
        salt=salt,
        force=force,
        consent=sorted(consent),
        unchanged=plan.unchanged,
        changes=[_change(one, salt) for one in plan.changes],
        left=[_left(one) for one in plan.left],
    )


def object_id(ref: ResourceRef, version: str = "") -> ObjectId:
    """A reference as data."""
    return ObjectId(group=ref.group, version=version, kind=ref.kind, namespace=ref.namespace, name=ref.name)


def ref_of(found: ObjectId) -> ResourceRef:
    """The reference of an object in a document."""
    return ResourceRef(group=found.group, kind=found.kind, namespace=found.namespace, name=found.name)


def _left(one: Left) -> LeftField:
    return LeftField(
        object=object_id(one.ref),
        path=one.path,
        manager=one.manager,
        owner=one.owner,
        reason=one.reason,
        expires=one.expires,
    )


def _change(change: Change, salt: str) -> PlannedChange:
    return PlannedChange(
        object=object_id(change.ref, change.api_version.rpartition("/")[2]),
        action=change.action.value,
        stage=change.stage,
        wave=change.rank.wave if change.rank else 0,
        after=[str(one) for one in change.rank.after] if change.rank else [],
        authored=object_id(change.authored),
        location=str(change.location or ""),
        verified=change.verified,
        why=change.why,
        guard=change.guard.value if change.guard else "",
        uid=change.uid,
        resource_version=change.resource_version,
        patch=list(secrecy.patch(change, change.patch, salt)),
        inverse=list(secrecy.patch(change, change.inverse, salt)),
        tests=list(secrecy.patch(change, change.tests, salt)),
        taken=[TakenField(path=one.path, manager=one.manager) for one in change.taken],
        desired=secrecy.mask(change.desired_digest, salt) if change.desired_digest else "",
        fingerprint=fingerprint(change, salt),
    )


def fingerprint(change: Change, salt: str) -> str:
    """What a change does, as a digest: equal fingerprints do equal things to equal objects.

    The resourceVersion is left out (status may move), and so is `verified` (the server may answer by now).
    """
    what = [
        change.api_version,
        str(change.ref),
        change.action.value,
        change.uid,
        list(change.patch),
        list(change.tests),
        change.desired_digest,
        sorted([one.path, one.manager] for one in change.taken),
    ]
    text = json.dumps([salt, what], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def assert_same(reviewed: PlanDocument, now: Plan) -> None:
    """Refuse unless the plan made now does exactly what was reviewed.

    Raises:
        PlanStale: naming the object and, where there is one, the path that moved.
    """
    expected = {ref_of(one.object): one for one in reviewed.changes}
    found = {one.ref: one for one in now.changes}
    for ref in sorted(expected.keys() | found.keys()):
        before, after = expected.get(ref), found.get(ref)
        if before is None:
            raise _stale(ref, "would change now, and is not in the plan")
        if after is None:
            raise _stale(ref, "needs no change any more")
        if fingerprint(after, reviewed.salt) != before.fingerprint:
            raise _stale(ref, _moved(before, after, reviewed.salt))


# What may differ between two plans that do and show the same: status moves, the server answers by now.
_PASSING = ("resource_version", "verified", "why")


def assert_shown(reviewed: PlanDocument, now: PlanDocument) -> None:
    """Refuse a plan that does what it should and shows something else. `now` was made with the salt of `reviewed`.

    Raises:
        Refused: naming the object and the field of the document.
    """
    for before, after in zip(reviewed.changes, now.changes, strict=True):
        for name in PlannedChange.__struct_fields__:
            if name not in _PASSING and getattr(before, name) != getattr(after, name):
                raise _edited(str(ref_of(before.object)), name)
    for name in ("impact", "left", "force"):
        if getattr(reviewed, name) != getattr(now, name):
            raise _edited("the plan", name)
    if [_rights(one) for one in reviewed.rights] != [_rights(one) for one in now.rights]:
        refused = _edited("the plan", "rights")
        refused.cause += ", or who made it may not read all the roles"
        raise refused


def _rights(one: AccountRights) -> AccountRights:
    """Without what the server said when it was asked whether they may be granted."""
    return msgspec.structs.replace(one, grantable="", refusal="")


def _edited(what: str, name: str) -> errors.Refused:
    return errors.Refused(
        f"{what}: the file shows another {name!r} than what would be done",
        cause="it was edited since it was made, or another version of gitops made it",
        hint="make a new plan",
    )


def _moved(before: PlannedChange, after: Change, salt: str) -> str:
    if before.action != after.action.value:
        return f"the plan says {before.action}, now it would be {after.action}"
    if before.uid != after.uid:
        return "was deleted and made again since"
    now = {json.dumps(op, sort_keys=True) for op in secrecy.patch(after, after.tests, salt)}
    now |= {json.dumps(op, sort_keys=True) for op in secrecy.patch(after, after.patch, salt)}
    for op in [*before.tests, *before.patch]:
        if json.dumps(op, sort_keys=True) not in now:
            return f"moved at {op['path']}"
    known = {json.dumps(op, sort_keys=True) for op in [*before.tests, *before.patch]}
    shown = secrecy.patch(after, after.patch, salt)
    extra = next((op for op in shown if json.dumps(op, sort_keys=True) not in known), None)
    return f"would change at {extra['path']} too" if extra else "is not what was reviewed"


def _stale(ref: ResourceRef, why: str) -> errors.PlanStale:
    return errors.PlanStale(
        f"{ref}: {why}", cause="the cluster or the configuration moved since the plan", hint="make a new plan", ref=ref
    )
