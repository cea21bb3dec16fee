"""Exceptions written beside what they excuse: `# gitops-lint: ignore=GW301 mirrored nightly`.

At the end of a line it holds for that line, on a line of its own for the next line that is no comment.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from gitops.lint import codes
from gitops.lint.finding import Finding
from gitops.location import Location

_COMMENT = re.compile(r"(?:^|\s)#\s*gitops-lint:\s*ignore=(?P<codes>[A-Za-z0-9,]+)[ \t]*(?P<reason>[^\r\n]*)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ignore:
    """One exception: these codes, on this line, for this reason."""

    at: Location
    line: int
    codes: tuple[str, ...]
    reason: str


def read(content: bytes, file: str) -> tuple[Ignore, ...]:
    """The exceptions in a file."""
    if b"gitops-lint:" not in content:
        return ()
    lines = content.decode("utf-8", "replace").split("\n")
    return tuple(_read(lines, file))


def _read(lines: list[str], file: str) -> Iterator[Ignore]:
    for index, line in enumerate(lines):
        found = _COMMENT.search(line)
        if found is None:
            continue
        target = index
        while target < len(lines) and lines[target].lstrip().startswith("#"):
            target += 1
        yield Ignore(
            at=Location(file, index + 1, line.index("#", found.start()) + 1),
            line=target + 1,
            codes=tuple(code.upper() for code in found["codes"].split(",") if code),
            reason=found["reason"].strip(),
        )


def apply(findings: Iterable[Finding], ignores: Mapping[str, tuple[Ignore, ...]]) -> Iterator[Finding]:
    """The findings that are not excused, and what is wrong with the excuses."""
    used: set[tuple[Location, str]] = set()
    for one in findings:
        excuse = _excuse(one, ignores)
        if excuse is None:
            yield one
        else:
            used.add((excuse.at, one.code.code))
    for excuses in ignores.values():
        for excuse in excuses:
            yield from _faults(excuse, used)


def _excuse(finding: Finding, ignores: Mapping[str, tuple[Ignore, ...]]) -> Ignore | None:
    where = finding.location
    if where is None:
        return None
    fitting = (one for one in ignores.get(where.file, ()) if one.line == where.line and one.reason)
    return next((one for one in fitting if finding.code.code in one.codes), None)


def _faults(excuse: Ignore, used: set[tuple[Location, str]]) -> Iterator[Finding]:
    if not excuse.reason:
        message, hint = "this exception gives no reason, and so has no effect", "write the reason behind the code"
        yield Finding(code=codes.IDLE_IGNORE, message=message, hint=hint, location=excuse.at)
        return
    for code in excuse.codes:
        if codes.find(code) is None:
            message = f"this exception names {code}, which is no code"
            yield Finding(code=codes.IDLE_IGNORE, message=message, location=excuse.at)
        elif (excuse.at, code) not in used:
            message = f"this exception hides nothing: there is no {code} on line {excuse.line}"
            yield Finding(code=codes.IDLE_IGNORE, message=message, hint="remove it", location=excuse.at)
