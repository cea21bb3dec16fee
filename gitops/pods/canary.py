"""A pool's canary: one small operation after each change of what its pods are made of, and what its end says.

Pure. Whether one is due is decided by a digest kept in the pool's status, so that none is ever run twice for the same
change, whoever asks, and however often.
"""

from __future__ import annotations

import hashlib
from typing import Any, Final

import msgspec

from gitops import api
from gitops.api.operation import Phase
from gitops.api.workerpool import Allow, Canary, Drain, Egress, Timeouts, WorkerPool
from gitops.objects import Manifest
from gitops.pods import marks

CONDITION: Final = "CanaryPassed"
RUNS: Final = "CanaryRuns"
DELETED: Final = "CanaryDeleted"
SCRIPT: Final = 'echo "an operation runs on pool $0"\n'
FIRST: Final = 1000
"""Priority: it takes a second, and whoever waits behind it learns something."""


def digest(pool: WorkerPool, runner: str) -> str:
    """What a canary's verdict holds for: everything the pool's pods are made of, the runner included.

    How many run, who may, whom they may talk to and when they are given up makes no other pod.
    """
    unchanged = {"max_operations": 1, "suspended": False, "canary": Canary(script=pool.spec.canary.script)}
    unchanged |= {"allow": Allow(), "drain": Drain(), "egress": Egress(), "timeouts": Timeouts()}
    spec = msgspec.structs.replace(pool.spec, **unchanged)
    return hashlib.sha256(msgspec.json.encode([spec, runner], order="deterministic")).hexdigest()[:10]


def name(pool: WorkerPool) -> str:
    """The same for all who think it is due; another one when the pool goes back to what it was before."""
    return f"{pool.metadata.name[:40]}-canary-{pool.metadata.uid[:4]}-{pool.metadata.generation}"


def operation(pool: WorkerPool) -> Manifest:
    """The Operation to create."""
    metadata = pool.metadata
    return {
        "apiVersion": api.API_VERSION,
        "kind": "Operation",
        "metadata": {
            "name": name(pool),
            "namespace": metadata.namespace,
            "labels": {marks.CANARY: metadata.name},
        },
        "spec": {
            "pool": metadata.name,
            "script": pool.spec.canary.script or SCRIPT,
            "priority": FIRST,
            "timeout": pool.spec.canary.timeout,
        },
    }


def decided(pool: WorkerPool, wanted: str) -> bool:
    """A canary for this digest has run already, or was taken away."""
    found = condition(pool)
    return pool.status.canary.digest == wanted and found is not None and found.reason != RUNS


def begun(pool: WorkerPool, wanted: str) -> bool:
    """A canary for this digest was created."""
    return pool.status.canary.digest == wanted


def condition(pool: WorkerPool) -> api.Condition | None:
    """The last verdict."""
    return next((one for one in pool.status.conditions if one.type == CONDITION), None)


def verdict(pool: WorkerPool, found: api.Operation | None) -> dict[str, Any]:
    """The condition that follows from the canary as it is now; None: it is gone, and was not seen to end."""
    if found is None:
        status, reason, message = "Unknown", DELETED, "the canary was deleted before it ended; the next change runs one"
    else:
        phase = found.status.phase
        where = f"operation {found.metadata.name}"
        if phase == Phase.SUCCEEDED:
            status, reason, message = "True", "Succeeded", f"{where} ran"
        elif phase in {Phase.FAILED, Phase.CANCELLED, Phase.UNKNOWN}:
            status, reason = ("False" if phase == Phase.FAILED else "Unknown"), found.status.reason or phase
            message = f"{where}: {found.status.message}"
        else:
            status, reason, message = "Unknown", RUNS, f"{where} has not ended yet"
    return {
        "type": CONDITION,
        "status": status,
        "reason": str(reason),
        "message": message,
        "observedGeneration": pool.metadata.generation,
    }
