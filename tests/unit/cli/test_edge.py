"""What leaves the program, and with which code, whatever happens inside."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import click
import pytest

from gitops import errors
from gitops.location import Location
from gitops.source import MemoryTree
from gitops_cli import _edge, _shell
from tests.unit.cli.conftest import Run


def raising(error: BaseException) -> Callable[[click.Context], NoReturn]:
    def callback(_context: click.Context) -> NoReturn:
        raise error

    return callback


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.ConfigError("x"), 2),
        (errors.SourceUnavailable("x"), 3),
        (errors.ClusterUnavailable("x"), 3),
        (errors.SourceDenied("x"), 4),
        (errors.ClusterDenied("x"), 4),
        (errors.PlanStale("x"), 5),
        (errors.OperationError("x"), 1),
        (errors.TimedOut("x"), 124),
        (errors.SeveralErrors([errors.ClusterDenied("x"), errors.ConfigError("y")]), 4),
        (ExceptionGroup("tasks", [errors.Refused("x")]), 5),
        (ExceptionGroup("tasks", [ExceptionGroup("more", [errors.TimedOut("x"), errors.Refused("y")])]), 124),
        (click.UsageError("x"), 2),
        (click.Abort(), 2),
        (KeyboardInterrupt(), 130),
    ],
)
def test_every_error_has_its_exit_code(run: Run, error: BaseException, code: int) -> None:
    assert run(raising(error)) == code


@pytest.mark.parametrize("result", [0, 1])
def test_the_callbacks_result_is_the_exit_code(run: Run, result: int) -> None:
    assert run(lambda _context: result) == result
    assert run(lambda context: context.exit(result)) == result


def test_a_fault_of_ours_is_70_with_a_file_and_no_traceback_on_the_screen(
    run: Run, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))

    def callback(context: click.Context) -> NoReturn:
        _shell.of(context).redactor.add("hunter2hunter2")
        raise ZeroDivisionError("with hunter2hunter2 inside")

    assert run(callback, "do", "-n", "private") == 70
    out, err = capsys.readouterr()
    assert out == ""
    assert "error[Bug]: this is a fault of gitops itself" in err
    assert "ZeroDivisionError: with *** inside" in err
    assert "Traceback" not in err
    report = next(tmp_path.glob("gitops-report-*.txt"))
    assert str(report) in err
    assert report.stat().st_mode & 0o077 == 0
    assert "Traceback" in report.read_text()
    assert "hunter2" not in report.read_text() + err
    assert "private" not in report.read_text()


def test_a_traceback_is_shown_when_asked_for(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(raising(errors.ConfigError("no")), "do", "--traceback") == 2
    err = capsys.readouterr().err
    assert "Traceback (most recent call last)" in err
    assert err.rstrip().endswith("error[ConfigInvalid]: no")


def test_errors_are_json_when_the_answer_would_have_been(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    several = errors.SeveralErrors(
        [
            errors.ConfigError("one", cause="why", hint="try", location=Location("a.yaml", 3, 5)),
            errors.ConfigError("two"),
        ]
    )
    assert run(raising(several), "do", "-o", "json") == 2
    out, err = capsys.readouterr()
    assert out == ""
    document = json.loads(err)
    assert (document["kind"], document["exitCode"]) == ("ErrorList", 2)
    assert document["items"][0] == {
        "reason": "ConfigInvalid",
        "message": "one",
        "retry": False,
        "cause": "why",
        "hint": "try",
        "location": {"file": "a.yaml", "line": 3, "column": 5},
    }
    assert document["items"][1]["message"] == "two"


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["-o", "json"], True),
        (["-ojson"], True),
        (["--output=json"], True),
        (["--output", "json"], True),
        (["-o", "yaml"], False),
        (["json"], False),
        (["run", "--", "tool", "-o", "json"], False),
    ],
)
def test_json_is_recognised_before_parsing(words: list[str], *, expected: bool) -> None:
    assert _edge.wants_json(["gitops", *words]) is expected


def test_the_line_an_error_is_about_is_quoted(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    def callback(context: click.Context) -> NoReturn:
        _shell.of(context).source = MemoryTree({"dev/pool.yaml": b"spec:\n  imaeg: x\n"})
        raise errors.ConfigError("unknown field", location=Location("dev/pool.yaml", 2, 3), hint="did you mean image?")

    assert run(callback) == 2
    assert capsys.readouterr().err == (
        "error[ConfigInvalid]: unknown field\n"
        "  --> dev/pool.yaml:2:3\n"
        "  |\n"
        "2 |   imaeg: x\n"
        "  |   ^\n"
        "  = hint: did you mean image?\n"
    )


def test_global_options_work_before_and_behind_the_verb(run: Run) -> None:
    seen: list[_shell.Settings] = []

    def callback(context: click.Context) -> None:
        seen.append(_shell.of(context).settings)

    assert run(callback, "-n", "one", "--context", "c", "do") == 0
    assert run(callback, "-n", "one", "do", "-n", "two", "-vv", "--no-input") == 0
    assert (seen[0].namespace, seen[0].context) == ("one", "c")
    assert (seen[1].namespace, seen[1].verbose, seen[1].no_input) == ("two", 2, True)


def test_an_unknown_option_names_the_help(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(lambda _context: 0, "do", "--nmespace", "x") == 2
    err = capsys.readouterr().err
    assert err.startswith("error[Usage]: No such option")
    assert "--namespace" in err
    assert err.endswith("  = hint: gitops do --help\n")


def test_without_a_verb_the_help_is_shown_and_nothing_was_done(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(lambda _context: 0, "--no-input") == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "Missing command" in err or "Usage: gitops" in err


def test_quiet_silences_notes_and_never_errors(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    def callback(context: click.Context) -> NoReturn:
        console = _shell.of(context).console
        console.note("progress")
        console.detail("detail")
        console.answer("answer")
        raise errors.ConfigError("no")

    assert run(callback, "do", "-q") == 2
    out, err = capsys.readouterr()
    assert (out, err) == ("answer\n", "error[ConfigInvalid]: no\n")
    run(callback, "do", "-v")
    assert capsys.readouterr().err.startswith("progress\ndetail\n")


def test_text_of_others_cannot_steer_the_terminal(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    hostile = "a\x1b[2Jb\x1b]0;title\x07c\u202ed"

    def callback(context: click.Context) -> NoReturn:
        console = _shell.of(context).console
        console.answer(console.paint(hostile, "green"))
        console.table(["NAME"], [[hostile]])
        raise errors.ConfigError(hostile, cause=hostile, hint=hostile, location=Location(hostile, 1, 1))

    assert run(callback, "do", "--color", "always") == 2
    text = "".join(capsys.readouterr())
    assert not set(text) & set("\x07\u202e")
    assert "\x1b[2J" not in text
    assert "\x1b[32m" in text


def test_a_closed_pipe_is_no_error(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "w") as stream:
        monkeypatch.setattr("sys.stdout", stream)

        def callback(context: click.Context) -> None:
            _shell.of(context).console.answer("x" * 100_000)

        assert run(callback) == 0


def test_a_coroutine_is_run_and_its_result_is_the_exit_code(run: Run) -> None:
    async def work() -> int:
        await asyncio.sleep(0)
        return 1

    assert run(lambda _context: _edge.start(work())) == 1


def test_sigterm_cancels_a_coroutine_which_may_clean_up(run: Run) -> None:
    cleaned: list[str] = []

    async def work() -> int:
        os.kill(os.getpid(), signal.SIGTERM)
        try:
            await asyncio.sleep(30)
        finally:
            await asyncio.sleep(0)
            cleaned.append("cleaned")
        return 0

    assert run(lambda _context: _edge.start(work())) == 143
    assert cleaned == ["cleaned"]


def test_sigterm_ends_a_command_without_a_loop(run: Run) -> None:
    def callback(_context: click.Context) -> None:
        os.kill(os.getpid(), signal.SIGTERM)

    assert run(callback) == 143
