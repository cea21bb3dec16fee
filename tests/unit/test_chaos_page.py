"""The page about faults names tests that exist, and says of every fault by what it is tried or why it is not."""

from __future__ import annotations

import re
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
PAGE = TESTS.parent / "docs" / "contributing" / "chaos.md"


def rows() -> list[list[str]]:
    return [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in PAGE.read_text().splitlines()
        if re.match(r"\| T\d+ ", line)
    ]


def test_every_fault_has_a_row_with_a_test_or_a_reason() -> None:
    found = rows()
    assert [row[0] for row in found] == [f"T{number}" for number in range(1, 21)]
    assert [row[0] for row in found if not row[2] and not row[3]] == []


def test_every_test_it_names_exists() -> None:
    named = [pair for row in rows() for pair in re.findall(r"`([\w/]+\.py)::(\w+)`", row[2])]
    assert len(named) > len(rows())
    missing = [
        f"{file}::{name}"
        for file, name in named
        if not re.search(rf"^(?:async )?def {name}\(", (TESTS / file).read_text(), re.MULTILINE)
    ]
    assert missing == []
