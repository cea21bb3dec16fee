"""The API server's audit log: who asked what, each request once."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

BLOCK = 1 << 20
# Stages are logged as they end, by many threads: lines are in order only to within this.
DISORDER = dt.timedelta(seconds=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEvent:
    """One request to the API server, as its first logged stage tells it."""

    audit_id: str
    stage: str
    verb: str
    uri: str
    user: str
    groups: tuple[str, ...]
    user_agent: str
    code: int
    received: dt.datetime
    at: dt.datetime
    resource: str
    subresource: str
    namespace: str
    name: str


def read(log: Path, *, user: str | None = None, since: dt.datetime | None = None) -> list[AuditEvent]:
    """Return the requests received since then, by that user, oldest first, one per audit ID.

    Watches and followed logs are logged at their start and at their end; the start is kept.
    """
    found: dict[str, AuditEvent] = {}
    for line in _lines_backwards(log):
        event = _parse(json.loads(line))
        if since is not None and event.at < since - DISORDER:
            break
        if (user is None or event.user == user) and (since is None or event.received >= since):
            found[event.audit_id] = event
    return sorted(found.values(), key=lambda event: event.received)


def _lines_backwards(log: Path) -> Iterator[bytes]:
    """Yield whole lines, last first; a line still being written is left out."""
    if not log.exists():
        return
    with log.open("rb") as file:
        position = file.seek(0, 2)
        rest = b""
        first = True
        while position > 0:
            size = min(BLOCK, position)
            position -= size
            file.seek(position)
            lines = (file.read(size) + rest).split(b"\n")
            if first:
                lines[-1] = b""
                first = False
            rest = lines[0]
            yield from (line for line in reversed(lines[1:]) if line)
        if rest:
            yield rest


def _parse(raw: dict[str, Any]) -> AuditEvent:
    target = raw.get("objectRef") or {}
    user = raw["user"]
    return AuditEvent(
        audit_id=raw["auditID"],
        stage=raw["stage"],
        verb=raw["verb"],
        uri=raw["requestURI"],
        user=user.get("username", ""),
        groups=tuple(user.get("groups", ())),
        user_agent=raw.get("userAgent", ""),
        code=(raw.get("responseStatus") or {}).get("code", 0),
        received=dt.datetime.fromisoformat(raw["requestReceivedTimestamp"]),
        at=dt.datetime.fromisoformat(raw["stageTimestamp"]),
        resource=target.get("resource", ""),
        subresource=target.get("subresource", ""),
        namespace=target.get("namespace", ""),
        name=target.get("name", ""),
    )
