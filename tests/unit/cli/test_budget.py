"""Starting up costs what it must and no more, and `cmd/` never hides the standard library's module."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from gitops_cli import main

ROOT = Path(__file__).parents[3]
HEAVY = {"kubernetes", "pygit2", "rich", "ruamel", "msgspec", "aiohttp", "yaml", "asyncio", "cryptography", "jsonpatch"}


def _python(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={"PYTHONPATH": f"{ROOT}:{ROOT / 'cmd'}"},
        capture_output=True,
        check=True,
    )
    return done.stdout.decode().strip()


def test_the_command_tree_loads_nothing_heavy() -> None:
    loaded = _python(
        "import sys, gitops_cli.main as m, gitops_cli._edge; m.group();"
        "print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    )
    assert not HEAVY & set(loaded.split())


def test_asking_for_the_version_does_not_even_load_click() -> None:
    loaded = _python(
        "import sys; sys.argv = ['gitops', '--version']\n"
        "from gitops_cli.main import main\nmain()\nprint(*sorted(sys.modules))"
    )
    assert loaded.startswith("gitops ")
    assert not {"click", "dataclasses", *HEAVY} & set(loaded.split())


def test_cmd_is_a_source_root_and_no_package() -> None:
    assert not (ROOT / "cmd" / "__init__.py").exists()
    assert "gitops_cli" not in _python("import cmd, pdb; print(cmd.__file__)")
    assert _python("import cmd, pdb; print(issubclass(pdb.Pdb, cmd.Cmd))") == "True"


@pytest.mark.parametrize("verb", [verb for section in main.SECTIONS.values() for verb in section])
def test_no_command_loads_what_only_its_work_needs(verb: str) -> None:
    module = next(section[verb][0] for section in main.SECTIONS.values() if verb in section)
    loaded = _python(f"import sys, {module}; print(*sorted({{name.partition('.')[0] for name in sys.modules}}))")
    assert not {"kubernetes", "pygit2", "rich", "ruamel", "aiohttp"} & set(loaded.split())
