"""Plan and drift as a comment on a pull request: collapsible, within the 65,536 characters a comment may have.

The first line is a marker that is the same for every comment about the same thing: whoever posts it finds the last
one by it and updates that in place.
"""

from __future__ import annotations

import html
import json
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from gitops.api.plan import AccountRights, DriftReport, LeftField, PlanDocument, PlannedChange, RightsReport
from gitops.plan.change import Action
from gitops.report import drifts, plans, redact, rights, values
from gitops.review import impact

LIMIT = 65_536
"""https://docs.github.com/en/rest/issues/comments: the longest comment body."""
_RESERVE = 400
_LONGEST_VALUE = 2_000
_SECTION = LIMIT // 4
_LEFT = 5


def plan(document: PlanDocument, *, limit: int = LIMIT) -> str:
    """The plan; what does not fit is left out from the end and counted, what is refused comes first."""
    head = [
        _marker("plan", document.namespace, document.name, document.source.path),
        f"### {_text(plans.title(document))}",
        "",
        _verdict(document),
        "",
        *_rights(document.rights),
        *_left(document.left),
    ]
    changes = sorted(document.changes, key=lambda one: (one.action != Action.REFUSE, _rank(one)))
    foot = "" if document.base else f"Plan `{document.digest[:12]}`"
    return _fitted(head, [_change(one) for one in changes], foot, limit=limit, thing="change")


def drift(report: DriftReport, *, limit: int = LIMIT) -> str:
    """The drift report, object by object."""
    against = report.revision or report.name
    head = [
        _marker("drift", report.namespace, report.name, ""),
        f"### {_text(f'Drift of {report.namespace}/{report.name}')}",
        "",
        f"{_text(drifts.summary(report, against))}.",
        "",
    ]
    return _fitted(head, list(_drifted(report)), "", limit=limit, thing="object")


def reviewed(report: RightsReport, *, limit: int = LIMIT) -> str:
    """Rights before and after."""
    head = [
        _marker("rights", report.namespace, report.name, report.source.path),
        f"### {_text(f'Rights of {report.namespace}/{report.name}')}",
        "",
    ]
    return _fitted(head, [_account(one) for one in report.accounts], "", limit=limit, thing="account")


def _marker(what: str, namespace: str, name: str, path: str) -> str:
    about = " ".join(part for part in (what, f"{namespace}/{name}", path) if part)
    return f"<!-- gitops {redact.plain(about).replace('--', '- -')} -->"


def _fitted(head: list[str], blocks: list[str], foot: str, *, limit: int, thing: str) -> str:
    out = "\n".join(head)
    room = limit - len(out) - len(foot) - _RESERVE
    shown = 0
    for block in blocks:
        if len(block) + 1 > room:
            break
        out += f"\n{block}"
        room -= len(block) + 1
        shown += 1
    left = len(blocks) - shown
    if left:
        out += f"\n\n**{values.count(left, thing)} left out: the comment would be longer than {limit} characters.**"
    return f"{out}\n\n{foot}\n" if foot else f"{out}\n"


def _verdict(document: PlanDocument) -> str:
    parts = [_text(plans.summary(document))]
    if document.impact != impact.Impact.NONE:
        parts.append(f"Impact: **{document.impact}**.")
    dangerous = sum(1 for one in document.rights for right in one.gained if right.escalation)
    if dangerous:
        parts.append(f"**{values.count(dangerous, 'dangerous right')} granted.**")
    return " ".join(parts)


def _left(found: Sequence[LeftField]) -> Iterator[str]:
    for one in found[:_LEFT]:
        where = f"{plans.left_object(one)} {one.path}"
        yield f"- left to {_code(one.manager)}: {_code(where)}: {_text(plans.ignoring(one))}"
    if found[_LEFT:]:
        yield f"- and {len(found) - _LEFT} more fields left to others"
    if found:
        yield ""


def _rank(change: PlannedChange) -> int:
    return -impact.Impact(change.impact).rank


def _change(change: PlannedChange) -> str:
    sign = plans.SIGNS[change.action]
    tag = f" · <b>{change.impact}</b>" if change.impact != impact.Impact.NONE else ""
    summary = f"<summary>{sign} <code>{_html(plans.name(change))}</code> {change.action}{tag}</summary>"
    body = [*_words(change), *_patch(change)]
    return "\n".join(["<details>", summary, "", *body, "</details>"])


def _words(change: PlannedChange) -> Iterator[str]:
    if change.location:
        yield f"- {_code(change.location)}"
    told: set[str] = set()
    for effect in change.effects:
        if effect.impact != impact.Impact.NONE and effect.words not in told:
            told.add(effect.words)
            yield f"- **{effect.impact}**: {_text(effect.words)}"
    for taken in change.taken:
        yield f"- takes back {_code(taken.path or 'fields')} from {_code(taken.manager)}"
    if change.why and not any(change.why in effect.words for effect in change.effects):
        yield f"- {'not verified: ' if plans.unverified(change) else ''}{_text(change.why)}"
    yield ""


def _patch(change: PlannedChange) -> Iterator[str]:
    rows = list(_rows(change))
    if rows:
        text = "\n".join(rows)
        if len(text) > _SECTION:
            text = f"{text[:_SECTION]}\n… {len(text) - _SECTION} characters left out"
        fence = _fence(text)
        yield f"{fence}diff"
        yield text
        yield fence
        yield ""


def _rows(change: PlannedChange) -> Iterator[str]:
    for op, test in impact.pairs(change.patch, change.tests):
        if not op["path"]:
            yield f"+ {values.count(values.leaves(op['value']), 'field')}"
            continue
        path = redact.plain(op["path"])
        if test is not None:
            yield f"- {path}: {_value(test['value'])}"
        if "value" in op:
            yield f"+ {path}: {_value(op['value'])}"


def _value(value: object) -> str:
    return values.fold(redact.plain(json.dumps(value, ensure_ascii=False, sort_keys=True)), _LONGEST_VALUE)


def _rights(accounts: Iterable[AccountRights]) -> Iterator[str]:
    found = list(accounts)
    if found:
        yield from (_account(one) for one in found)
        yield ""


def _account(account: AccountRights) -> str:
    dangerous = sum(1 for one in account.gained if one.escalation)
    tag = f" · <b>{values.count(dangerous, 'escalation')}</b>" if dangerous else ""
    rows = [
        f"{sign} {rights.text(one)}{f'   # {one.escalation}' if one.escalation else ''}"
        for sign, some in (("+", account.gained), ("-", account.lost))
        for one in some
    ]
    rows += [f"  {len(account.kept)} unchanged"] if account.kept else []
    text = redact.plain("\n".join(rows))
    fence = _fence(text)
    note = [f"May not be granted by this account: {_text(account.refusal)}", ""] if account.grantable == "no" else []
    if account.grantable == "unknown":
        note = ["Whether this account may grant it is not verified.", ""]
    summary = f"<summary>rights of <code>{_html(account.account)}</code>{tag}</summary>"
    return "\n".join(["<details>", summary, "", *note, f"{fence}diff", text, fence, "", "</details>"])


def _drifted(report: DriftReport) -> Iterator[str]:
    for name, group in groupby(report.drift, key=lambda one: drifts.name(one.object)):
        found = list(group)
        worst = max(found, key=lambda one: list(drifts.COLORS).index(one.severity)).severity
        paths = values.count(len(found), "path")
        rows = ["<details>", f"<summary><code>{_html(name)}</code> {paths} · <b>{worst}</b></summary>", ""]
        for one in found:
            place = f" ({_code(one.location)})" if one.location else ""
            rows.append(
                f"- **{one.severity}** {_code(drifts.what(one, 400))}{place}<br>{_text(drifts.attribution(one))}"
            )
        yield "\n".join([*rows, "", "</details>"])
    for other in report.unreadable:
        yield f"- **unverified** {_code(drifts.name(other.object))}: {_text(other.why)}"
    for hidden in report.ignored:
        yield f"- **ignored** {_code(f'{drifts.name(hidden.object)} {hidden.path}')}: {_text(plans.ignoring(hidden))}"
    for rule in report.expired:
        yield f"- **expired** {_text(drifts.expired(rule))}"


def _text(text: str) -> str:
    """Text that can neither format, link, mention nor embed: HTML is escaped, and what Markdown reads as its own."""
    out = html.escape(redact.plain(text).replace("\n", " "), quote=False)
    for mark in "\\`*_[]|~#":
        out = out.replace(mark, f"\\{mark}")
    return out.replace("@", "@<!-- -->")


def _html(text: str) -> str:
    return html.escape(redact.plain(text).replace("\n", " "))


def _code(text: str) -> str:
    text = redact.plain(text).replace("\n", " ")
    ticks = "`" * (_longest_run(text) + 1)
    gap = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{ticks}{gap}{text}{gap}{ticks}"


def _fence(text: str) -> str:
    return "`" * max(3, _longest_run(text) + 1)


def _longest_run(text: str) -> int:
    longest = run = 0
    for character in text:
        run = run + 1 if character == "`" else 0
        longest = max(longest, run)
    return longest
