"""What a finding's code is, and where the codes are looked up."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """How bad it is. Errors and warnings make `gitops lint` answer no; notes do not."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """One rule. Its `code` never gets another meaning; `name` is for people.

    `why` says what goes wrong without it; `wrong` and `right` are YAML before and after; `fixed` says what
    `gitops lint --fix` does about it, empty if nothing.
    """

    code: str
    name: str
    severity: Severity
    summary: str
    why: str
    wrong: str
    right: str
    fixed: str = ""
