"""The documentation says what the program does: command pages, and every command line in every page."""

from __future__ import annotations

import os
import re
import shlex
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from gitops.lint import validate
from gitops_cli import main
from tests.golden import test_cli

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "reference" / "commands.md"
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])
YAML = re.compile(r"^```yaml\n(.*?)^```", re.MULTILINE | re.DOTALL)
BLOCK = re.compile(r"^```(?:console|sh|bash)?\n(.*?)^```", re.MULTILINE | re.DOTALL)


def command_page() -> str:
    """Every command's own help, in the order of `gitops --help`."""
    parts = ["# Commands", "", "Generated from the program: each section is what `--help` prints.", ""]
    for words in test_cli._paths(main.group()):  # noqa: SLF001 - the same walk
        text = (test_cli.GOLDEN / f"{'-'.join(('help', *words))}.txt").read_text()
        parts += [f"## {' '.join(('gitops', *words))}", "", "```text", text.rstrip(), "```", ""]
    return "\n".join(parts)


def test_command_page_is_not_stale() -> None:
    if os.environ.get("GITOPS_REGENERATE"):
        PAGE.write_text(command_page())
    assert command_page() == PAGE.read_text()


def command_lines() -> list[tuple[str, str]]:
    found = []
    for page in PAGES:
        for block in BLOCK.findall(page.read_text()):
            for line in block.replace("\\\n", " ").splitlines():
                text = line.strip().removeprefix("$ ")
                if text.startswith("gitops "):
                    found.append((str(page.relative_to(ROOT)), text))
    return found


@pytest.mark.parametrize(("page", "line"), command_lines())
def test_command_line_in_a_page_is_understood(page: str, line: str) -> None:
    words = shlex.split(line, comments=True)[1:]
    words = words[: next((index for index, word in enumerate(words) if word in {"|", "<", ">", "&&", ";"}), None)]
    group: click.Command = main.group()
    context = click.Context(group, info_name="gitops")
    while isinstance(group, click.Group):
        name, command, words = group.resolve_command(context, words)
        assert command is not None
        group, context = command, click.Context(command, info_name=name, parent=context)
    for parameter in group.params:
        # Files of the example need not exist here; everything else is checked.
        if isinstance(parameter.type, click.Path):
            parameter.type = click.STRING
    group.parse_args(context, words)


def objects_in_guides() -> list[tuple[str, dict[str, Any]]]:
    found = []
    for page in sorted((ROOT / "docs" / "how-to").glob("*.md")):
        for block in YAML.findall(page.read_text()):
            if "apiVersion: gitops-worker.io/" in block:
                found += [(str(page.relative_to(ROOT)), made) for made in yaml.safe_load_all(block) if made]
    return found


@pytest.mark.parametrize(("page", "manifest"), objects_in_guides())
def test_an_object_of_ours_in_a_guide_is_valid(page: str, manifest: dict[str, Any]) -> None:
    assert list(validate.violations(manifest)) == []
