from __future__ import annotations

import io

import pytest

from gitops.report.redact import Redactor
from gitops_cli._console import Console


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("color", "environment", "terminal", "expected"),
    [
        ("auto", {}, True, True),
        ("auto", {}, False, False),
        ("auto", {"TERM": "dumb"}, True, False),
        ("auto", {"NO_COLOR": "1"}, True, False),
        ("auto", {"NO_COLOR": ""}, True, True),
        ("auto", {"FORCE_COLOR": "1"}, False, True),
        ("auto", {"FORCE_COLOR": "0"}, False, False),
        ("auto", {"CLICOLOR_FORCE": "1"}, False, True),
        ("auto", {"NO_COLOR": "1", "FORCE_COLOR": "1"}, True, False),
        ("always", {"NO_COLOR": "1"}, False, True),
        ("never", {"FORCE_COLOR": "1"}, True, False),
    ],
)
def test_who_decides_on_colour(color: str, environment: dict[str, str], *, terminal: bool, expected: bool) -> None:
    console = Console(redactor=Redactor(), environment=environment, color=color)
    assert console.colored(Terminal() if terminal else io.StringIO()) is expected


def _console(color: str = "never") -> Console:
    return Console(redactor=Redactor(["topsecret"]), environment={}, color=color)


def test_a_table_is_aligned_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    out = Terminal()
    monkeypatch.setattr("sys.stdout", out)
    _console().table(["NAME", "PHASE"], [["a", "Running"], ["longer", "x"]])
    assert out.getvalue() == "NAME    PHASE\na       Running\nlonger  x\n"


def test_a_coloured_heading_keeps_its_column(monkeypatch: pytest.MonkeyPatch) -> None:
    out = Terminal()
    monkeypatch.setattr("sys.stdout", out)
    _console("always").table(["A", "B"], [["wide", "x"]])
    assert out.getvalue().split("\n")[0] == "\x1b[1mA   \x1b[0m  \x1b[1mB\x1b[0m"


def test_a_table_in_a_pipe_is_cut_with_cut(capsys: pytest.CaptureFixture[str]) -> None:
    _console().table(["NAME", "PHASE"], [["a\tb", "Run\nning"], ["longer", "x"]])
    assert capsys.readouterr().out == "a b\tRun ning\nlonger\tx\n"


def test_a_table_of_nothing_is_its_heading(monkeypatch: pytest.MonkeyPatch) -> None:
    out = Terminal()
    monkeypatch.setattr("sys.stdout", out)
    _console().table(["NAME"], [])
    assert out.getvalue() == "NAME\n"


def test_nobody_to_ask_means_no(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("y\n"))
    assert _console().confirm("Delete?") is False


def test_secrets_are_masked_wherever_they_are_printed(capsys: pytest.CaptureFixture[str]) -> None:
    console = _console("always")
    console.answer("a topsecret")
    console.note("a topsecret")
    console.complain(console.paint("a topsecret", "red"))
    text = "".join(capsys.readouterr())
    assert "topsecret" not in text
    assert text.count("***") == 3


def test_a_terminal_that_knows_no_unicode_still_gets_text(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii")
    monkeypatch.setattr("sys.stdout", stream)
    _console().answer("→ done")
    stream.flush()
    assert raw.getvalue() == b"? done\n"


HOSTILE = b"10%\r20%\r\x1b[31mdone\x1b[0m \x1b[2Jtopsecret \xff"


def test_a_script_cannot_steer_the_terminal_but_may_colour(monkeypatch: pytest.MonkeyPatch) -> None:
    out = Terminal()
    monkeypatch.setattr("sys.stdout", out)
    _console("always").transcript([HOSTILE])
    assert out.getvalue() == "\x1b[31mdone\x1b[0m \N{REPLACEMENT CHARACTER}[2J*** \N{REPLACEMENT CHARACTER}\n"


def test_a_file_gets_what_the_script_wrote(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = io.BytesIO()
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(raw, encoding="ascii"))
    _console().transcript([HOSTILE, b"", "\u202eé".encode()])
    assert raw.getvalue() == HOSTILE.replace(b"topsecret", b"***") + b"\n\n" + "\u202eé".encode() + b"\n"
