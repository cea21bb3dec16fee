"""docs/how-to/migrate-from-octopus.md: its commands exist, and those that need no cluster are run."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from gitops_cli import _edge, main

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/how-to/migrate-from-octopus.md").read_text()
COMMANDS = [line for block in re.findall(r"^```sh\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
            for line in block.splitlines()]  # fmt: skip
OURS = [line for line in COMMANDS if line.startswith("gitops ")]
KUBECTL = [line for line in COMMANDS if line.startswith("kubectl ")]
OTHERS = ("helm get values ", "helm uninstall ", "git add ", "git commit ", "git push")


@pytest.fixture(autouse=True)
def _place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    before = signal.getsignal(signal.SIGTERM)
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".git").mkdir()
    shutil.copytree(ROOT / "base", "base")
    shutil.copy(ROOT / "docs/examples/octopus/values.yaml", "values.yaml")
    yield
    signal.signal(signal.SIGTERM, before)


def gitops(line: str) -> int:
    return _edge.run(main.group(), shlex.split(line))


def test_the_page_has_no_other_commands() -> None:
    rest = [line for line in COMMANDS if line not in (*OURS, *KUBECTL) and not line.startswith(OTHERS)]
    assert rest == []
    assert len(OURS) > 5


@pytest.mark.parametrize("line", OURS)
def test_our_commands_and_their_options_exist(line: str) -> None:
    words = shlex.split(line)[1:]
    command: click.Command = main.group()
    context = click.Context(command)
    while isinstance(command, click.Group):
        found = command.get_command(context, words.pop(0))
        assert found is not None
        command = found
    assert command.make_context(line, words).params


@pytest.mark.parametrize("line", KUBECTL)
def test_kubectl_takes_what_is_asked_of_it(kubectl: Path, line: str) -> None:
    words = shlex.split(line)[1:]
    verbs = words[: 3 if words[0] == "create" else 1]
    told = "".join(
        subprocess.run([kubectl, *asked], check=True, capture_output=True, text=True).stdout
        for asked in ([*verbs, "--help"], ["options"])
    )
    assert [word for word in words if word.startswith("--") and f"{word}=" not in told] == []


def test_what_needs_no_cluster_is_run(capfd: pytest.CaptureFixture[str], kubectl: Path) -> None:
    """Import and build as on the page; the Secret the page makes is one the report asks for."""
    [imported] = [line for line in OURS if line.startswith("gitops import ")]
    assert gitops(f"{imported} --report json") == 0
    report = json.loads(capfd.readouterr().err)
    asked = next(line for line in KUBECTL if line.startswith("kubectl create secret "))
    assert asked in report["commands"]
    assert gitops("gitops build overlays/octopus") == 0
    assert f"name: {report['operationsNamespace']}\n" in capfd.readouterr().out
    for line in report["commands"]:
        words = shlex.split(line)
        for word in words:
            file = word.partition("=")[2]
            if file:
                Path(file).write_text('{"auths": {}}')
        made = subprocess.run(
            [kubectl, *words[1:], "--dry-run=client", "-o", "json"], check=True, capture_output=True
        ).stdout
        secret = json.loads(made)
        wanted = {
            one["key"]
            for one in report["secrets"]
            if (one["namespace"], one["name"]) == (secret["metadata"]["namespace"], secret["metadata"]["name"])
        }
        assert set(secret["data"]) == wanted


def test_who_stops_reading_the_report_has_the_files() -> None:
    command = [sys.executable, "-m", "gitops_cli", "import", "helm", "values.yaml", "-o", "new", "-n", "workers"]
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'cmd'}"}
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, stdout=subprocess.PIPE) as running:
        assert running.stderr
        running.stderr.close()
        running.wait(60)
    assert Path("new/kustomization.yaml").is_file()
