"""Many operations: what is looked through at each change is what has not ended."""

from __future__ import annotations

from gitops import api
from gitops.api.operation import OperationSpec, OperationStatus
from gitops.worker.roster import Roster


def operation(number: int, phase: str) -> api.Operation:
    metadata = api.Metadata(
        name=f"build-{number}", namespace="ci", uid=f"uid-{number}", resource_version=str(number + 1)
    )
    spec = OperationSpec(pool="linux", script="true")
    return api.Operation(metadata=metadata, spec=spec, status=OperationStatus(phase=phase))


def test_what_has_ended_is_not_looked_through() -> None:
    roster = Roster()
    for number in range(3):
        roster.put_operation(operation(number, "Running"))
    roster.put_operation(operation(3, "Succeeded"))
    assert [one.metadata.name for one in roster.open.values()] == ["build-0", "build-1", "build-2"]
    ended = operation(10, "Failed")
    roster.put_operation(
        api.Operation(metadata=api.Metadata(uid="uid-0", resource_version="9"), spec=ended.spec, status=ended.status)
    )
    roster.drop_operation("uid-1")
    assert list(roster.open) == ["uid-2"]
    assert set(roster.operations) == {"uid-0", "uid-2", "uid-3"}
