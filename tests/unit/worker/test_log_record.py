"""What an ended operation's status says of its log."""

from __future__ import annotations

import datetime as dt

import pytest

from gitops import api
from gitops.api.operation import OperationSpec, Phase
from gitops.pods.outcome import Outcome
from gitops.runner.record import EndRecord
from gitops.runner.tally import Tally
from gitops.worker import status

OPERATION = api.Operation(spec=OperationSpec(pool="linux", script="true"))


@pytest.mark.parametrize(("dropped", "complete"), [(0, True), (7, False)])
def test_lines_beyond_the_limit_are_missing(*, dropped: int, complete: bool) -> None:
    tally = Tally()
    record = EndRecord(version=1, exit_code=0, sha256=tally.sha256, dropped=dropped)
    ended = Outcome(phase=Phase.SUCCEEDED, reason="Succeeded", message="", exit_code=0, record=record)
    now = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    log = status.finished(OPERATION, ended, pod=None, tally=tally, now=now)["log"]
    assert (log["missing"], log["complete"]) == (dropped, complete)
