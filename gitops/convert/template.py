"""Pod settings of the chart as our pod templates, without the fields the program decides."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from gitops import api, yaml
from gitops.api import names
from gitops.api.rules.template import PROTECTED_CONTAINER
from gitops.convert import chart, secrecy
from gitops.convert.notices import Notice
from gitops.convert.secrecy import Needed
from gitops.convert.values import Values
from gitops.pods import template
from gitops.yaml.reader import position_in

_PROXIES: Final = ("http_proxy", "https_proxy", "no_proxy")
_PROTECTED_SPEC: Final = (
    *template.PROTECTED_SPEC,
    "serviceAccount",
    "containers",
    "initContainers",
    "ephemeralContainers",
)
_OURS: Final = frozenset(
    {names.MANAGED_BY, "cluster-autoscaler.kubernetes.io/safe-to-evict", "karpenter.sh/do-not-disrupt"}
)
_WORKER_SPEC: Final = frozenset(
    {
        "affinity",
        "dnsConfig",
        "dnsPolicy",
        "hostAliases",
        "nodeSelector",
        "preemptionPolicy",
        "priorityClassName",
        "runtimeClassName",
        "schedulerName",
        "tolerations",
        "topologySpreadConstraints",
    }
)
"""What of the agent's pod says where it runs; the rest was made for its program."""


@dataclass(slots=True, kw_only=True)
class Found:
    """What to tell about a template, gathered while it is made."""

    notices: list[Notice] = field(default_factory=list)
    needed: list[Needed] = field(default_factory=list)


def of_pool(values: Values, *, pool: str, operations: str, found: Found) -> dict[str, Any]:
    """`spec.podTemplate` of the pool; `operations` is the namespace of its pods.

    Raises:
        ConfigError: a value is of a wrong shape.
    """
    replaced = values.flag("scriptPods.podTemplate.enabled")
    metadata = _metadata(values, "scriptPods.metadata")
    container: dict[str, Any] = {}
    if replaced:
        spec = _kept(values, "scriptPods.podTemplate.podSpec", _PROTECTED_SPEC, found)
        protected = (*PROTECTED_CONTAINER, "name", "imagePullPolicy", "resources")
        container = _kept(values, "scriptPods.podTemplate.scriptContainerSpec", protected, found)
        for part, entries in _parts(values, "scriptPods.podTemplate.podMetadata").items():
            metadata[part] = {**metadata.get(part, {}), **entries}
    else:
        spec = {
            # What the chart asks of nodes by default, the program asks by itself.
            "affinity": _affinity(values, "scriptPods.affinity") if values.given("scriptPods.affinity") else {},
            "tolerations": values.items("scriptPods.tolerations"),
            "securityContext": values.mapping("scriptPods.securityContext"),
        }
    metadata = _allowed(metadata, found)
    prefix = "scriptPods.podTemplate.scriptContainerSpec"
    env = list(_environment(container.pop("env", None) or [], values, prefix, (pool, operations), found))
    env += _proxies(values, (pool, operations), found)
    if env:
        container["env"] = env
    spec = {key: value for key, value in spec.items() if value}
    if container:
        spec["containers"] = [{"name": "operation", **container}]
    return {key: value for key, value in (("metadata", metadata), ("spec", spec)) if value}


def of_worker(values: Values, found: Found) -> dict[str, Any]:
    """`spec.podTemplate` of the Worker: where its pods run, and their labels.

    Raises:
        ConfigError: a value is of a wrong shape.
    """
    spec = dict(values.mapping("agent.spec"))
    for key in [key for key in spec if key not in _WORKER_SPEC]:
        del spec[key]
        _dropped(values, f"agent.spec.{key}", "made for the agent's own program", found)
    spec |= {
        "affinity": _affinity(values, "agent.affinity") if values.given("agent.affinity") else spec.get("affinity"),
        "nodeSelector": values.mapping("agent.nodeSelector") or spec.get("nodeSelector"),
        "tolerations": values.items("agent.tolerations") or spec.get("tolerations"),
    }
    spec = {key: value for key, value in spec.items() if value}
    metadata = _metadata(values, "agent.metadata")
    return {key: value for key, value in (("metadata", metadata), ("spec", spec)) if value}


def references(made: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Kind and name of every object a pod template refers to: pods find them in their own namespace only."""
    for key, value in _pairs(made):
        match key, value:
            case "secretKeyRef" | "secretRef", {"name": name}:
                yield "Secret", yaml.text_of(name)
            case "secret", {"secretName": name}:
                yield "Secret", yaml.text_of(name)
            case "configMapKeyRef" | "configMapRef" | "configMap", {"name": name}:
                yield "ConfigMap", yaml.text_of(name)
            case "persistentVolumeClaim", {"claimName": name}:
                yield "PersistentVolumeClaim", yaml.text_of(name)
            case _:
                pass


def _pairs(value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield key, item
            yield from _pairs(item)
    elif isinstance(value, list):
        for item in value:
            yield from _pairs(item)


def _metadata(values: Values, path: str) -> dict[str, Any]:
    parts = {part: values.mapping(f"{path}.{part}") for part in ("annotations", "labels")}
    return {part: entries for part, entries in parts.items() if entries}


def _parts(values: Values, path: str) -> dict[str, Any]:
    given = values.mapping(path)
    parts = {part: given.get(part) for part in ("annotations", "labels")}
    for part, entries in parts.items():
        if not isinstance(entries, dict) and yaml.plain(entries) is not None:
            raise values.wrong(f"{path}.{part}", "a mapping")
    return {part: entries for part, entries in parts.items() if isinstance(entries, dict) and entries}


def _allowed(metadata: Mapping[str, Any], found: Found) -> dict[str, Any]:
    """Labels and annotations without those the program gives every pod itself."""
    kept: dict[str, Any] = {}
    for part, entries in metadata.items():
        ours = sorted(key for key in entries if key in _OURS or key.startswith(f"{api.GROUP}/"))
        for key in ours:
            found.notices.append(Notice(text=f"left out of the pods' {part}: {key}, which the program sets itself"))
        rest = {key: value for key, value in entries.items() if key not in ours}
        kept |= {part: rest} if rest else {}
    return kept


def _affinity(values: Values, path: str) -> dict[str, Any]:
    """The affinity without what Kubernetes does not know in it; `unknown` tells about that."""
    known: dict[str, Any] = {}
    for kind, terms in values.mapping(path).items():
        if kind in chart.AFFINITY and isinstance(terms, dict):
            kept = {term: value for term, value in terms.items() if term in chart.AFFINITY[kind]}
            known |= {kind: kept} if kept else {}
    return known


def _kept(values: Values, path: str, protected: tuple[str, ...], found: Found) -> dict[str, Any]:
    kept = dict(values.mapping(path))
    for key in protected:
        if key in kept:
            if key != "resources":
                _dropped(values, f"{path}.{key}", _INSTEAD.get(key, "the program decides it"), found)
            del kept[key]
    return kept


_INSTEAD: Final = {
    "restartPolicy": "always Never here: a script runs once",
    "activeDeadlineSeconds": "the program decides it; the limit of a script is spec.timeouts.run",
    "serviceAccountName": "the account is spec.serviceAccount of the pool",
    "image": "the chart takes the image from scriptPods.worker.image too",
    "imagePullPolicy": "the chart takes it from scriptPods.worker.image too",
    "containers": "the chart's template has no containers; a side-car goes into spec.podTemplate.spec.containers",
    "initContainers": "the chart's template has no init containers",
}


def _dropped(values: Values, path: str, words: str, found: Found) -> None:
    found.notices.append(Notice(path=path, location=values.location(path), text=f"left out: {words}"))


def _environment(
    entries: Any, values: Values, path: str, where: tuple[str, str], found: Found
) -> Iterator[dict[str, Any]]:
    """Variables; one that holds a secret becomes a reference to a Secret of the same key."""
    pool, operations = where
    known = frozenset(values.secrets())
    if not isinstance(entries, list):
        raise values.wrong(f"{path}.env", "a list")
    for entry in entries:
        if not secrecy.variable(entry, known):
            yield entry
            continue
        name = yaml.text_of(entry["name"])
        secret = Needed(
            path=f"{path}.env[{name}]",
            location=position_in(entry, "/value"),
            namespace=operations,
            secret=f"{pool}-env",
            key=name,
            user=f"variable {name} of container `operation`",
        )
        yield _reference(secret, found)


def _proxies(values: Values, where: tuple[str, str], found: Found) -> Iterator[dict[str, Any]]:
    """Both spellings, as the chart does: programs disagree about which one they read."""
    pool, operations = where
    for name in _PROXIES:
        path = f"scriptPods.proxies.{name}"
        url = values.text(path)
        if not url:
            continue
        secret = Needed(
            path=path,
            location=values.location(path),
            namespace=operations,
            secret=f"{pool}-proxy",
            key=name,
            user=f"variables {name.upper()} and {name} of container `operation`",
        )
        entry = _reference(secret, found) if "@" in url else {"value": values.raw(path)}
        for spelling in (name.upper(), name):
            yield {**entry, "name": spelling}


def _reference(secret: Needed, found: Found) -> dict[str, Any]:
    found.needed.append(secret)
    return {"name": secret.key, "valueFrom": {"secretKeyRef": {"name": secret.secret, "key": secret.key}}}
