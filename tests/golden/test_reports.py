"""Every form of every report from one rich plan and one rich drift report. `GITOPS_REGENERATE=1` writes them anew."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree as ET

import jsonschema
import pytest
import yaml

from gitops.api import documents
from gitops.report import drifts, forms, markdown, plans, redact
from gitops_cli._console import Console
from tests.golden import rich

GOLDEN = Path(__file__).parent / "reports"
SCHEMAS = Path(__file__).parents[2] / "docs" / "schemas"
ENDINGS = {"json": "json", "yaml": "yaml", "markdown": "md", "sarif": "sarif", "junit": "xml"}


def _painted(text: str, *styles: str) -> str:
    return f"<{' '.join(styles)}>{redact.plain(text)}</>"


def texts() -> dict[str, Callable[[], str]]:
    found: dict[str, Callable[[], str]] = {
        "plan.txt": lambda: "\n".join(plans.lines(rich.plan())),
        "plan-narrow.txt": lambda: "\n".join(plans.lines(rich.plan(), width=60)),
        "plan-painted.txt": lambda: "\n".join(plans.lines(rich.plan(), paint=_painted)),
        "drift.txt": lambda: "\n".join([*drifts.lines(rich.drift()), drifts.summary(rich.drift(), "main")]),
        "drift-narrow.txt": lambda: "\n".join(drifts.lines(rich.drift(), width=60)),
    }
    for form, ending in ENDINGS.items():
        found[f"plan.{ending}"] = lambda form=form: forms.plan(rich.plan(), form)  # type: ignore[misc]
        found[f"drift.{ending}"] = lambda form=form: forms.drift(rich.drift(), form)  # type: ignore[misc]
    return found


TEXTS = texts()


@pytest.mark.parametrize("name", sorted(TEXTS))
def test_the_report_is_as_committed(name: str) -> None:
    path, text = GOLDEN / name, f"{TEXTS[name]()}\n"
    if os.environ.get("GITOPS_REGENERATE"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    assert text == path.read_text(), f"read what changed, then GITOPS_REGENERATE=1 pytest {Path(__file__).name}"


def test_no_report_is_left_of_a_form_that_is_gone() -> None:
    assert {path.name for path in GOLDEN.iterdir()} == TEXTS.keys()


@pytest.mark.parametrize("name", sorted(TEXTS))
def test_no_report_holds_a_secret_value(name: str) -> None:
    text = TEXTS[name]()
    assert not any(word in text for word in ("aGlkZGVuLXZhbHVl", "b3RoZXItdmFsdWU", "hidden-value", "other-value"))
    assert "c2FtZQ==" not in text


@pytest.mark.parametrize("name", [name for name in sorted(TEXTS) if not name.endswith((".json", ".yaml"))])
def test_no_report_for_people_holds_a_control_character(name: str) -> None:
    assert redact.CONTROL.search(TEXTS[name]()) is None


@pytest.mark.parametrize("form", ["json", "yaml"])
def test_control_characters_in_data_do_not_pass_the_console(form: str, capsys: pytest.CaptureFixture[str]) -> None:
    Console(redactor=redact.Redactor(), environment={}).answer(forms.plan(rich.plan(), form))
    assert redact.CONTROL.search(capsys.readouterr().out) is None


def test_masks_show_that_values_are_the_same() -> None:
    (change,) = [one for one in rich.plan().changes if one.object.kind == "Secret"]
    assert change.tests[0]["value"] != change.patch[0]["value"]
    assert change.tests[0]["value"].startswith("sha256:")
    assert change.inverse[0]["value"] == change.tests[0]["value"]


@pytest.mark.parametrize("limit", [1_500, 4_000, 65_536])
def test_markdown_keeps_the_limit_and_counts_what_is_left_out(limit: int) -> None:
    text = markdown.plan(rich.plan(), limit=limit)
    assert len(text) <= limit
    left = re.search(r"\*\*(\d+) changes? left out", text)
    shown = text.count("<summary>") - text.count("<summary>rights")
    assert shown + (int(left[1]) if left else 0) == len(rich.plan().changes)
    assert text.count("<details>") == text.count("</details>")


def test_markdown_neither_mentions_nor_embeds() -> None:
    for text in (markdown.plan(rich.plan()), markdown.drift(rich.drift())):
        outside = re.sub(r"^(`{3,})diff\n.*?^\1$|(`+)[^`].*?\2", "", text, flags=re.MULTILINE | re.DOTALL)
        assert "<script" not in outside
        assert "@everyone" not in outside


def test_markdown_begins_with_a_marker_that_stays() -> None:
    first = markdown.plan(rich.plan()).splitlines()[0]
    assert first == "<!-- gitops plan shop/shop overlays/shop -->"


def test_yaml_says_the_same_as_json() -> None:
    assert yaml.safe_load(forms.plan(rich.plan(), "yaml")) == json.loads(forms.plan(rich.plan(), "json"))
    assert yaml.safe_load(forms.drift(rich.drift(), "yaml")) == json.loads(forms.drift(rich.drift(), "json"))


def test_junit_is_xml_and_counts_right() -> None:
    for text in (forms.plan(rich.plan(), "junit"), forms.drift(rich.drift(), "junit")):
        root = ET.fromstring(text)  # noqa: S314 - our own
        assert int(root.attrib["tests"]) == len(root.findall(".//testcase"))
        assert int(root.attrib["failures"]) == len(root.findall(".//failure"))
        assert int(root.attrib["errors"]) == len(root.findall(".//error"))


def test_sarif_points_at_lines_and_names_its_rules() -> None:
    (run,) = json.loads(forms.drift(rich.drift(), "sarif"))["runs"]
    rules = [one["id"] for one in run["tool"]["driver"]["rules"]]
    assert all(rules[one["ruleIndex"]] == one["ruleId"] for one in run["results"])
    (place,) = run["results"][0]["locations"]
    assert place["physicalLocation"]["region"] == {"startLine": 30, "startColumn": 1}


SCHEMA_FILES = {f"{name}.json": name for name in documents.DOCUMENTS}


@pytest.mark.parametrize("file", sorted(SCHEMA_FILES))
def test_the_published_schema_is_not_stale(file: str) -> None:
    text = json.dumps(documents.schema(SCHEMA_FILES[file]), indent=2, ensure_ascii=False) + "\n"
    path = SCHEMAS / file
    if os.environ.get("GITOPS_REGENERATE"):
        path.write_text(text)
    assert text == path.read_text()


def test_the_reports_keep_their_schemas() -> None:
    for name, text in (("plan", forms.plan(rich.plan(), "json")), ("drift", forms.drift(rich.drift(), "json"))):
        schema = documents.schema(name)
        jsonschema.Draft202012Validator.check_schema(schema)
        jsonschema.validate(json.loads(text), schema)
        broken = {**json.loads(text), "kind": 3}
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(broken, schema)
