"""What must not get out of findings: control characters, broken XML, broken workflow commands."""

from __future__ import annotations

import json
from xml.etree import ElementTree as ET

from gitops.lint import codes
from gitops.lint.check import Checked
from gitops.lint.finding import Finding
from gitops.location import Location
from gitops.report import findings

HOSTILE = Finding(
    code=codes.UNPINNED,
    message="a\x1b[31m, b: 100%\n::error::c <d> ]]>",
    hint="\x07e",
    location=Location("dir, with: 100%/\x1b[2Jä <x>.yaml", 3, 7),
)


def test_control_characters_reach_no_terminal() -> None:
    [block] = findings.blocks([HOSTILE], lambda _: None, width=80)
    shown = "".join([block.head, block.message, *block.lines])
    assert "\x1b" not in shown
    assert "\x07" not in shown
    assert "\n" not in shown


def test_the_caret_marks_as_much_as_is_meant_and_fits() -> None:
    place = Location("a", 1, 60)
    finding = Finding(code=codes.UNPINNED, message="x", location=place, length=1000)
    [block] = findings.blocks([finding], lambda _: "y" * 500, width=40)
    line, caret = block.lines[2], block.lines[3]
    assert len(line) <= 40
    assert caret.endswith("^^")
    assert len(caret) == len(line)


def test_a_workflow_command_stays_one_line_and_one_command() -> None:
    [line] = findings.github([HOSTILE])
    assert "\n" not in line
    assert line.startswith("::warning title=")
    fields = line.removeprefix("::warning ").partition("::")[0].split(",")
    assert [field.partition("=")[0] for field in fields] == ["title", "file", "line", "col", "endColumn"]
    assert "dir%2C with%3A 100%25/" in line


def test_junit_is_xml_whatever_is_in_it() -> None:
    root = ET.fromstring(findings.junit(Checked(findings=(HOSTILE,), files=1, objects=1)))  # noqa: S314  # ours
    assert root[0][0][0].attrib["type"] == "warning"


def test_sarif_names_files_as_uris() -> None:
    result = json.loads(findings.sarif([HOSTILE], version="0"))["runs"][0]["results"][0]
    place = result["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"].startswith("dir%2C%20with%3A%20100%25/%1B")
    assert place["region"] == {"startLine": 3, "startColumn": 7, "endColumn": 8}
