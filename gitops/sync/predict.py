"""Asking the server what it would do: a dry-run for every object that listing alone did not prove equal."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from gitops import errors
from gitops.objects import Manifest
from gitops.plan.change import Desired, Taken
from gitops.plan.draft import Differs, Item, Leaving, Missing
from gitops.plan.settle import Prediction
from gitops.ports.objects import Applied, Objects
from gitops.ref import ResourceRef
from gitops.sync.live import Live
from gitops.sync.together import together

_MANAGER = re.compile(r'conflict with "([^"]+)"')
_ESCALATION = "attempting to grant RBAC permissions"
_IMMUTABLE = re.compile(
    r"immutable|updates to .* are forbidden|(cannot|may not) (be )?(change|update|modif)", re.DOTALL
)
ASKED_FIRST = 8
"""So many dry-runs of a kind go first: if all are denied, so would the rest be."""


async def predict(objects: Objects, items: Sequence[Item], live: Live) -> Mapping[ResourceRef, Prediction]:
    """A prediction for every item that is missing or differs."""
    fresh = {item.desired.ref.name for item in items if isinstance(item, Missing | Leaving) and _is_namespace(item)}
    found: dict[ResourceRef, Prediction] = {}
    kinds: dict[tuple[str, str], list[Desired]] = {}
    for item in items:
        if not isinstance(item, Missing | Differs):
            continue
        waits = _only_planned(item.desired, live, fresh)
        if waits:
            found[item.desired.ref] = Prediction(unverified=waits)
        else:
            kinds.setdefault((item.desired.ref.kind, item.desired.ref.namespace), []).append(item.desired)

    async def ask(wanted: Sequence[Desired]) -> None:
        first, rest = wanted[:ASKED_FIRST], wanted[ASKED_FIRST:]
        answers = await together(one(objects, desired, live) for desired in first)
        if rest and all(answer.unverified for answer in answers):
            answers += [answers[-1]] * len(rest)
        else:
            answers += await together(one(objects, desired, live) for desired in rest)
        found.update((desired.ref, answer) for desired, answer in zip(wanted, answers, strict=True))

    await together(ask(wanted) for wanted in kinds.values())
    return found


def _is_namespace(item: Missing | Leaving) -> bool:
    return item.desired.ref.kind == "Namespace" and not item.desired.ref.group


def _only_planned(desired: Desired, live: Live, fresh: set[str]) -> str:
    if (desired.manifest["apiVersion"], desired.ref.kind) in live.planned:
        return f"the definition of {desired.ref.kind} is only planned"
    if desired.ref.namespace in fresh:
        return f"namespace {desired.ref.namespace} is only planned"
    return ""


async def one(objects: Objects, desired: Desired, live: Live) -> Prediction:
    """Dry-run one object, and once more by force if others own fields of it.

    Raises:
        ClusterUnavailable: the API server does not answer.
    """
    try:
        applied, taken = await ask(objects, desired, live)
    except errors.ClusterUnavailable:
        raise
    except errors.ClusterError as error:
        return _refusal(error)
    return Prediction(object=applied.object, taken=taken)


async def proven(objects: Objects, wanted: Sequence[Desired], live: Live) -> dict[ResourceRef, Manifest]:
    """What the server would make of each, as far as it says; whatever stands in its way is no answer."""
    answers = await together(_answer(objects, desired, live) for desired in wanted)
    return {desired.ref: found for desired, found in zip(wanted, answers, strict=True) if found is not None}


async def _answer(objects: Objects, desired: Desired, live: Live) -> Manifest | None:
    try:
        return (await one(objects, desired, live)).object
    except errors.ClusterUnavailable:
        return None


async def ask(objects: Objects, desired: Desired, live: Live) -> tuple[Applied, tuple[Taken, ...]]:
    """The same, raising what the server refuses."""
    resource = live.resource_of(desired.ref, desired.manifest["apiVersion"])
    try:
        return await objects.apply(resource, desired.manifest, dry_run=True), ()
    except errors.FieldConflict as conflict:
        return await objects.apply(resource, desired.manifest, dry_run=True, force=True), _taken(conflict)


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
    immutable = [cause for cause in error.causes if _is_immutable(cause.get("message") or "")]
    if isinstance(error, errors.ObjectInvalid) and immutable:
        words = "; ".join(f"{cause.get('field')}: {_brief(str(cause.get('message')))}" for cause in immutable)
        return Prediction(immutable=words)
    if isinstance(error, errors.ObjectMissing):
        return Prediction(unverified=str(error))
    if isinstance(error, errors.ClusterDenied) and _ESCALATION not in str(error):
        return Prediction(unverified=f"no right to ask the server: {error}")
    return Prediction(error=str(error), denied=isinstance(error, errors.ClusterDenied))


def _is_immutable(message: str) -> bool:
    """The field can never be changed in place, in the words of validation, kind by kind."""
    return _IMMUTABLE.search(message) is not None


def _brief(message: str) -> str:
    """The server's words without the value, which may be a whole pod template, and without its diff."""
    head = message.partition("\n")[0]
    return head.rpartition(": ")[2] if head.startswith("Invalid value: ") else head
