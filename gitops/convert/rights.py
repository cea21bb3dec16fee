"""RBAC rules of the chart as a pool's `rbac`, without giving anybody more than he had."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from gitops import yaml
from gitops.convert import chart
from gitops.convert.document import Section
from gitops.convert.notices import Notice
from gitops.convert.values import Values

_RULES: Final = "scriptPods.workerRoleRules"
_EVERYTHING: Final = (
    "there: everything in the namespace of the release, the agent's Secrets and its cluster-wide upgrade account "
    "included; here: the pods' own namespace and nothing outside"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rights:
    """The pool's `rbac`, the `commitRules` its Worker needs to be able to grant that, and what to tell."""

    pool: Section
    commit_rules: list[Any]
    notices: tuple[Notice, ...]


def rights(values: Values) -> Rights:
    """What the pods of the pool may do.

    Raises:
        ConfigError: the rules are no list.
    """
    rules = values.items(_RULES)
    notices = [_emptied(values, path) for path in chart.RULES if path != _RULES and _empty(values, path)]
    if not rules:
        return Rights(pool=_admin(), commit_rules=[], notices=(_no_rules(values), *notices))
    if any(_is_everything(rule) for rule in rules):
        text = f"a rule allows everything. {_EVERYTHING}"
        notice = Notice(path=_RULES, location=values.location(_RULES), text=text)
        return Rights(pool=_admin(), commit_rules=[], notices=(notice, *notices))
    if any("*" in _words(rule) for rule in rules):
        text = "rules with `*` were carried over as they are: name what is needed instead"
        notices.append(Notice(path=_RULES, location=values.location(_RULES), text=text))
    words = ("From scriptPods.workerRoleRules: exactly these rights, in the pods' own namespace.",)
    section = Section(key="rbac", value={"profile": "custom", "rules": rules}, words=words)
    return Rights(pool=section, commit_rules=rules, notices=tuple(notices))


def _admin() -> Section:
    words = (
        "The chart gave its pods everything in the namespace of the agent. Here they are free in a namespace of",
        "their own, and have no rights outside. For no rights at all write `profile: none`.",
    )
    return Section(key="rbac", value={"profile": "namespace-admin"}, words=words)


def _no_rules(values: Values) -> Notice:
    said = "is an empty list" if _empty(values, _RULES) else "is not set"
    text = (
        f"{said}, which the chart reads as everything and we would read as nothing. Written: profile namespace-admin "
        f"({_EVERYTHING}). If no rights were meant, write profile: none"
    )
    return Notice(path=_RULES, location=values.location(_RULES), text=text)


def _emptied(values: Values, path: str) -> Notice:
    text = (
        "is an empty list, which the chart reads as its default rules (mostly everything); here an empty list means "
        "nothing, and nothing of it is granted"
    )
    return Notice(path=path, location=values.location(path), text=text)


def _empty(values: Values, path: str) -> bool:
    return values.given(path) and not yaml.plain(values.raw(path))


def _words(rule: Any) -> set[str]:
    plain = yaml.plain(rule)
    if not isinstance(plain, dict):
        return set()
    return {str(word) for key in ("apiGroups", "resources", "verbs") for word in plain.get(key) or ()}


def _is_everything(rule: Any) -> bool:
    plain = yaml.plain(rule)
    return isinstance(plain, dict) and all("*" in (plain.get(key) or ()) for key in ("apiGroups", "resources", "verbs"))
