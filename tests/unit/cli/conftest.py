from __future__ import annotations

import signal
from collections.abc import Callable, Iterator

import click
import pytest

from gitops_cli import _edge

Run = Callable[..., int]


@pytest.fixture(autouse=True)
def _signals() -> Iterator[None]:
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a callback as the command `gitops do` through the program's edge; gives the exit code."""
    for name in ("NO_COLOR", "FORCE_COLOR", "CLICOLOR_FORCE", "_GITOPS_COMPLETE"):
        monkeypatch.delenv(name, raising=False)

    def run(callback: Callable[[click.Context], int | None], *words: str) -> int:
        from gitops_cli import _global  # noqa: PLC0415

        def do(output: str | None) -> int | None:  # the edge reads it from the arguments
            return callback(click.get_current_context())

        command = click.Command("do", callback=do, params=[click.Option(["-o", "--output"])])
        group = click.Group("gitops", params=[*_global.options()], commands={"do": _global.accept(command)})
        return _edge.run(group, ["gitops", *(words or ("do",))])

    return run
