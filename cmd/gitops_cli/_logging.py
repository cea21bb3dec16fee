"""Logs of the long-running program: one JSON object a line, secrets masked, control characters escaped by JSON."""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime

from gitops.report.redact import Redactor

_KNOWN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime"}


class Formatter(logging.Formatter):
    """`time`, `level`, `logger`, `message`, the `extra` of the call, and `error` with a traceback."""

    def __init__(self, redactor: Redactor) -> None:
        super().__init__()
        self._redactor = redactor

    def format(self, record: logging.LogRecord) -> str:
        """One line."""
        entry = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": self._redactor.clean(record.getMessage()),
        }
        for name, value in vars(record).items():
            if name not in _KNOWN:
                entry.setdefault(name, self._redactor.clean(str(value)))
        if record.exc_info:
            entry["error"] = self._redactor.clean(self.formatException(record.exc_info))
        return json.dumps(entry, ensure_ascii=False)


def start(redactor: Redactor, *, verbose: int) -> None:
    """Send everything to stderr from now on."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Formatter(redactor))
    logging.basicConfig(level=logging.DEBUG if verbose else logging.INFO, handlers=[handler], force=True)
