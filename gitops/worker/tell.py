"""Kubernetes Events of operations: what `kubectl describe` and `kubectl events` show. Success tells nothing."""

from __future__ import annotations

from gitops import api
from gitops.api.operation import Attempt, Phase
from gitops.objects import Manifest
from gitops.pods.outcome import Outcome
from gitops.pods.stage import Progress, Stage
from gitops.ports.events import Happening, Severity
from gitops.worker.record import Written
from gitops.worker.station import Station


async def waits(station: Station, operation: api.Operation, progress: Progress) -> None:
    """The operation's pod waits, and for what."""
    severity: Severity = "Normal" if progress.stage is Stage.SCALING else "Warning"
    note = progress.message or progress.reason
    happening = Happening(reason=progress.reason, action="Start", note=note, severity=severity)
    await station.ports.events.tell(regarding(operation), happening)


async def ended(station: Station, operation: api.Operation, outcome: Outcome, written: Written) -> None:
    """The operation ended, and not well; told only by the process whose word counted."""
    if written is not Written.DONE or outcome.phase is Phase.SUCCEEDED:
        return
    severity: Severity = "Normal" if outcome.phase is Phase.CANCELLED else "Warning"
    happening = Happening(reason=outcome.reason, action="Run", note=outcome.message, severity=severity)
    await station.ports.events.tell(regarding(operation), happening)


async def retries(station: Station, operation: api.Operation, attempt: Attempt, written: Written) -> None:
    """The infrastructure failed an attempt, and another one follows."""
    if written is Written.DONE:
        note = f"attempt {attempt.number}: {attempt.message}"
        await station.ports.events.tell(
            regarding(operation), Happening(reason="Retrying", action="Run", note=note, severity="Warning")
        )


def regarding(operation: api.Operation) -> Manifest:
    """As much of the object as an Event refers to."""
    metadata = operation.metadata
    return {
        "apiVersion": api.API_VERSION,
        "kind": "Operation",
        "metadata": {
            "name": metadata.name,
            "namespace": metadata.namespace,
            "uid": metadata.uid,
            "resourceVersion": metadata.resource_version,
        },
    }
