"""Published schemas (JSON Schema 2020-12) of what `-o json` writes."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from gitops.api.meta import GROUP, VERSION, Wire
from gitops.api.plan import DriftReport, History, PlanDocument, RightsReport
from gitops.api.report import SyncReport

DOCUMENTS: Final[dict[str, type[Wire]]] = {
    "plan": PlanDocument,
    "drift": DriftReport,
    "rights": RightsReport,
    "history": History,
    "status": SyncReport,
}


def schema(name: str) -> dict[str, Any]:
    """The schema of one document; fields may be added later, so unknown ones are allowed."""
    found = msgspec.json.schema(DOCUMENTS[name])
    head = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"https://{GROUP}/schemas/{VERSION}/{name}.json",
    }
    return {**head, **found}
