"""Names, fields and values as they stand in a sentence."""

from __future__ import annotations

import json
from typing import Any

from gitops.plan.compare import ABSENT
from gitops.ref import ResourceRef

LONGEST = 48


def named(ref: ResourceRef) -> str:
    """`pool linux`, `worker main`, `Deployment web`: as people call it."""
    ours = {"WorkerPool": "pool", "Worker": "worker"}
    return f"{ours.get(ref.kind, ref.kind)} {ref.name}"


def field(path: str) -> str:
    """The telling end of a JSON Pointer: `requests cpu`, `timeouts run`, `image`."""
    tokens = [token.replace("~1", "/").replace("~0", "~") for token in path.split("/")[1:]]
    words = [token for token in tokens if not token.isdigit() and token not in {"-", "spec", "resources"}]
    return " ".join(words[-2:]) or path


def moved(old: Any, new: Any) -> str:
    """`old → new`; what appears or goes is said so."""
    if old is ABSENT:
        return f"set to {value(new)}"
    if new is ABSENT:
        return f"no longer {value(old)}"
    return f"{value(old)} → {value(new)}"


def value(found: Any) -> str:
    """A value without quotes if it is plain text; long ones are cut."""
    text = found if isinstance(found, str) and found else json.dumps(found, ensure_ascii=False, sort_keys=True)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
