from __future__ import annotations

from gitops import errors
from gitops.location import Location
from gitops.ref import ResourceRef
from gitops_cli import _errors


def _nothing(_file: str) -> str | None:
    return None


def test_an_object_is_named() -> None:
    error = errors.ObjectInvalid("refused", cause="two\nlines", ref=ResourceRef("apps", "Deployment", "shop", "web"))
    assert _errors.render(error, _nothing) == (
        "error[ObjectInvalid]: refused\n  = object: Deployment.apps shop/web\n  = cause: two\n    lines"
    )


def test_a_long_line_is_cut_around_the_caret() -> None:
    text = "a" * 300 + "HERE" + "b" * 300
    error = errors.ConfigError("x", location=Location("f", 1, 301))
    lines = _errors.render(error, lambda _file: text, width=60).split("\n")
    assert max(map(len, lines)) <= 60
    caret = lines[4].index("^")
    assert lines[3][caret : caret + 4] == "HERE"


def test_tabs_do_not_move_the_caret() -> None:
    error = errors.ConfigError("x", location=Location("f", 12, 3))
    lines = _errors.render(error, lambda _file: "\n" * 11 + "\t\tHERE", width=80).split("\n")
    assert lines[3].startswith("12 | ")
    assert lines[3][lines[4].index("^") :] == "HERE"


def test_a_place_that_is_not_there_is_only_named() -> None:
    for where in (Location("f", 99, 1), Location("f")):
        rendered = _errors.render(errors.ConfigError("x", location=where), lambda _file: "one line")
        assert rendered == f"error[ConfigInvalid]: x\n  --> {where}"


def test_many_errors_are_counted() -> None:
    several = errors.SeveralErrors([errors.ConfigError(f"e{n}") for n in range(60)])
    rendered = _errors.render(several, _nothing)
    assert rendered.count("error[") == _errors.SHOWN
    assert "… and 10 more errors" in rendered
    assert rendered.endswith("60 errors")
