"""`FindingList` as a document: what `gitops lint -o json` writes. Never an object of a cluster."""

from __future__ import annotations

from gitops.api.meta import API_VERSION, Wire


class Position(Wire, frozen=True, kw_only=True, omit_defaults=False):
    """A place in a file of the repository; lines and columns count from 1, 0 means the whole file."""

    file: str
    line: int = 0
    column: int = 0


class About(Wire, frozen=True, kw_only=True, omit_defaults=False):
    """The object a finding is about."""

    group: str
    kind: str
    namespace: str
    name: str


class Finding(Wire, frozen=True, kw_only=True):
    """One thing lint has to say; `fixable` if `--fix` mends it."""

    code: str
    name: str
    severity: str
    message: str
    hint: str = ""
    location: Position | None = None
    object: About | None = None
    fixable: bool = False


class Summary(Wire, frozen=True, kw_only=True, omit_defaults=False):
    """How much was looked at, and how much was found."""

    files: int = 0
    objects: int = 0
    errors: int = 0
    warnings: int = 0
    notes: int = 0
    fixable: int = 0


class FindingList(Wire, frozen=True, kw_only=True, omit_defaults=False):
    """Everything lint has to say of a folder, in the order of the places."""

    api_version: str = API_VERSION
    kind: str = "FindingList"
    path: str = ""
    revision: str = ""
    summary: Summary = Summary()
    items: list[Finding] = []
