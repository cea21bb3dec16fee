"""Rules about rights: wildcards, ways to get more than is written, cluster-admin.

What escalates: https://kubernetes.io/docs/concepts/security/rbac-good-practices/#privilege-escalation-risks
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from gitops.lint import codes
from gitops.lint.subject import Subject, Told, items, mapping

_RBAC = "rbac.authorization.k8s.io"
_FIELDS = ("apiGroups", "resources", "verbs", "nonResourceURLs")
_VERBS = {
    "escalate": "writes roles with more rights than its holder has",
    "bind": "hands out roles with more rights than its holder has",
    "impersonate": "acts as somebody else",
}
_ALWAYS = {
    ("serviceaccounts/token", "create"): "makes tokens of any account",
    ("certificatesigningrequests/approval", "update"): "approves certificates, which are identities",
    ("nodes/proxy", "get"): "reaches the kubelet, past admission and audit",
    ("nodes/proxy", "create"): "reaches the kubelet, past admission and audit",
}
_IN_ALL_NAMESPACES = {
    ("pods/exec", "create"): "enters every pod",
    ("pods/exec", "get"): "enters every pod",
    ("secrets", "get"): "reads every Secret",
    ("secrets", "list"): "reads every Secret",
    ("secrets", "watch"): "reads every Secret",
}


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
    if subject.ref.group == _RBAC and role.get("kind") == "ClusterRole" and role.get("name") == "cluster-admin":
        who = ", ".join(str(one.get("name")) for one in items(subject.manifest, "subjects")) or "nobody yet"
        message = f"{subject.ref.kind} {subject.ref.name} makes a cluster-admin of {who}"
        yield Told(codes.CLUSTER_ADMIN, "/roleRef/name", message, "write a role with the rights that are needed")


def _rules(subject: Subject) -> Iterator[tuple[str, Mapping[str, Any], bool]]:
    """Pointer, rule, and whether it holds in all namespaces."""
    spec = mapping(subject.manifest, "spec")
    if subject.ref.group == _RBAC and subject.ref.kind in {"Role", "ClusterRole"}:
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
    named = bool(rule.get("resourceNames"))
    for index, verb in enumerate(verbs):
        if verb in _VERBS:
            message = f"the verb {verb} {_VERBS[verb]}"
            hint = "" if named else "with resourceNames it is bounded"
            yield Told(codes.ESCALATION, f"{pointer}/verbs/{index}", message, hint)
    risky = _ALWAYS | (_IN_ALL_NAMESPACES if everywhere and not named else {})
    for index, resource in enumerate(resources):
        why = {risky[resource, verb] for verb in verbs if (resource, verb) in risky}
        if why:
            allowed = ", ".join(verb for verb in verbs if (resource, verb) in risky)
            message = f"{allowed} of {resource} {', '.join(sorted(why))}"
            yield Told(codes.ESCALATION, f"{pointer}/resources/{index}", message, "grant it by name, or in a Role")
