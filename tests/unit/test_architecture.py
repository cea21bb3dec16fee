"""docs/ARCHITECTURE.md tells the truth: its files exist, and each imports only later ones."""

from __future__ import annotations

import re
from pathlib import Path

import grimp
import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "ARCHITECTURE.md").read_text()
LISTS = {
    name: re.findall(r"^\d+\. `([^`]+)`", body, re.MULTILINE)
    for name, body in re.findall(r"<!-- (commit|operation) -->\n(.*?)<!-- end -->", PAGE, re.DOTALL)
}


def module_of(path: str) -> str:
    return path.removeprefix("cmd/").removesuffix(".py").replace("/", ".")


@pytest.fixture(scope="module")
def graph() -> grimp.ImportGraph:
    return grimp.build_graph("gitops", "gitops_cli", cache_dir=None)


def test_both_lists_are_there() -> None:
    assert set(LISTS) == {"commit", "operation"}
    assert all(len(files) >= 15 for files in LISTS.values())


@pytest.mark.parametrize("name", LISTS)
def test_every_file_exists(name: str) -> None:
    assert [path for path in LISTS[name] if not (ROOT / path).is_file()] == []


@pytest.mark.parametrize("name", LISTS)
def test_each_file_imports_only_later_ones(name: str, graph: grimp.ImportGraph) -> None:
    modules = [module_of(path) for path in LISTS[name]]
    wrong = [
        f"{later} imports {earlier}"
        for position, later in enumerate(modules)
        for earlier in modules[:position]
        if graph.direct_import_exists(importer=later, imported=earlier)
    ]
    assert wrong == []


@pytest.mark.parametrize("name", LISTS)
def test_the_files_are_one_connected_way(name: str, graph: grimp.ImportGraph) -> None:
    """Every file is reached from one before it, directly or through files the list leaves out."""
    modules = [module_of(path) for path in LISTS[name]]
    alone = [
        module
        for position, module in enumerate(modules[1:], start=1)
        if not any(
            graph.chain_exists(importer=earlier, imported=module, as_packages=False) for earlier in modules[:position]
        )
    ]
    # `main` names commands in a table, and imports none of them.
    assert alone in (["gitops_cli._program"], [])
