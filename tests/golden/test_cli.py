"""The texts people read: the help of every command, and how errors look. `GITOPS_REGENERATE=1` writes them anew."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from gitops import errors
from gitops.location import Location
from gitops.ref import ResourceRef
from gitops_cli import _edge, _errors, main

GOLDEN = Path(__file__).parent / "cli"


def _paths(group: click.Group, *above: str) -> Iterator[tuple[str, ...]]:
    yield above
    context = click.Context(group)
    for verb in group.list_commands(context):
        command = group.get_command(context, verb)
        if isinstance(command, click.Group):
            yield from _paths(command, *above, verb)
        else:
            yield (*above, verb)


@pytest.fixture(autouse=True)
def _terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("COLUMNS", "100")
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


def _compare(name: str, text: str) -> None:
    path = GOLDEN / f"{name}.txt"
    if os.environ.get("GITOPS_REGENERATE"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    assert path.exists(), f"{path.name} is new: run GITOPS_REGENERATE=1 pytest {Path(__file__).name}, and read it"
    assert text == path.read_text()


@pytest.mark.parametrize("words", list(_paths(main.group())), ids=lambda words: " ".join(words) or "gitops")
def test_help(words: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    assert _edge.run(main.group(), ["gitops", *words, "--help"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    _compare("-".join(("help", *words)), out)


def test_no_help_is_left_of_a_command_that_is_gone() -> None:
    known = {"-".join(("help", *words)) for words in _paths(main.group())}
    assert {path.stem for path in GOLDEN.glob("help*.txt")} == known


FILES = {
    "overlays/production/kustomization.yaml": "resources:\n- ../../base\npatches:\n"
    "- target: {kind: Deployment, name: wbe}\n  path: replicas.yaml\n"
}
PATCH = errors.BuildError(
    "patch matches nothing",
    cause='no Deployment is named "wbe" among 42 objects',
    hint='did you mean "web" (base/web/deployment.yaml:4)?',
    location=Location("overlays/production/kustomization.yaml", 4, 11),
)
ERRORS: dict[str, errors.GitOpsError] = {
    "located": PATCH,
    "denied": errors.ClusterDenied(
        "user viewer may not patch deployments in namespace shop",
        hint="gitops rbac shows what is missing",
        ref=ResourceRef("apps", "Deployment", "shop", "web"),
    ),
    "several": errors.SeveralErrors(
        [PATCH, errors.ConfigError("unknown field: imaeg", location=Location("base/pool.yaml", 7, 3))]
    ),
    "bare": errors.TimedOut("not Ready after 5m"),
    "hostile": errors.ConfigError("a\x1b[2Jb\nc", cause="d\u202ee\nf", location=Location("x\x07.yaml", 1, 1)),
}


@pytest.mark.parametrize("name", ERRORS)
def test_error(name: str) -> None:
    _compare(f"error-{name}", _errors.render(ERRORS[name], FILES.get) + "\n")


@pytest.mark.parametrize("name", ERRORS)
def test_error_as_json(name: str) -> None:
    _compare(f"error-{name}-json", _errors.as_json(ERRORS[name]) + "\n")
