"""Plan and drift as JUnit XML, which every CI server shows as tests: one object is one test.

In a plan what is refused fails, and what could not be verified is skipped; in a drift report what drifted fails, and
what could not be read is an error.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from xml.sax.saxutils import escape, quoteattr

from gitops.api.plan import DriftReport, PlanDocument, PlannedChange
from gitops.plan.change import Action
from gitops.report import drifts, plans, redact
from gitops.review import impact

Case = tuple[str, str, str, str]
"""Name, element (`failure`, `error`, `skipped`, or none for a test that passes), message, text."""


def plan(document: PlanDocument) -> str:
    """One test for each change; unchanged objects are one test together."""
    cases = [_change(one) for one in document.changes]
    if document.unchanged:
        cases.append((f"{document.unchanged} unchanged", "", "", ""))
    return _suite(plans.title(document), f"gitops.plan.{document.namespace}.{document.name}", cases)


def drift(report: DriftReport) -> str:
    """One test for each object that drifted or could not be read; the others are one test together."""
    cases = list(_drifted(report))
    cases += [(drifts.name(one.object), "error", one.why, "") for one in report.unreadable]
    same = report.compared - len(cases) + len(report.unreadable)
    cases += [(f"ignore rule of {one.owner}", "skipped", drifts.expired(one), "") for one in report.expired]
    if same > 0:
        hidden = "\n".join(f"{drifts.name(one.object)} {drifts.ignored(one)}" for one in report.ignored)
        cases.append((f"{same} in sync", "", "", f"ignored: {hidden}" if hidden else ""))
    title = f"Drift of {report.namespace}/{report.name} · {report.revision}"
    return _suite(title, f"gitops.drift.{report.namespace}.{report.name}", cases)


def _change(change: PlannedChange) -> Case:
    name = f"{change.action} {plans.name(change)}"
    words = [f"{one.impact}: {one.words}" for one in change.effects if one.impact != impact.Impact.NONE]
    text = "\n".join([*([change.location] if change.location else []), *dict.fromkeys(words)])
    if change.action == Action.REFUSE:
        return name, "failure", change.why, text
    if plans.unverified(change):
        return name, "skipped", f"not verified: {change.why}", ""
    return name, "", "", text


def _drifted(report: DriftReport) -> Iterator[Case]:
    for name, group in groupby(report.drift, key=lambda one: drifts.name(one.object)):
        found = list(group)
        rows = [f"{one.severity} {drifts.what(one)}; {drifts.attribution(one)}  {one.location}" for one in found]
        yield name, "failure", f"{len(found)} drifted", "\n".join(rows)


def _suite(name: str, group: str, cases: list[Case]) -> str:
    """`group` is the same in every run, so that a server knows a test again."""
    kinds = [kind for _, kind, _, _ in cases]
    counts = " ".join(
        f'{attribute}="{kinds.count(kind)}"'
        for attribute, kind in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped"))
    )
    head = f'name={_attribute(name)} tests="{len(cases)}" {counts}'
    rows = ['<?xml version="1.0" encoding="UTF-8"?>', f"<testsuites {head}>", f"  <testsuite {head}>"]
    rows += [row for case in cases for row in _case(group, case)]
    return "\n".join([*rows, "  </testsuite>", "</testsuites>"])


def _case(group: str, case: Case) -> Iterator[str]:
    name, kind, message, text = case
    opening = f"    <testcase classname={_attribute(group)} name={_attribute(name)}"
    if kind:
        yield f"{opening}>"
        yield f"      <{kind} message={_attribute(message)}>{_content(text)}</{kind}>"
        yield "    </testcase>"
    elif text:
        yield f"{opening}>"
        yield f"      <system-out>{_content(text)}</system-out>"
        yield "    </testcase>"
    else:
        yield f"{opening}/>"


def _attribute(text: str) -> str:
    return quoteattr(_content_plain(text))


def _content(text: str) -> str:
    return escape(_content_plain(text))


def _content_plain(text: str) -> str:
    # XML 1.0 knows no control characters, and these two are no characters at all.
    return redact.plain(text).replace("\ufffe", "\ufffd").replace("\uffff", "\ufffd")
