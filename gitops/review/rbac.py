"""Effective rights: what roles and bindings together let each account do, before and after a change.

Semantics of https://kubernetes.io/docs/reference/access-authn-authz/rbac/: rights only add up, a RoleBinding's hold in
its namespace, a ClusterRoleBinding's everywhere.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from gitops.objects import Manifest
from gitops.ref import ResourceRef

GROUP = "rbac.authorization.k8s.io"
ROLES = frozenset({"Role", "ClusterRole"})
BINDINGS = frozenset({"RoleBinding", "ClusterRoleBinding"})
URL = "(url)"
"""Stands for the group of a path that is no resource."""


@dataclass(frozen=True, slots=True, order=True)
class Account:
    """Who is bound: a ServiceAccount (with its namespace), a User or a Group."""

    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}" if self.namespace else f"{self.kind} {self.name}"


@dataclass(frozen=True, slots=True, order=True)
class Permission:
    """One verb on one resource; an empty `scope` is the whole cluster, an empty `name` every object, `*` anything."""

    scope: str
    group: str
    resource: str
    name: str
    verb: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Effective:
    """All rights of each account, through which roles and bindings it has them, and roles nobody has read."""

    rights: Mapping[Account, frozenset[Permission]]
    through: Mapping[Account, frozenset[ResourceRef]]
    unknown: frozenset[ResourceRef]


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """One account's rights before and after: what it gains, loses and keeps."""

    account: Account
    gained: frozenset[Permission] = field(default_factory=frozenset)
    lost: frozenset[Permission] = field(default_factory=frozenset)
    kept: frozenset[Permission] = field(default_factory=frozenset)
    through: frozenset[ResourceRef] = field(default_factory=frozenset)


def concerns(ref: ResourceRef) -> bool:
    """The object is a role or a binding."""
    return ref.group == GROUP and ref.kind in ROLES | BINDINGS


def effective(objects: Mapping[ResourceRef, Manifest]) -> Effective:
    """The rights that the roles and bindings among `objects` give."""
    rights: dict[Account, set[Permission]] = defaultdict(set)
    through: dict[Account, set[ResourceRef]] = defaultdict(set)
    unknown: set[ResourceRef] = set()
    for ref, manifest in objects.items():
        if ref.group != GROUP or ref.kind not in BINDINGS:
            continue
        role = role_of(ref, manifest)
        found = objects.get(role)
        if found is None:
            unknown.add(role)
        granted = frozenset(_permissions(ref.namespace, (found or {}).get("rules") or ()))
        for account in _subjects(manifest):
            rights[account] |= granted
            through[account] |= {ref, role}
    return Effective(
        rights={account: frozenset(found) for account, found in rights.items()},
        through={account: frozenset(found) for account, found in through.items()},
        unknown=frozenset(unknown),
    )


def role_of(binding: ResourceRef, manifest: Manifest) -> ResourceRef:
    """The role a binding refers to."""
    target = manifest.get("roleRef") or {}
    kind = str(target.get("kind") or "")
    namespace = binding.namespace if kind == "Role" else ""
    return ResourceRef(group=GROUP, kind=kind, namespace=namespace, name=str(target.get("name") or ""))


def _subjects(binding: Manifest) -> Iterator[Account]:
    for subject in binding.get("subjects") or ():
        kind = str(subject.get("kind") or "")
        namespace = str(subject.get("namespace") or "") if kind == "ServiceAccount" else ""
        yield Account(kind, namespace, str(subject.get("name") or ""))


def _permissions(scope: str, rules: Iterable[Mapping[str, Any]]) -> Iterator[Permission]:
    for rule in rules:
        for verb in rule.get("verbs") or ():
            for group in rule.get("apiGroups") or ():
                for resource in rule.get("resources") or ():
                    for name in rule.get("resourceNames") or ("",):
                        yield Permission(scope, group, resource, name, verb)
            if not scope:
                for url in rule.get("nonResourceURLs") or ():
                    yield Permission("", URL, url, "", verb)


def compare(before: Mapping[ResourceRef, Manifest], after: Mapping[ResourceRef, Manifest]) -> tuple[Moved, ...]:
    """Every account that has rights before or after, in order. What a wildcard covered already is no gain."""
    old, new = effective(before), effective(after)
    found = []
    for account in sorted(old.rights.keys() | new.rights.keys()):
        had, has = old.rights.get(account, frozenset()), new.rights.get(account, frozenset())
        found.append(
            Moved(
                account=account,
                gained=frozenset(one for one in has - had if not covers(had, one)),
                lost=frozenset(one for one in had - has if not covers(has, one)),
                kept=frozenset(one for one in has if covers(had, one)),
                through=old.through.get(account, frozenset()) | new.through.get(account, frozenset()),
            )
        )
    return tuple(found)


def covers(held: Collection[Permission], wanted: Permission) -> bool:
    """Whether one of the rights held includes the wanted one."""
    return wanted in held or any(_includes(one, wanted) for one in held)


def _includes(held: Permission, wanted: Permission) -> bool:
    return (
        held.scope in {"", wanted.scope}
        and held.name in {"", wanted.name}
        and held.verb in {"*", wanted.verb}
        and _group_includes(held.group, wanted.group)
        and _resource_includes(held, wanted.resource)
    )


def _group_includes(held: str, wanted: str) -> bool:
    if URL in {held, wanted}:
        return held == wanted
    return held in {"*", wanted}


def _resource_includes(held: Permission, wanted: str) -> bool:
    if held.resource in {"*", wanted}:
        return True
    if held.group == URL:
        return held.resource.endswith("*") and wanted.startswith(held.resource[:-1])
    return held.resource.startswith("*/") and wanted.endswith(held.resource[1:])
