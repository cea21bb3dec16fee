"""Findings for people, for programs, for code scanning (SARIF), for test reports (JUnit), for GitHub's annotations."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from urllib import parse
from xml.etree import ElementTree as ET

from gitops.api import finding as wire
from gitops.lint import codes
from gitops.lint.check import Checked
from gitops.lint.code import Code, Severity
from gitops.lint.finding import Finding
from gitops.report import quote, redact


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A finding for the terminal: `head` is its code and severity, `message` what is wrong, then the lines below."""

    head: str
    severity: Severity
    message: str
    lines: tuple[str, ...]


def blocks(findings: Sequence[Finding], source: quote.Source, *, width: int) -> Iterator[Block]:
    """Each finding with the line it is about and a caret."""
    for one in findings:
        lines, margin = [], "  "
        if one.location is not None:
            quoted = quote.quoted(one.location, source, width, length=one.length)
            lines = [f"  --> {_line(str(one.location))}", *quoted]
            margin = " " * (quoted[0].index("|") if quoted else 2)
        if one.ref is not None:
            lines.append(f"{margin}= object: {_line(str(one.ref))}")
        if one.hint:
            mark = "hint (--fix)" if one.edits else "hint"
            lines.append(f"{margin}= {mark}: {_line(one.hint)}")
        yield Block(
            head=f"{one.severity}[{one.code.code}]",
            severity=one.severity,
            message=_line(one.message),
            lines=tuple(lines),
        )


def _line(text: str) -> str:
    return redact.plain(text).replace("\n", " ")


def summary(checked: Checked) -> str:
    """One line: how much was found in how much."""
    counted = count(checked)
    where = f"{_counted(counted.files, 'file')}, {_counted(counted.objects, 'object')}"
    parts = [(counted.errors, "error"), (counted.warnings, "warning"), (counted.notes, "note")]
    said = ", ".join(_counted(number, word) for number, word in parts if number) or "nothing found"
    fix = f"; --fix mends {counted.fixable}" if counted.fixable else ""
    return f"{said} in {where}{fix}"


def _counted(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"


def count(checked: Checked) -> wire.Summary:
    """The numbers of a look."""
    of = [one.severity for one in checked.findings]
    return wire.Summary(
        files=checked.files,
        objects=checked.objects,
        errors=of.count(Severity.ERROR),
        warnings=of.count(Severity.WARNING),
        notes=of.count(Severity.NOTE),
        fixable=sum(bool(one.edits) for one in checked.findings),
    )


def document(checked: Checked, *, path: str, revision: str) -> wire.FindingList:
    """All of it as data."""
    return wire.FindingList(
        path=path, revision=revision, summary=count(checked), items=[_item(one) for one in checked.findings]
    )


def _item(one: Finding) -> wire.Finding:
    where, ref = one.location, one.ref
    return wire.Finding(
        code=one.code.code,
        name=one.code.name,
        severity=one.severity,
        message=one.message,
        hint=one.hint,
        location=wire.Position(file=where.file, line=where.line, column=where.column) if where else None,
        object=wire.About(group=ref.group, kind=ref.kind, namespace=ref.namespace, name=ref.name) if ref else None,
        fixable=bool(one.edits),
    )


_SARIF = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"


def sarif(findings: Sequence[Finding], *, version: str) -> str:
    """SARIF 2.1.0, with every rule described (https://docs.oasis-open.org/sarif/sarif/v2.1.0/)."""
    index = {code.code: number for number, code in enumerate(codes.ALL)}
    driver = {"name": "gitops lint", "semanticVersion": version, "rules": [_rule(code) for code in codes.ALL]}
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "originalUriBaseIds": {"%SRCROOT%": {"description": {"text": "the root of the repository"}}},
        "results": [_result(one, index[one.code.code]) for one in findings],
    }
    return json.dumps({"$schema": _SARIF, "version": "2.1.0", "runs": [run]}, indent=2, ensure_ascii=False)


def _rule(code: Code) -> dict[str, Any]:
    return {
        "id": code.code,
        "name": code.name,
        "shortDescription": {"text": code.summary},
        "fullDescription": {"text": code.why},
        "defaultConfiguration": {"level": str(code.severity)},
        "help": {"text": f"gitops explain {code.code}"},
    }


def _result(one: Finding, index: int) -> dict[str, Any]:
    text = f"{one.message}; {one.hint}" if one.hint else one.message
    result: dict[str, Any] = {
        "ruleId": one.code.code,
        "ruleIndex": index,
        "level": str(one.severity),
        "message": {"text": redact.plain(text)},
        "partialFingerprints": {"gitopsLint/v1": _fingerprint(one)},
    }
    if one.location is not None:
        place: dict[str, Any] = {"artifactLocation": {"uri": _uri(one.location.file), "uriBaseId": "%SRCROOT%"}}
        if one.location.line:
            start = max(one.location.column, 1)
            place["region"] = {
                "startLine": one.location.line,
                "startColumn": start,
                "endColumn": start + max(one.length, 1),
            }
        result["locations"] = [{"physicalLocation": place}]
    return result


def _uri(path: str) -> str:
    return parse.quote(path, safe="/-._~")


def _fingerprint(one: Finding) -> str:
    """The same finding, whatever lines were added above it."""
    where = one.location.file if one.location else ""
    return hashlib.sha256(f"{one.code.code}\0{where}\0{one.message}".encode()).hexdigest()[:16]


def junit(checked: Checked) -> str:
    """A JUnit report: one suite per file, one failed case per finding; notes are no failures."""
    files = sorted({_file(one) for one in checked.findings}) or ["."]
    root = ET.Element("testsuites", name="gitops lint")
    for file in files:
        mine = [one for one in checked.findings if _file(one) == file]
        failures = sum(one.severity is not Severity.NOTE for one in mine)
        numbers = {"tests": str(max(len(mine), 1)), "failures": str(failures), "errors": "0"}
        suite = ET.SubElement(root, "testsuite", {"name": redact.plain(file), **numbers})
        for one in mine:
            _case(suite, one)
        if not mine:
            ET.SubElement(suite, "testcase", name="nothing found", classname="gitops.lint")
    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=True)


def _case(suite: ET.Element, one: Finding) -> None:
    where = _line(str(one.location)) if one.location else "."
    name = f"{one.code.code} {one.code.name} {where}"
    case = ET.SubElement(suite, "testcase", name=name, classname=f"gitops.lint.{one.code.name}")
    if one.severity is Severity.NOTE:
        ET.SubElement(case, "system-out").text = _line(one.message)
    else:
        failure = ET.SubElement(case, "failure", type=str(one.severity), message=_line(one.message))
        failure.text = f"{where}: {_line(one.message)}" + (f"\nhint: {_line(one.hint)}" if one.hint else "")


def _file(one: Finding) -> str:
    return one.location.file if one.location else "."


_GITHUB = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "notice"}


def github(findings: Sequence[Finding]) -> Iterator[str]:
    """Workflow commands that GitHub shows beside the lines of a pull request.

    https://docs.github.com/actions/reference/workflow-commands-for-github-actions
    """
    for one in findings:
        where = one.location
        fields = {"title": f"{one.code.code} {one.code.name}"}
        if where is not None:
            fields |= {"file": where.file}
            if where.line:
                start = max(where.column, 1)
                fields |= {"line": str(where.line), "col": str(start), "endColumn": str(start + max(one.length, 1))}
        said = ",".join(f"{name}={_escaped(value, ':,')}" for name, value in fields.items())
        text = f"{one.message} ({one.hint})" if one.hint else one.message
        yield f"::{_GITHUB[one.severity]} {said}::{_escaped(text)}"


def _escaped(text: str, more: str = "") -> str:
    """Percent, line breaks, and in properties colon and comma as well; as actions/toolkit does."""
    for character in "%\r\n" + more:
        text = text.replace(character, f"%{ord(character):02X}")
    return redact.plain(text)
