"""Objects of which only the conventions are known: conditions, then a phase.

A condition whose own `observedGeneration` is behind the object's speaks of an earlier spec and counts as unknown.
https://github.com/kubernetes/community/blob/master/contributors/devel/sig-architecture/api-conventions.md
"""

from __future__ import annotations

import re
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
_RESTING = ("Suspended", "Paused")
_BUSY = ("Reconciling", "Issuing", "Deleting", "Terminating")
# Conditions by what they mean when they are false.
_NEEDED = ("Synced", "Accepted", "ResolvedRefs", "Valid", "Validated", "Reconciled")
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
_FAILURE = re.compile(
    r"(fail|error|invalid|denied|notfound|missing|unauthorized|forbidden|backoff|exceeded|reject|conflict|unsupported)",
    re.IGNORECASE,
)
_PHASES = {
    Health.DEGRADED: "failed failure error errored degraded unhealthy invalid lost rejected aborted expired"
    " crashloopbackoff inconclusive failing broken",
    Health.PROGRESSING: "pending creating initializing initialising provisioning progressing inprogress updating"
    " upgrading deploying reconciling terminating deleting starting installing waiting scaling processing restoring"
    " notready scheduling queued accepted",
    Health.SUSPENDED: "paused suspended stopped hibernated",
}
_PHASE_HEALTH = {word: health for health, words in _PHASES.items() for word in words.split()}


def of(manifest: Manifest, *, strict: bool = False, awaited: bool = False) -> Verdict:
    """The health by convention.

    `strict`: its Ready is only false when it failed. `awaited`: its controller always writes a status, so none at all
    means that it has not looked yet.
    """
    return (
        _resting(manifest)
        or _by_conditions(manifest, strict=strict)
        or _by_phase(manifest)
        or _plain(manifest, awaited=awaited)
    )


def _resting(manifest: Manifest) -> Verdict | None:
    spec = manifest.get("spec")
    for name in ("suspend", "suspended", "paused"):
        if isinstance(spec, dict) and spec.get(name) is True:
            return Verdict(Health.SUSPENDED, "suspended" if name != "paused" else "paused")
    return None


def _by_conditions(manifest: Manifest, *, strict: bool) -> Verdict | None:
    found = {str(one.get("type")): one for one in conditions_of(manifest)}
    states = {kind: _state(manifest, one) for kind, one in found.items()}
    for names, state, make in (
        (_BROKEN, "True", degraded),
        (_RESTING, "True", _suspended),
        (_BUSY, "True", progressing),
        (_NEEDED, "False", degraded),
    ):
        for name in names:
            if states.get(name) == state:
                return make(_words(found[name]))
    return _good(found, states, strict=strict)


def _good(found: dict[str, Any], states: dict[str, str], *, strict: bool) -> Verdict | None:
    """The first of the conditions that mean success decides; without any nothing is known."""
    known = [name for name in _GOOD if name in found]
    if not known:
        return None
    first = known[0]
    if states[first] == "True":
        # Available, and something new is being rolled out.
        busy = first != "Ready" and states.get("Progressing") == "True"
        return progressing(_words(found["Progressing"])) if busy else HEALTHY
    failed = states[first] == "False" and (strict or _FAILURE.search(str(found[first].get("reason") or "")))
    return degraded(_words(found[first])) if failed else progressing(_words(found[first]))


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
    status = status_of(manifest)
    for name in ("phase", "state", "health"):
        value = status.get(name)
        if not isinstance(value, str) or not value:
            continue
        health = _PHASE_HEALTH.get(re.sub(r"[^a-z]", "", value.lower()))
        words = str(status.get("message") or status.get("reason") or value)
        return HEALTHY if health is None else Verdict(health, words)
    return None


def _plain(manifest: Manifest, *, awaited: bool) -> Verdict:
    return progressing("its controller has not seen it yet") if awaited and not status_of(manifest) else HEALTHY
