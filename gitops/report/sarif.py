"""Plan and drift as SARIF 2.1.0 (OASIS), which code scanning shows at the line of the file.

Refusals, escalations and destructive changes are results of a plan; every drifted path is one of a drift report.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from gitops.api.plan import AccountRights, DriftReport, PlanDocument, PlannedChange
from gitops.plan.change import Action
from gitops.plan.drift import Severity
from gitops.report import drifts, plans, redact, rights
from gitops.review.impact import Impact

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_PLACE = re.compile(r"^(?P<file>.+?)(?::(?P<line>\d+):(?P<column>\d+))?$")
_LEVELS: dict[str, str] = {
    Impact.DESTRUCTIVE: "warning",
    Impact.RESTART: "note",
    Impact.NEXT_OPERATION: "note",
    Severity.SECURITY: "error",
    Severity.CAPACITY: "warning",
    Severity.COSMETIC: "note",
}
_RULES = {
    "plan/refused": "A guard refuses this change; nothing of the plan is written.",
    "plan/destructive": "Something is deleted, or deleted and made again.",
    "plan/restart": "Running processes restart.",
    "plan/next-operation": "What starts from now on is different.",
    "plan/unverified": "The API server could not be asked what it would do.",
    "rights/escalation": "An account gains a right with which it can get more.",
    "drift/security": "Live differs from Git in what runs, or in who may do what.",
    "drift/capacity": "Live differs from Git in a quantity or a count.",
    "drift/cosmetic": "Live differs from Git in what only describes.",
    "drift/unverified": "The object could not be read.",
    "drift/ignored": "Live differs from Git, and an ignore rule leaves that to somebody else for a time.",
    "drift/expired": "An ignore rule has expired and hides nothing any more.",
}


def plan(document: PlanDocument, version: str) -> str:
    """A plan's findings; changes that touch nothing that runs are none. `version` is the program's."""
    found = [result for change in document.changes for result in _of_change(change)]
    found += [result for account in document.rights for result in _of_account(account)]
    return _log(found, version)


def drift(report: DriftReport, version: str) -> str:
    """One result for each drifted path and each object that could not be read."""
    found = []
    for one in report.drift:
        name = drifts.name(one.object)
        text = f"{name} {drifts.what(one)}; {drifts.attribution(one)}"
        found.append(_result(f"drift/{one.severity}", _LEVELS[one.severity], text, one.location, f"{name} {one.path}"))
    for other in report.unreadable:
        name = drifts.name(other.object)
        found.append(_result("drift/unverified", "warning", f"{name}: {other.why}", "", name))
    for hidden in report.ignored:
        name, why = drifts.name(hidden.object), redact.plain(plans.ignoring(hidden))
        result = _result("drift/ignored", "note", f"{name} {drifts.ignored(hidden)}", "", f"{name} {hidden.path}")
        found.append({**result, "suppressions": [{"kind": "external", "justification": why}]})
    for rule in report.expired:
        text = drifts.expired(rule)
        found.append(_result("drift/expired", "warning", text, "", f"{rule.owner} {rule.reason} {rule.expires}"))
    return _log(found, version)


def _of_change(change: PlannedChange) -> Iterator[dict[str, Any]]:
    name = plans.name(change)
    if change.action == Action.REFUSE:
        yield _result("plan/refused", "error", f"{name}: {change.why}", change.location, name)
        return
    if plans.unverified(change):
        yield _result("plan/unverified", "note", f"{name}: {change.why}", change.location, name)
    told: set[str] = set()
    for effect in change.effects:
        if effect.impact != Impact.NONE and effect.words not in told:
            told.add(effect.words)
            place = effect.location or change.location
            text = f"{name}: {effect.words}"
            yield _result(f"plan/{effect.impact}", _LEVELS[effect.impact], text, place, f"{name} {effect.path}")


def _of_account(account: AccountRights) -> Iterator[dict[str, Any]]:
    for one in account.gained:
        if one.escalation:
            text = f"{account.account} gains {rights.text(one)}: {one.escalation}"
            yield _result("rights/escalation", "warning", text, "", text)


def _result(rule: str, level: str, text: str, place: str, identity: str) -> dict[str, Any]:
    result: dict[str, Any] = {
        "ruleId": rule,
        "ruleIndex": list(_RULES).index(rule),
        "level": level,
        "message": {"text": redact.plain(text)},
        "partialFingerprints": {"gitops/v1": redact.plain(f"{rule} {identity}")},
    }
    match = _PLACE.match(place)
    if match is None:
        return result
    where: dict[str, Any] = {"artifactLocation": {"uri": redact.plain(match["file"]), "uriBaseId": "%SRCROOT%"}}
    if match["line"]:
        where["region"] = {"startLine": int(match["line"]), "startColumn": int(match["column"])}
    return {**result, "locations": [{"physicalLocation": where}]}


def _log(results: list[dict[str, Any]], version: str) -> str:
    rules = [{"id": name, "shortDescription": {"text": text}} for name, text in _RULES.items()]
    driver = {"name": "gitops", "semanticVersion": version, "rules": rules}
    run = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}
    return json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2, ensure_ascii=False)
