"""The program as a process: as kubectl's plugin, in a pipe, under signals, asked by a shell."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from gitops import __version__

pytestmark = pytest.mark.integration
ROOT = Path(__file__).parents[2]
ENVIRONMENT = {**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'cmd'}"}
GITOPS = [sys.executable, "-m", "gitops_cli"]


@pytest.fixture
def plugin(tmp_path: Path) -> Path:
    """The script as an installer writes it."""
    script = tmp_path / "kubectl-gitops"
    script.write_text(f"#!{sys.executable}\nfrom gitops_cli.main import main\nmain()\n")
    script.chmod(0o755)
    return script


def test_kubectl_finds_its_plugin(kubectl: Path, plugin: Path) -> None:
    environment = {**ENVIRONMENT, "PATH": f"{plugin.parent}:{os.environ['PATH']}"}

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([kubectl, *words], env=environment, capture_output=True, text=True, check=False)

    assert str(plugin) in run("plugin", "list").stdout
    assert run("gitops", "--version").stdout == f"gitops {__version__}\n"
    assert run("gitops", "build", "--help").stdout.startswith("Usage: kubectl gitops build ")
    wrong = run("gitops", "build", "/nowhere")
    assert (wrong.returncode, wrong.stderr.split("\n")[0]) == (2, "error[ConfigInvalid]: no such directory: /nowhere")


def test_a_reader_that_has_enough_is_no_error() -> None:
    command = f"{sys.executable} -m gitops_cli build {ROOT / 'overlays' / 'dev'} | head -n 1; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], env=ENVIRONMENT, capture_output=True, text=True, check=True)
    assert done.stdout.split("\n")[1:] == ["0", ""]
    assert done.stderr == ""


@pytest.fixture
def interruptible() -> Iterator[None]:
    """A run started in the background by a script has SIGINT ignored, and so have its children: not these."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_it_quietly(number: signal.Signals, code: int, tmp_path: Path) -> None:
    """While it waits for an API server that accepts and says nothing."""
    config = tmp_path / "config"
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        config.write_text(
            "{apiVersion: v1, kind: Config, current-context: c, users: [{name: u, user: {}}],"
            f" clusters: [{{name: c, cluster: {{server: '{address}'}}}}],"
            " contexts: [{name: c, context: {cluster: c, user: u}}]}"
        )
        command = [*GITOPS, "operation", "list", "--kubeconfig", str(config)]
        with subprocess.Popen(
            command, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as it:
            connection, _ = silent.accept()
            it.send_signal(number)
            out, err = it.communicate(timeout=20)
        connection.close()
    assert (it.returncode, out) == (code, "")
    assert "Traceback" not in err
    assert "error" not in err


@pytest.mark.parametrize(
    ("words", "current", "expected"),
    [
        ("gitops op", 1, {"operation"}),
        ("gitops operation ca", 2, {"cancel"}),
        ("gitops build --no", 2, {"--no-expand"}),
        ("gitops completion ", 2, {"bash", "zsh", "fish"}),
    ],
)
def test_a_shell_completes_verbs_and_options(words: str, current: int, expected: set[str]) -> None:
    environment = {**ENVIRONMENT, "_GITOPS_COMPLETE": "bash_complete", "COMP_WORDS": words, "COMP_CWORD": str(current)}
    done = subprocess.run(GITOPS, env=environment, capture_output=True, text=True, check=True)
    assert {line.partition(",")[2] for line in done.stdout.split()} == expected


def test_the_completion_script_is_valid_bash(tmp_path: Path) -> None:
    script = subprocess.run(
        [*GITOPS, "completion", "bash"], env=ENVIRONMENT, capture_output=True, text=True, check=True
    )
    checked = subprocess.run(["bash", "-n"], input=script.stdout, capture_output=True, text=True, check=False)
    assert (checked.returncode, checked.stderr) == (0, "")
    assert "_gitops_completion" in script.stdout
