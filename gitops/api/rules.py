"""Rules across fields: each is one value, so that the validator and the API server cannot disagree.

`cel` goes into the CRD as `x-kubernetes-validations`; `holds` is the same rule for plain data; the examples are run
against both. CEL in CRDs: https://kubernetes.io/docs/reference/using-api/cel/
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gitops.api.meta import GROUP

_NAME = re.compile(r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule for the value at `path` of a kind.

    `path` is a JSON Pointer in which `*` stands for every item of a list; `field` is the pointer, from there, of the
    field to blame. `accepts` and `rejects` are values at `path`. `old` is the value before for rules about changes
    (`cel` then mentions `oldSelf`, and only the API server can judge).
    """

    kind: str
    path: str
    cel: str
    holds: Callable[[Any], bool] | None
    message: str
    hint: str = ""
    field: str = ""
    forbidden: Sequence[str] = ()
    """Pointers, from `path`, of the fields the rule is about, if it forbids fields: those that are there are blamed."""
    accepts: Sequence[Any] = ()
    rejects: Sequence[Any] = ()


def of_kind(kind: str) -> tuple[Rule, ...]:
    """The rules of one kind."""
    return tuple(rule for rule in RULES if rule.kind == kind)


def _count(value: Mapping[str, Any], *names: str) -> int:
    return sum(name in value for name in names)


def _short_name(limit: int) -> Callable[[Any], bool]:
    def holds(value: Any) -> bool:
        name = str((value.get("metadata") or {}).get("name", ""))
        return len(name) <= limit and _NAME.fullmatch(name) is not None

    return holds


def _resources_or_paths(rule: Mapping[str, Any]) -> bool:
    if rule.get("nonResourceURLs"):
        return not rule.get("resources") and not rule.get("apiGroups")
    return bool(rule.get("resources")) and bool(rule.get("apiGroups"))


def _template_metadata(metadata: Mapping[str, Any]) -> bool:
    ours = (key for part in ("labels", "annotations") for key in metadata.get(part) or {})
    return not any(key.startswith(f"{GROUP}/") for key in ours)


_PROTECTED_SPEC = (
    "restartPolicy",
    "activeDeadlineSeconds",
    "enableServiceLinks",
    "serviceAccountName",
    "serviceAccount",
)
_PROTECTED_CONTAINER = (
    "image",
    "command",
    "args",
    "tty",
    "stdin",
    "lifecycle",
    "terminationMessagePath",
    "terminationMessagePolicy",
    "workingDir",
)


def _template_spec(template: Mapping[str, Any]) -> bool:
    return not any(name in (template.get("spec") or {}) for name in _PROTECTED_SPEC)


def _template_container(container: Mapping[str, Any]) -> bool:
    return container.get("name") not in {"operation", "gitops"} or not any(
        name in container for name in _PROTECTED_CONTAINER
    )


_POLICY_RULE: dict[str, Any] = {
    "cel": "(has(self.nonResourceURLs) && size(self.nonResourceURLs) > 0)"
    " ? (!has(self.resources) || size(self.resources) == 0) && (!has(self.apiGroups) || size(self.apiGroups) == 0)"
    " : has(self.resources) && size(self.resources) > 0 && has(self.apiGroups) && size(self.apiGroups) > 0",
    "holds": _resources_or_paths,
    "message": "a rule names apiGroups and resources, or nonResourceURLs, not both and not neither",
    "hint": 'for the core group write apiGroups: [""]',
    "accepts": (
        {"verbs": ["get"], "apiGroups": [""], "resources": ["pods"]},
        {"verbs": ["get"], "nonResourceURLs": ["/healthz"]},
    ),
    "rejects": (
        {"verbs": ["get"]},
        {"verbs": ["get"], "resources": ["pods"]},
        {"verbs": ["get"], "apiGroups": [""], "resources": ["pods"], "nonResourceURLs": ["/healthz"]},
    ),
}

_TEMPLATE_METADATA: dict[str, Any] = {
    "path": "/spec/podTemplate/metadata",
    "cel": " && ".join(
        f"(!has(self.{part}) || self.{part}.all(k, !k.startsWith('{GROUP}/')))" for part in ("labels", "annotations")
    ),
    "holds": _template_metadata,
    "message": f"labels and annotations under {GROUP}/ are the program's own",
    "accepts": ({"labels": {"team": "build"}}, {"annotations": {"a/b": "c"}}, {}),
    "rejects": ({"labels": {f"{GROUP}/pool": "other"}}, {"annotations": {f"{GROUP}/script": "x"}}),
}

_TEMPLATE_SPEC: dict[str, Any] = {
    "path": "/spec/podTemplate",
    "field": "/spec",
    "forbidden": tuple(f"/spec/{name}" for name in _PROTECTED_SPEC),
    "cel": "!has(self.spec) || (" + " && ".join(f"!has(self.spec.{name})" for name in _PROTECTED_SPEC) + ")",
    "holds": _template_spec,
    "message": f"a pod template cannot set {', '.join(_PROTECTED_SPEC[:-1])}: the program decides them",
    "hint": "for the account of a pool's pods use spec.serviceAccount, for clocks spec.timeouts",
    "accepts": ({"spec": {"nodeSelector": {"pool": "build"}}}, {"spec": {"tolerations": [{"operator": "Exists"}]}}),
    "rejects": (
        {"spec": {"restartPolicy": "Always"}},
        {"spec": {"activeDeadlineSeconds": 5}},
        {"spec": {"serviceAccountName": "other"}},
    ),
}


def _template_of(kind: str, container: str) -> tuple[Rule, ...]:
    """The protected fields of a pod template, for the kind whose container has this name."""
    fields = ", ".join(_PROTECTED_CONTAINER)
    return (
        Rule(kind=kind, **_TEMPLATE_METADATA),
        Rule(kind=kind, **_TEMPLATE_SPEC),
        Rule(
            kind=kind,
            path="/spec/podTemplate/spec/containers/*",
            cel=f"self.name != '{container}' || ("
            + " && ".join(f"!has(self.{name})" for name in _PROTECTED_CONTAINER)
            + ")",
            holds=_template_container,
            forbidden=tuple(f"/{name}" for name in _PROTECTED_CONTAINER),
            message=f"a pod template cannot set these of container `{container}`: {fields}",
            hint="the image is spec.image; a side-car needs another name",
            accepts=(
                {"name": container, "env": [{"name": "A", "value": "b"}]},
                {"name": "side-car", "image": "proxy:1", "command": ["proxy"]},
            ),
            rejects=({"name": container, "command": ["sh"]}, {"name": container, "tty": True}),
        ),
    )


def _verifies_what_it_follows(source: Mapping[str, Any]) -> bool:
    if (source.get("verify") or {}).get("mode") != "tag":
        return True
    return any(name in (source.get("ref") or {}) for name in ("tag", "semver"))


_SOURCE: tuple[Rule, ...] = (
    Rule(
        kind="GitSync",
        path="/spec/source/ref",
        cel="[has(self.branch), has(self.tag), has(self.semver), has(self.commit)].filter(x, x).size() == 1",
        holds=lambda value: _count(value, "branch", "tag", "semver", "commit") == 1,
        message="ref names exactly one of branch, tag, semver, commit",
        accepts=({"branch": "main"}, {"tag": "v1"}, {"semver": "^1.2"}, {"commit": "0" * 40}),
        rejects=({}, {"branch": "main", "tag": "v1"}, {"tag": "v1", "semver": "1.x"}),
    ),
    Rule(
        kind="GitSync",
        path="/spec/source/url",
        cel="!self.matches('^(https|file)://[^/]*@') && !self.matches('^ssh://[^/]*:[^/]*@')",
        holds=lambda value: re.match(r"^((https|file)://[^/]*@|ssh://[^/]*:[^/]*@)", value) is None,
        message="a URL never holds credentials",
        hint="put them into a Secret and name it in spec.source.credentials",
        accepts=(
            "https://git.example/team/config.git",
            "https://git.example/a@b.git",
            "file:///srv/config.git",
        ),
        rejects=(
            "https://user:pass@git.example/config.git",
            "https://token@git.example/config.git",
            "ssh://git:pass@git.example/config.git",
        ),
    ),
    Rule(
        kind="GitSync",
        path="/spec/source",
        field="/credentials",
        cel="!self.url.startsWith('ssh://') || has(self.credentials)",
        holds=lambda value: not value.get("url", "").startswith("ssh://") or "credentials" in value,
        message="ssh needs credentials",
        hint="name a Secret with `identity` and `known_hosts`",
        accepts=({"url": "ssh://git@git.example:2222/x.git", "credentials": {"name": "key"}}, {"url": "https://a/b"}),
        rejects=({"url": "ssh://git@git.example/x.git"},),
    ),
    Rule(
        kind="GitSync",
        path="/spec/source",
        field="/proxy",
        cel="!has(self.proxy) || self.url.startsWith('https://')",
        holds=lambda value: "proxy" not in value or value.get("url", "").startswith("https://"),
        message="a proxy goes with an https:// URL",
        accepts=({"url": "https://git.example/x.git", "proxy": {"name": "proxy"}}, {"url": "file:///srv/x.git"}),
        rejects=({"url": "file:///srv/x.git", "proxy": {"name": "proxy"}},),
    ),
    Rule(
        kind="GitSync",
        path="/spec/source",
        field="/verify/mode",
        cel="!has(self.verify) || !has(self.verify.mode) || self.verify.mode != 'tag'"
        " || (has(self.ref) && (has(self.ref.tag) || has(self.ref.semver)))",
        holds=_verifies_what_it_follows,
        message="verify.mode: tag needs ref.tag or ref.semver",
        hint="a branch has no tag to verify: mode: head verifies the commit",
        accepts=(
            {"url": "https://a/b", "ref": {"semver": "1.x"}, "verify": {"mode": "tag", "secret": {"name": "keys"}}},
            {"url": "https://a/b", "verify": {"secret": {"name": "keys"}}},
        ),
        rejects=(
            {"url": "https://a/b", "ref": {"branch": "main"}, "verify": {"mode": "tag", "secret": {"name": "keys"}}},
        ),
    ),
    Rule(
        kind="GitSync",
        path="/spec/source/verify",
        cel="has(self.secret) != has(self.configMap)",
        holds=lambda value: _count(value, "secret", "configMap") == 1,
        message="verify names exactly one of secret, configMap",
        accepts=({"secret": {"name": "keys"}}, {"configMap": {"name": "keys"}}),
        rejects=({}, {"secret": {"name": "keys"}, "configMap": {"name": "keys"}}),
    ),
)

_STAYS_INSIDE = tuple(
    Rule(
        kind="Operation",
        path=f"/spec/{part}/*",
        field="/path",
        cel="!self.path.matches(r'(^|/)\\.{0,2}(/|$)')",
        holds=lambda value: not {"", ".", ".."} & set(value["path"].split("/")),
        message="path stays inside the working directory, without empty, . or .. parts",
        accepts=({"path": "a/.b", **rest}, {"path": "...", **rest}),
        rejects=({"path": "../a", **rest}, {"path": "a/..", **rest}, {"path": "a//b", **rest}),
    )
    for part, rest in (("files", {"text": ""}), ("filesFrom", {"secret": {"name": "s"}}))
)

# The host has a dot or a port, or is localhost: so Docker tells it from the first part of a path.
_REPOSITORY = r"^(localhost|[a-z0-9-]+(\.[a-z0-9-]+)+|[a-z0-9.-]+:[0-9]+)(:[0-9]+)?(/[a-z0-9._-]+)*$"

RULES: tuple[Rule, ...] = (
    Rule(
        kind="WorkerPool",
        path="",
        field="/metadata/name",
        cel="size(self.metadata.name) <= 50 && self.metadata.name.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?$')",
        holds=_short_name(50),
        message="the name of a pool is a DNS label of at most 50 characters: it becomes a label and part of names",
        accepts=({"metadata": {"name": "linux"}}, {"metadata": {"name": "a" * 50}}),
        rejects=({"metadata": {"name": "a" * 51}}, {"metadata": {"name": "linux.x64"}}),
    ),
    Rule(
        kind="Worker",
        path="",
        field="/metadata/name",
        cel="size(self.metadata.name) <= 50 && self.metadata.name.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?$')",
        holds=_short_name(50),
        message="the name of a worker is a DNS label of at most 50 characters: it becomes a label and part of names",
        accepts=({"metadata": {"name": "worker"}},),
        rejects=({"metadata": {"name": "w" * 51}}, {"metadata": {"name": "worker.eu"}}),
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
    Rule(kind="WorkerPool", path="/spec/rbac/rules/*", **{**_POLICY_RULE, "accepts": _POLICY_RULE["accepts"][:1]}),
    Rule(kind="WorkerPool", path="/spec/rbac/clusterRules/*", **_POLICY_RULE),
    Rule(kind="Worker", path="/spec/commitRules/*", **_POLICY_RULE),
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
    *_template_of("WorkerPool", "operation"),
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
    *_template_of("Worker", "gitops"),
    Rule(
        kind="Worker",
        path="/spec/logStore",
        cel="!has(self.bucket) || (!has(self.claimName) && !has(self.sizeLimit))",
        holds=lambda value: "bucket" not in value or not _count(value, "claimName", "sizeLimit"),
        message="logs are kept in a bucket or on a volume",
        hint="remove bucket, or claimName and sizeLimit",
        forbidden=("/claimName", "/sizeLimit"),
        accepts=({"bucket": {"name": "logs"}}, {"claimName": "logs"}, {"sizeLimit": "1Gi"}, {}),
        rejects=({"bucket": {"name": "logs"}, "claimName": "logs"}, {"bucket": {"name": "logs"}, "sizeLimit": "1Gi"}),
    ),
    *_SOURCE,
    Rule(
        kind="GitSync",
        path="/spec/source/path",
        cel="!self.matches(r'^/|(^|/)\\.\\.(/|$)')",
        holds=lambda value: not value.startswith("/") and ".." not in value.split("/"),
        message="path is relative to the repository's root and stays inside it",
        accepts=("overlays/dev", "", "a..b", "...", "x/.../y"),
        rejects=("/overlays", "../other", "overlays/../../x"),
    ),
    Rule(
        kind="Operation",
        path="/spec/env/*",
        cel="[has(self.value), has(self.secret), has(self.configMap)].filter(x, x).size() == 1",
        holds=lambda value: _count(value, "value", "secret", "configMap") == 1,
        message="a variable has exactly one of value, secret, configMap",
        accepts=({"name": "A", "value": ""}, {"name": "A", "secret": {"name": "s", "key": "k"}}),
        rejects=({"name": "A"}, {"name": "A", "value": "x", "configMap": {"name": "c", "key": "k"}}),
    ),
    Rule(
        kind="Operation",
        path="/spec/files/*",
        cel="has(self.text) != has(self.base64)",
        holds=lambda value: _count(value, "text", "base64") == 1,
        message="a file has exactly one of text, base64",
        accepts=({"path": "a/b", "text": ""}, {"path": "a", "base64": "AAEC"}),
        rejects=({"path": "a"}, {"path": "a", "text": "x", "base64": "AAEC"}),
    ),
    *_STAYS_INSIDE,
    Rule(
        kind="Operation",
        path="/spec/filesFrom/*",
        cel="has(self.secret) != has(self.configMap)",
        holds=lambda value: _count(value, "secret", "configMap") == 1,
        message="filesFrom names exactly one of secret, configMap",
        accepts=({"path": "a", "secret": {"name": "s"}}, {"path": "a", "configMap": {"name": "c"}}),
        rejects=({"path": "a"}, {"path": "a", "secret": {"name": "s"}, "configMap": {"name": "c"}}),
    ),
    Rule(
        kind="Operation",
        path="/spec",
        cel="self == oldSelf",
        holds=None,
        message="the spec of an operation cannot change: create another operation",
    ),
)
