"""The reference pages of findings and reasons, in Markdown: generated, so that none is missing or stale."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from itertools import groupby

from gitops.lint import codes
from gitops.lint.code import Code
from gitops.report import explain, reasons

_NOTE = "<!-- Generated; see tests/golden/test_generated.py. -->"


def findings_page() -> str:
    """Every code of `gitops lint`."""
    return "\n".join(_findings()) + "\n"


def _findings() -> Iterator[str]:
    yield "# Findings of gitops lint"
    yield ""
    yield _NOTE
    yield ""
    yield "Errors and warnings make `gitops lint` exit with 1, notes do not. `gitops explain CODE` says the same."
    yield ""
    yield "| code | name | severity | meaning | `--fix` |"
    yield "|---|---|---|---|---|"
    for one in codes.ALL:
        link = f"[{one.code}](#{one.code.lower()}-{one.name})"
        yield f"| {link} | {one.name} | {one.severity} | {_cell(one.summary)} | {_cell(one.fixed)} |"
    for one in codes.ALL:
        yield from _section(one)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _section(one: Code) -> Iterator[str]:
    yield ""
    yield f"## {one.code} {one.name}"
    yield ""
    yield f"{one.summary} {one.why}"
    for title, text in (("Wrong", one.wrong), ("Right", one.right)):
        yield ""
        yield f"{title}:"
        yield ""
        yield "```yaml"
        yield text.rstrip()
        yield "```"
    if one.fixed:
        yield ""
        yield f"`--fix`: {one.fixed}."


def reasons_page() -> str:
    """Every reason in an error, a condition or the status of an operation."""
    return "\n".join(_reasons()) + "\n"


def _reasons() -> Iterator[str]:
    yield "# Reasons"
    yield ""
    yield _NOTE
    yield ""
    yield "The CamelCase word is the same in errors, conditions, events, metrics and JSON; see `gitops explain REASON`."
    yield ""
    yield "## Errors of the program"
    yield ""
    yield "| reason | exit code | tried again | meaning |"
    yield "|---|---|---|---|"
    for kind in explain.kinds_of_error():
        if kind.__module__ == "gitops.errors":
            words = " ".join(inspect.cleandoc(kind.__doc__ or "").split())
            yield f"| `{kind.reason}` | {kind.exit_code} | {'yes' if kind.retry else 'no'} | {_cell(words)} |"
    for of, each in groupby(reasons.ALL, key=lambda one: one.of):
        yield ""
        yield f"## Of {of}"
        yield ""
        yield "| reason | meaning | what to try |"
        yield "|---|---|---|"
        for one in each:
            yield f"| `{one.name}` | {_cell(one.meaning)} | {_cell(one.todo)} |"
