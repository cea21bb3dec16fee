"""The forms of a report that are written as a whole: everything but the table, which is for a terminal."""

from __future__ import annotations

import msgspec

from gitops import __version__, yaml
from gitops.api.meta import Wire
from gitops.api.plan import DriftReport, PlanDocument, RightsReport
from gitops.report import junit, markdown, sarif

FORMS = ("table", "json", "yaml", "markdown", "sarif", "junit")


def plan(document: PlanDocument, form: str) -> str:
    """A plan or comparison in a form."""
    match form:
        case "markdown":
            return markdown.plan(document).removesuffix("\n")
        case "sarif":
            return sarif.plan(document, __version__)
        case "junit":
            return junit.plan(document)
        case _:
            return data(document, form)


def drift(report: DriftReport, form: str) -> str:
    """A drift report in a form."""
    match form:
        case "markdown":
            return markdown.drift(report).removesuffix("\n")
        case "sarif":
            return sarif.drift(report, __version__)
        case "junit":
            return junit.drift(report)
        case _:
            return data(report, form)


def rights(report: RightsReport, form: str) -> str:
    """A report of rights in a form."""
    if form == "markdown":
        return markdown.reviewed(report).removesuffix("\n")
    return data(report, form)


def data(document: Wire, form: str) -> str:
    """Any document as JSON or YAML."""
    if form == "yaml":
        return yaml.dump_all([msgspec.to_builtins(document)]).removesuffix("\n")
    return msgspec.json.format(msgspec.json.encode(document), indent=2).decode()
