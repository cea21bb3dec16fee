"""Rules about rights: wildcards, ways to get more than is written, cluster-admin.

What escalates, and why, is `gitops.review.escalation`: a plan and lint speak of the same rights.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from gitops.lint import codes
from gitops.lint.subject import Subject, Told, items, mapping
from gitops.review import escalation
from gitops.review.rbac import GROUP, Permission

_FIELDS = ("apiGroups", "resources", "verbs", "nonResourceURLs")
_VERBS = frozenset({"bind", "escalate", "impersonate"})
_USUAL_AT_HOME = ("secrets", "pods/")
"""What is dangerous in all namespaces, and often just what a Role in one is for."""


def look(subject: Subject) -> Iterator[Told]:
    """Everything there is to say of the rules and bindings of an object."""
    for pointer, rule, everywhere in _rules(subject):
        wild = [name for name in _FIELDS if _wild(rule, name)]
        if wild:
            message = f"this rule grants everything with * in {', '.join(wild)}"
            yield Told(codes.WILDCARD, f"{pointer}/{wild[0]}", message, "list what is needed")
        else:
            yield from _escalations(pointer, rule, everywhere=everywhere)
    role = mapping(subject.manifest, "roleRef")
    if subject.ref.group == GROUP and role.get("kind") == "ClusterRole" and role.get("name") == "cluster-admin":
        who = ", ".join(str(one.get("name")) for one in items(subject.manifest, "subjects")) or "nobody yet"
        message = f"{subject.ref.kind} {subject.ref.name} makes a cluster-admin of {who}"
        yield Told(codes.CLUSTER_ADMIN, "/roleRef/name", message, "write a role with the rights that are needed")


def _rules(subject: Subject) -> Iterator[tuple[str, Mapping[str, Any], bool]]:
    """Pointer, rule, and whether it holds in all namespaces."""
    spec = mapping(subject.manifest, "spec")
    if subject.ref.group == GROUP and subject.ref.kind in {"Role", "ClusterRole"}:
        everywhere = subject.ref.kind == "ClusterRole"
        yield from _listed(subject.manifest, "rules", "", everywhere=everywhere)
    elif subject.ours == "WorkerPool":
        yield from _listed(mapping(spec, "rbac"), "rules", "/spec/rbac", everywhere=False)
        yield from _listed(mapping(spec, "rbac"), "clusterRules", "/spec/rbac", everywhere=True)
    elif subject.ours == "Worker":
        yield from _listed(spec, "commitRules", "/spec", everywhere=True)


def _listed(
    value: Mapping[str, Any], name: str, above: str, *, everywhere: bool
) -> Iterator[tuple[str, Mapping[str, Any], bool]]:
    return ((f"{above}/{name}/{index}", rule, everywhere) for index, rule in enumerate(items(value, name)))


def _texts(rule: Mapping[str, Any], name: str) -> list[str]:
    found = rule.get(name)
    return [str(one) for one in found] if isinstance(found, list) else []


def _wild(rule: Mapping[str, Any], name: str) -> bool:
    return any("*" in text for text in _texts(rule, name))


def _escalations(pointer: str, rule: Mapping[str, Any], *, everywhere: bool) -> Iterator[Told]:
    verbs, resources = _texts(rule, "verbs"), _texts(rule, "resources")
    for index, verb in enumerate(verbs):
        if verb in _VERBS:
            message = f"with the verb {verb}, its holder {_why(rule, '', verb)}"
            yield Told(codes.ESCALATION, f"{pointer}/verbs/{index}", message, "with resourceNames it is bounded")
    for index, resource in enumerate(resources):
        if not everywhere and resource.startswith(_USUAL_AT_HOME):
            continue
        why = {verb: _why(rule, resource, verb) for verb in verbs if verb not in _VERBS}
        risky = [verb for verb, words in why.items() if words]
        if risky:
            said = "; ".join(dict.fromkeys(why[verb] for verb in risky))
            message = f"{', '.join(risky)} of {resource}: {said}"
            yield Told(codes.ESCALATION, f"{pointer}/resources/{index}", message, "name objects, or grant it in a Role")


def _why(rule: Mapping[str, Any], resource: str, verb: str) -> str:
    """What is dangerous about one right of a rule in all its groups; of named objects nothing is, if not the verb."""
    if resource and rule.get("resourceNames"):
        return ""
    groups = _texts(rule, "apiGroups") or [""]
    found = (
        escalation.why(Permission(scope="", group=group, resource=resource, name="", verb=verb)) for group in groups
    )
    return next((words for words in found if words), "")
