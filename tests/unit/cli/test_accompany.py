"""Which logs a follower of an operation prints: one for each attempt that may have written one."""

from __future__ import annotations

from gitops import api
from gitops.api.operation import Claim, OperationSpec, OperationStatus, Phase
from gitops_cli import _operations
from gitops_cli._accompany import Readable


def state(phase: Phase, attempt: int = 0) -> api.Operation:
    claim = Claim(worker="worker-1", attempt=attempt) if attempt else None
    return api.Operation(
        metadata=api.Metadata(name="build", namespace="ci", uid="u"),
        spec=OperationSpec(pool="linux", script="true"),
        status=OperationStatus(phase=phase, claim=claim),
    )


async def seen(*states: api.Operation) -> list[int]:
    readable, found = Readable(), []
    for one in states:
        readable.see(one)
    readable.end()
    while (operation := await readable.next()) is not None:
        found.append(_operations.attempt(operation))
    return found


async def test_one_attempt_is_read_once() -> None:
    states = [state(Phase.QUEUED), state(Phase.STARTING, 1), state(Phase.RUNNING, 1), state(Phase.SUCCEEDED, 1)]
    assert await seen(*states) == [1]


async def test_an_attempt_that_never_started_has_no_log_to_wait_for() -> None:
    states = [state(Phase.STARTING, 1), state(Phase.QUEUED), state(Phase.STARTING, 2), state(Phase.RUNNING, 2)]
    assert await seen(*states, state(Phase.FAILED, 2)) == [2]


async def test_every_attempt_that_ran_is_read() -> None:
    states = [state(Phase.RUNNING, 1), state(Phase.STARTING, 2), state(Phase.RUNNING, 2), state(Phase.SUCCEEDED, 2)]
    assert await seen(*states) == [1, 2]


async def test_an_operation_deleted_before_it_ran_has_none() -> None:
    assert await seen(state(Phase.QUEUED), state(Phase.STARTING, 1)) == []
