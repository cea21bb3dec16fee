"""The rules of a WorkerPool."""

from __future__ import annotations

import re

from gitops.api.rules import policy, template
from gitops.api.rules.rule import Rule, short_name
from gitops.objects import address

# The host has a dot or a port, or is localhost: so Docker tells it from the first part of a path.
_REPOSITORY = r"^(localhost|[a-z0-9-]+(\.[a-z0-9-]+)+|[a-z0-9.-]+:[0-9]+)(:[0-9]+)?(/[a-z0-9._-]+)*$"

# Parts that servers resolve, and IPv4 addresses that only some programs read as such; `address.parse` says it exactly.
_RESOLVED = r"(?i)/[.]{1,2}(/|;|$)|%2e|%2f|%5c"
_UNUSUAL = r"^https?://([^/:]*[.])?([0-9]+|0x[0-9a-f]*)(:[0-9]+)?/"
_USUAL = r"^https?://((25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])([.]|:|/)){4}"


def _is_address(text: str) -> bool:
    try:
        return address.parse(text).query is None
    except ValueError:
        return False


RULES: tuple[Rule, ...] = (
    Rule(
        kind="WorkerPool",
        path="",
        field="/metadata/name",
        cel="size(self.metadata.name) <= 50 && self.metadata.name.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?$')",
        holds=short_name(50),
        message="the name of a pool is a DNS label of at most 50 characters: it becomes a label and part of names",
        accepts=({"metadata": {"name": "linux"}}, {"metadata": {"name": "a" * 50}}),
        rejects=({"metadata": {"name": "a" * 51}}, {"metadata": {"name": "linux.x64"}}),
    ),
    Rule(
        kind="WorkerPool",
        path="/spec/namespace",
        cel="self != 'default' && !self.startsWith('kube-')",
        holds=lambda value: value != "default" and not value.startswith("kube-"),
        message="an operations namespace belongs to its pool alone: not default, not kube-*",
        accepts=("builds",),
        rejects=("default", "kube-system"),
    ),
    Rule(
        kind="WorkerPool",
        path="/spec/mirrors",
        cel=f"self.all(k, k.matches(r'{_REPOSITORY}') && self[k].matches(r'{_REPOSITORY}'))",
        holds=lambda value: all(
            re.search(_REPOSITORY, key) and re.search(_REPOSITORY, text) for key, text in value.items()
        ),
        message="a mirror stands for a registry, with or without a path: docker.io, quay.io/team; no scheme, tag or /",
        hint="short names belong to docker.io: alpine is docker.io/library/alpine",
        accepts=({"docker.io": "mirror.example:5000/hub", "quay.io/team": "localhost/team"}, {}),
        rejects=(
            {"alpine": "mirror.example/alpine"},
            {"docker.io/": "mirror.example"},
            {"docker.io": "https://mirror.example"},
            {"docker.io/library/alpine": "mirror.example/alpine:3"},
        ),
    ),
    Rule(
        kind="WorkerPool",
        path="/spec/rbac",
        field="/profile",
        cel="(has(self.profile) && self.profile == 'custom') || ("
        + " && ".join(
            f"(!has(self.{name}) || size(self.{name}) == 0)" for name in ("rules", "clusterRules", "targetNamespaces")
        )
        + ")",
        holds=lambda value: (
            value.get("profile") == "custom"
            or not any(value.get(name) for name in ("rules", "clusterRules", "targetNamespaces"))
        ),
        message="rules, clusterRules and targetNamespaces need profile: custom",
        accepts=(
            {"profile": "none"},
            {"profile": "custom", "rules": [{"verbs": ["get"], "apiGroups": [""], "resources": ["pods"]}]},
        ),
        rejects=(
            {"rules": [{"verbs": ["get"], "apiGroups": [""], "resources": ["pods"]}]},
            {"profile": "none", "targetNamespaces": ["apps"]},
        ),
    ),
    Rule(
        kind="WorkerPool",
        path="/spec/rbac",
        field="/rules",
        cel="!has(self.rules) || self.rules.all(r, !has(r.nonResourceURLs) || size(r.nonResourceURLs) == 0)",
        holds=lambda value: not any(rule.get("nonResourceURLs") for rule in value.get("rules") or ()),
        message="nonResourceURLs belong to no namespace: they go into clusterRules",
        accepts=({"profile": "custom", "clusterRules": [{"verbs": ["get"], "nonResourceURLs": ["/healthz"]}]},),
        rejects=({"profile": "custom", "rules": [{"verbs": ["get"], "nonResourceURLs": ["/healthz"]}]},),
    ),
    Rule(kind="WorkerPool", path="/spec/rbac/rules/*", **{**policy.RULE, "accepts": policy.RULE["accepts"][:1]}),
    Rule(kind="WorkerPool", path="/spec/rbac/clusterRules/*", **policy.RULE),
    Rule(
        kind="WorkerPool",
        path="/spec/serviceAccount",
        field="/name",
        cel="!has(self.create) || self.create || (has(self.name) && size(self.name) > 0)",
        holds=lambda value: value.get("create", True) or bool(value.get("name")),
        message="create: false needs the name of the account that exists",
        accepts=({"create": False, "name": "builder"}, {"name": "builder"}, {}),
        rejects=({"create": False}, {"create": False, "name": ""}),
    ),
    Rule(
        kind="WorkerPool",
        path="/spec/allow/urls/*",
        cel=f"!self.matches(r'{_RESOLVED}') && (!self.matches(r'{_UNUSUAL}') || self.matches(r'{_USUAL}'))",
        holds=_is_address,
        message="a URL that is allowed is plain: no . or .. in any spelling, no address in an unusual form",
        accepts=("https://files.example/releases/", "http://10.0.0.1:8080/a..b/.c/", "https://1.example/*/x-*"),
        rejects=(
            "https://files.example/a/../b",
            "https://files.example/%2E%2e/b",
            "https://files.example/..;x/",
            "https://127.1/",
            "https://0x7f000001/a",
            "http://2130706433:80/",
            "https://256.0.0.1/",
        ),
    ),
    Rule(
        kind="WorkerPool",
        path="/spec/egress",
        field="/allow",
        cel="!has(self.allow) || size(self.allow) == 0 || (has(self.mode) && self.mode == 'restricted')",
        holds=lambda value: not value.get("allow") or value.get("mode") == "restricted",
        message="allow needs mode: restricted; open egress has no limits to make exceptions from",
        accepts=({"mode": "restricted", "allow": [{"namespace": "registry"}]}, {"mode": "open"}, {}),
        rejects=({"allow": [{"namespace": "registry"}]}, {"mode": "open", "allow": [{"cidr": "10.0.0.0/8"}]}),
    ),
    Rule(
        kind="WorkerPool",
        path="/spec/egress/allow/*",
        cel="[has(self.cidr) && self.cidr != '', has(self.namespace) && self.namespace != ''].filter(x, x).size() == 1"
        " && (!has(self.except) || size(self.except) == 0 || (has(self.cidr) && self.cidr != ''))",
        holds=lambda value: (
            bool(value.get("cidr")) != bool(value.get("namespace"))
            and (not value.get("except") or bool(value.get("cidr")))
        ),
        message="an entry has exactly one of cidr, namespace; except belongs to cidr",
        accepts=(
            {"cidr": "10.0.0.0/8", "except": ["10.1.0.0/16"]},
            {"namespace": "registry", "ports": [{"port": 443}]},
        ),
        rejects=({}, {"cidr": "10.0.0.0/8", "namespace": "a"}, {"namespace": "a", "except": ["10.1.0.0/16"]}),
    ),
    *template.rules_of("WorkerPool", "operation"),
    Rule(
        kind="WorkerPool",
        path="/spec/podTemplate/spec/volumes/*",
        field="/name",
        cel="!self.name.startsWith('gitops-')",
        holds=lambda value: not value.get("name", "").startswith("gitops-"),
        message="volumes named gitops-* belong to the runner",
        accepts=({"name": "cache", "emptyDir": {}},),
        rejects=({"name": "gitops-spool", "emptyDir": {}},),
    ),
)
