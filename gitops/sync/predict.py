"""Asking the server what it would do: a dry-run for every object that listing alone did not prove equal."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from gitops import errors
from gitops.plan.change import Desired, Taken
from gitops.plan.draft import Differs, Item, Missing
from gitops.plan.settle import Prediction
from gitops.ports.objects import Objects
from gitops.ref import ResourceRef
from gitops.sync.live import Live
from gitops.sync.together import together

_MANAGER = re.compile(r'conflict with "([^"]+)"')
_ESCALATION = "attempting to grant RBAC permissions"


async def predict(objects: Objects, items: Sequence[Item], live: Live) -> Mapping[ResourceRef, Prediction]:
    """A prediction for every item that is missing or differs."""
    fresh = {item.desired.ref.name for item in items if isinstance(item, Missing) and _is_namespace(item.desired.ref)}
    found: dict[ResourceRef, Prediction] = {}

    async def ask(desired: Desired) -> None:
        found[desired.ref] = await one(objects, desired, live)

    asked = []
    for item in items:
        if not isinstance(item, Missing | Differs):
            continue
        waits = _only_planned(item.desired, live, fresh)
        if waits:
            found[item.desired.ref] = Prediction(unverified=waits)
        else:
            asked.append(ask(item.desired))
    await together(asked)
    return found


def _is_namespace(ref: ResourceRef) -> bool:
    return ref.kind == "Namespace" and not ref.group


def _only_planned(desired: Desired, live: Live, fresh: set[str]) -> str:
    if (desired.manifest["apiVersion"], desired.ref.kind) in live.planned:
        return f"the definition of {desired.ref.kind} is only planned"
    if desired.ref.namespace in fresh:
        return f"namespace {desired.ref.namespace} is only planned"
    return ""


async def one(objects: Objects, desired: Desired, live: Live) -> Prediction:
    """Dry-run one object, and once more by force if others own fields of it."""
    resource = live.resource_of(desired.ref, desired.manifest["apiVersion"])
    try:
        applied = await objects.apply(resource, desired.manifest, dry_run=True)
    except errors.FieldConflict as conflict:
        try:
            forced = await objects.apply(resource, desired.manifest, dry_run=True, force=True)
        except errors.ClusterError as error:
            return _refusal(error)
        return Prediction(object=forced.object, taken=_taken(conflict))
    except errors.ClusterUnavailable:
        raise
    except errors.ClusterError as error:
        return _refusal(error)
    return Prediction(object=applied.object)


def _taken(conflict: errors.FieldConflict) -> tuple[Taken, ...]:
    found = []
    for cause in conflict.causes:
        match = _MANAGER.search(cause.get("message") or "")
        found.append(Taken(path=cause.get("field") or "", manager=match.group(1) if match else "another manager"))
    return tuple(found) or (Taken(path="", manager="another manager"),)


def _refusal(error: errors.ClusterError) -> Prediction:
    """The server's answer as a prediction.

    Only causes that say "immutable" mean a replacement; a role that does not exist yet, a namespace that vanished or a
    missing right to dry-run leave the object unverified, and the stage's own dry-run has the last word.
    """
    immutable = [cause for cause in error.causes if "immutable" in (cause.get("message") or "")]
    if isinstance(error, errors.ObjectInvalid) and immutable:
        words = "; ".join(f"{cause.get('field')}: {cause.get('message')}" for cause in immutable)
        return Prediction(immutable=words)
    if isinstance(error, errors.ObjectMissing):
        return Prediction(unverified=str(error))
    if isinstance(error, errors.ClusterDenied) and _ESCALATION not in str(error):
        return Prediction(unverified=f"no right to ask the server: {error}")
    return Prediction(error=str(error))
