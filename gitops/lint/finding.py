"""One thing that lint has to say, and where."""

from __future__ import annotations

from dataclasses import dataclass, field

from gitops.lint.code import Code, Severity
from gitops.location import Location
from gitops.ref import ResourceRef
from gitops.yaml.edit import Edit


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """`message` says what is wrong here, `hint` what to try; `length` is how many characters it is about.

    `edits` mend it without changing anything else; empty if only a person can.
    """

    code: Code
    message: str
    hint: str = ""
    location: Location | None = None
    length: int = 1
    ref: ResourceRef | None = None
    edits: tuple[Edit, ...] = field(default=(), compare=False)

    @property
    def severity(self) -> Severity:
        """How bad it is."""
        return self.code.severity

    @property
    def order(self) -> tuple[str, int, int, str, str]:
        """By place, then by code."""
        where = self.location or Location("")
        return where.file, where.line, where.column, self.code.code, self.message


def answer(findings: tuple[Finding, ...]) -> int:
    """The exit code: 1 if anything but notes was found."""
    return int(any(one.severity is not Severity.NOTE for one in findings))
