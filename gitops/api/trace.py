"""`Trace` as a document: what `gitops trace -o json` writes. Never an object of a cluster."""

from __future__ import annotations

from typing import Any

from gitops.api.meta import API_VERSION, Wire
from gitops.api.plan import ObjectId, PlanSource


class TraceStep(Wire, frozen=True, kw_only=True):
    """One place that gave the field a value, and the commit that line came with; `note` says why there is no commit.

    `by` is `resource`, `patch`, `file`, a field of a kustomization (`images`, `namePrefix`) or a plugin's kind.
    """

    location: str
    by: str
    value: Any = None
    commit: str = ""
    author: str = ""
    email: str = ""
    date: str = ""
    subject: str = ""
    note: str = ""


class TracedField(Wire, frozen=True, kw_only=True):
    """A field of an authored object; the first step wrote it, the others changed it, in the order of the build.

    Without steps nobody wrote the field: the value is this program's default, or comes from the object as a whole.
    """

    object: ObjectId
    path: str
    value: Any = None
    steps: list[TraceStep] = []


class Trace(Wire, frozen=True, kw_only=True):
    """Where a field of a rendered object comes from.

    `fields` are in the object itself or, if it is expanded from another one, in that: those that decide its value.
    """

    api_version: str = API_VERSION
    kind: str = "Trace"
    source: PlanSource
    object: ObjectId
    path: str
    value: Any = None
    authored: ObjectId
    fields: list[TracedField] = []
