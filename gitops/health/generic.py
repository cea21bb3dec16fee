"""Objects of which only the conventions are known: conditions, then a phase.

A condition whose own `observedGeneration` is behind the object's speaks of an earlier spec and counts as unknown.
https://github.com/kubernetes/community/blob/master/contributors/devel/sig-architecture/api-conventions.md
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from gitops.health.verdict import HEALTHY, Health, Verdict, conditions_of, degraded, progressing, status_of
from gitops.objects import Manifest

# Conditions by what they mean when they are true, in the order in which they decide.
_BROKEN = (
    "Stalled",
    "Failed",
    "Failure",
    "Error",
    "Degraded",
    "Denied",
    "InvalidRequest",
    "InvalidSpec",
    "Invalid",
    "ReconcileFailed",
    "DeleteFailed",
    "ReconcileError",
    "Fallback",
    "Dangling",
)
# And by how they are named: FetchFailed, FailedCreatePod, SpecError; but not NoErrors.
_BROKEN_NAME = re.compile(
    r"^(?!No[A-Z])(Failed[A-Z].*|NotReady|.*(Failed|Failure|Error|Errors|ErrorOccurred|Unhealthy))$"
)
_RESTING = ("Suspended", "Paused")
_BUSY = ("Reconciling", "Issuing", "Deleting", "Terminating")
# Conditions by what they mean when they are false.
_NEEDED = ("Synced", "Accepted", "ResolvedRefs", "Valid", "Validated", "Reconciled", "ReconcileSuccess")
_GOOD = (
    "Ready",
    "Available",
    "Healthy",
    "Programmed",
    "Succeeded",
    "Complete",
    "Completed",
    "Established",
    "Installed",
    "ReconcileSucceeded",
    "Scheduled",
)
_GOOD_NAME = re.compile(r".*(Ready|Available|Healthy)$")
_FAILURE = re.compile(
    r"(^err|fail|error|invalid|denied|notfound|missing|unauthorized|forbidden|backoff|exceeded|reject|conflict|unsupported"
    r"|unhealthy|unreachable)",
    re.IGNORECASE,
)
# A reason that says that somebody wanted it so.
_WANTED = re.compile(r"(Paused|Suspended)$")
# What Flux says while it tries once more what failed.
_RETRYING = "ProgressingWithRetry"
_PHASES = {
    Health.DEGRADED: "failed failure error errored degraded unhealthy invalid lost rejected aborted expired"
    " crashloopbackoff inconclusive failing broken red noncompliant canceled cancelled",
    Health.PROGRESSING: "pending creating initializing initialising provisioning progressing inprogress updating"
    " upgrading deploying reconciling terminating deleting starting installing waiting scaling processing restoring"
    " notready scheduling queued accepted stopping restarting scalingup scalingdown promoting finalising finalizing"
    " applyingchanges migratingdata yellow",
    Health.SUSPENDED: "paused suspended stopped hibernated",
    Health.UNKNOWN: "unknown",
}
_BROKEN_PHASE = re.compile(r"^(error|failed|failure)|(error|failed|failure)$")
_PHASE_FIELDS = ("phase", "state", "health", "status", "currentState")
_PHASE_HEALTH = {word: health for health, words in _PHASES.items() for word in words.split()}


Make = Callable[[str], Verdict]


def of(manifest: Manifest, *, strict: bool = False, awaited: bool = False) -> Verdict:
    """The health by convention.

    `strict`: its Ready is only false when it failed. `awaited`: its controller always writes a status, so none at all
    means that it has not looked yet.
    """
    said, phase = _by_conditions(manifest, strict=strict), _by_phase(manifest)
    if said is not None and said.health is Health.PROGRESSING and phase is not None and phase.health is Health.DEGRADED:
        said = phase  # not Ready says nothing of why
    return _resting(manifest) or said or phase or _plain(manifest, awaited=awaited)


def _resting(manifest: Manifest) -> Verdict | None:
    spec = manifest.get("spec")
    for name in ("suspend", "suspended", "paused"):
        if isinstance(spec, dict) and spec.get(name) is True:
            return Verdict(Health.SUSPENDED, "suspended" if name != "paused" else "paused")
    return None


def _by_conditions(manifest: Manifest, *, strict: bool) -> Verdict | None:
    found = {str(one.get("type")): one for one in conditions_of(manifest)}
    states = {kind: _state(manifest, one) for kind, one in found.items()}
    broken = (*_BROKEN, *(name for name in found if _BROKEN_NAME.match(name)))
    for names, state, make in (
        (broken, "True", degraded),
        (_RESTING, "True", _suspended),
        (_BUSY, "True", progressing),
        (_NEEDED, "False", degraded),
    ):
        for name in names:
            if states.get(name) == state:
                return _judged(found[name], make, found, states)
    named = _named(found, states, set(broken))
    good = _good(found, states, strict=strict)
    failed = named is not None and named.health is Health.DEGRADED
    return named if good is None or (failed and good.health is Health.PROGRESSING) else good


def _judged(one: dict[str, Any], make: Make, found: dict[str, Any], states: dict[str, str]) -> Verdict:
    """What a condition means, but for reasons that turn it round: tried once more, or left alone on purpose."""
    if one.get("reason") == _RETRYING and states.get("Ready") == "False":
        return degraded(_words(found["Ready"]))
    if states[str(one.get("type"))] == "False" and _WANTED.search(str(one.get("reason") or "")):
        return _suspended(_words(one))
    return make(_words(one))


def _named(found: dict[str, Any], states: dict[str, str], broken: set[str]) -> Verdict | None:
    """Conditions nobody has agreed on: false for a reason that is a failure, or named for what is not so yet."""
    unmet = [one for name, one in found.items() if states[name] == "False" and name not in {*broken, *_BUSY, *_RESTING}]
    for one in unmet:
        if _FAILURE.search(str(one.get("reason") or "")):
            return degraded(_words(one))
    return next((progressing(_words(one)) for one in unmet if _GOOD_NAME.match(str(one.get("type")))), None)


def _good(found: dict[str, Any], states: dict[str, str], *, strict: bool) -> Verdict | None:
    """The first of the conditions that mean success decides; without any nothing is known."""
    known = [name for name in _GOOD if name in found]
    if not known:
        return None
    first = known[0]
    if states[first] == "True":
        # Available, and something new is being rolled out.
        busy = first != "Ready" and states.get("Progressing") == "True" and not _is_rolled_out(found["Progressing"])
        return progressing(_words(found["Progressing"])) if busy else HEALTHY
    failed = states[first] == "False" and (strict or _FAILURE.search(str(found[first].get("reason") or "")))
    return degraded(_words(found[first])) if failed else progressing(_words(found[first]))


def _is_rolled_out(progressing_: dict[str, Any]) -> bool:
    """A Deployment's way to say that nothing is under way any more: NewReplicaSetAvailable."""
    return str(progressing_.get("reason") or "").endswith("Available")


def _state(manifest: Manifest, one: dict[str, Any]) -> str:
    seen, generation = one.get("observedGeneration"), manifest["metadata"].get("generation")
    stale = isinstance(seen, int) and isinstance(generation, int) and seen < generation
    return "Unknown" if stale else str(one.get("status"))


def _suspended(words: str) -> Verdict:
    return Verdict(Health.SUSPENDED, words)


def _words(one: dict[str, Any]) -> str:
    found = str(one.get("message") or one.get("reason") or "")
    kind = str(one.get("type"))
    if found:
        return found
    return kind if one.get("status") == "True" else f"not {kind}"


def _by_phase(manifest: Manifest) -> Verdict | None:
    """The worst that its words for where it is say; None if it has no such word."""
    status = status_of(manifest)
    said = [value for name in _PHASE_FIELDS if isinstance(value := status.get(name), str) and value]
    if not said:
        return None
    verdicts = [(health, value) for value in said if (health := _phase(value)) is not None]
    if not verdicts:
        return HEALTHY
    health, value = min(verdicts, key=lambda one: list(_PHASES).index(one[0]))
    return Verdict(health, str(status.get("message") or status.get("reason") or value))


def _phase(value: str) -> Health | None:
    """What a phase means, by all its letters or its first word; None if it is nothing to worry about."""
    word = re.sub(r"[^a-z]", "", value.lower())
    if _BROKEN_PHASE.search(word):
        return Health.DEGRADED
    first = re.sub(r"[^a-z]", "", value.lower().partition(" ")[0])
    return _PHASE_HEALTH.get(word) or _PHASE_HEALTH.get(first)


def _plain(manifest: Manifest, *, awaited: bool) -> Verdict:
    return progressing("its controller has not seen it yet") if awaited and not status_of(manifest) else HEALTHY
