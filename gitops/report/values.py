"""Values as a person reads them on one line."""

from __future__ import annotations

import json
from typing import Any

from gitops.plan.compare import ABSENT
from gitops.report import redact

WIDTH = 60


def short(value: Any, width: int = WIDTH) -> str:
    """JSON on one line, folded in the middle if it is long, without control characters."""
    if value is ABSENT:
        return "(absent)"
    text = redact.plain(json.dumps(value, ensure_ascii=False, sort_keys=True))
    if len(text) <= width:
        return text
    keep = (width - 3) // 2
    return f"{text[:keep]}...{text[-keep:]}"


def pointer(path: str, width: int = WIDTH) -> str:
    """A JSON Pointer, folded in the middle if it is long."""
    text = redact.plain(path)
    return text if len(text) <= width else f"{text[: width // 2 - 2]}...{text[-(width // 2 - 2) :]}"
