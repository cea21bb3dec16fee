"""The long-running program's log lines."""

from __future__ import annotations

import json
import logging

from gitops.report.redact import Redactor
from gitops_cli._logging import Formatter


def test_a_line_is_one_json_object_with_what_the_call_gave() -> None:
    redactor = Redactor()
    redactor.add("hunter2hunter2")
    record = logging.makeLogRecord({"msg": "token %s", "args": ("hunter2hunter2",), "pool": "linux\n"})
    line = Formatter(redactor).format(record)
    assert "\n" not in line
    entry = json.loads(line)
    assert entry["pool"] == "linux\n"
    assert entry.keys() == {"time", "level", "logger", "message", "pool"}
    assert "hunter2" not in line
