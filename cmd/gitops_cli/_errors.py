"""An error as a person reads it, in three parts (what and where, why, what to try), and as JSON."""

from __future__ import annotations

import json
from typing import Any

from gitops import errors
from gitops.report import quote, redact

SHOWN = 50
"""More errors than this are counted, not shown; JSON has them all."""


def render(error: errors.GitOpsError, source: quote.Source, *, width: int = 100) -> str:
    """All errors in it as text; the source line with a caret where the file's text is at hand."""
    found = list(errors.singles(error))
    blocks = [_one(each, source, width) for each in found[:SHOWN]]
    if len(found) > SHOWN:
        blocks.append(f"… and {len(found) - SHOWN} more errors")
    if len(found) > 1:
        blocks.append(f"{len(found)} errors")
    return "\n\n".join(blocks)


def _one(error: errors.GitOpsError, source: quote.Source, width: int) -> str:
    lines = [f"error[{error.reason}]: {_line(error.message)}"]
    margin = "  "
    if error.location is not None:
        lines.append(f"  --> {_line(str(error.location))}")
        quoted = quote.quoted(error.location, source, width)
        lines += quoted
        margin = " " * (quoted[0].index("|") if quoted else 2)
    if error.ref is not None:
        lines.append(f"{margin}= object: {_line(str(error.ref))}")
    if error.cause:
        lines.append(f"{margin}= cause: {_folded(error.cause, margin)}")
    if error.hint:
        lines.append(f"{margin}= hint: {_folded(error.hint, margin)}")
    return "\n".join(lines)


def _line(text: str) -> str:
    return redact.plain(text).replace("\n", " ")


def _folded(text: str, margin: str) -> str:
    return f"\n{margin}  ".join(redact.plain(text).strip().split("\n"))


def as_json(error: errors.GitOpsError) -> str:
    """All errors in it as one JSON document."""
    document = {
        "apiVersion": "gitops-worker.io/v1alpha1",
        "kind": "ErrorList",
        "exitCode": error.exit_code,
        "items": [_item(each) for each in errors.singles(error)],
    }
    return json.dumps(document, indent=2, ensure_ascii=False)


def _item(error: errors.GitOpsError) -> dict[str, Any]:
    item: dict[str, Any] = {"reason": error.reason, "message": error.message, "retry": error.retry}
    if error.cause:
        item["cause"] = error.cause
    if error.hint:
        item["hint"] = error.hint
    if error.location is not None:
        item["location"] = {
            "file": error.location.file,
            "line": error.location.line,
            "column": error.location.column,
        }
    if error.ref is not None:
        item["ref"] = {
            "group": error.ref.group,
            "kind": error.ref.kind,
            "namespace": error.ref.namespace,
            "name": error.ref.name,
        }
    return item
