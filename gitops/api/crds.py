"""CustomResourceDefinitions, generated from the Structs and the rules."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec

from gitops.api import rules
from gitops.api.gitsync import GitSync
from gitops.api.meta import API_VERSION, GROUP, VERSION
from gitops.api.operation import Operation
from gitops.api.structural import Schema, schema_of
from gitops.api.worker import Worker
from gitops.api.workerpool import WorkerPool
from gitops.objects import Manifest


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One of our kinds: its Struct, its names, and the columns of `kubectl get` after the name: (title, path, type)."""

    struct: type[msgspec.Struct]
    plural: str
    short: tuple[str, ...]
    columns: tuple[tuple[str, str, str], ...]

    @property
    def name(self) -> str:
        """The kind, as in `kind:`."""
        return self.struct.__name__


def _condition(kind: str) -> str:
    return f'.status.conditions[?(@.type=="{kind}")].status'


_AGE = ("Age", ".metadata.creationTimestamp", "date")

KINDS: tuple[Kind, ...] = (
    Kind(
        struct=WorkerPool,
        plural="workerpools",
        short=("wp", "pool"),
        columns=(
            ("Ready", _condition("Ready"), "string"),
            ("Image", ".spec.image", "string"),
            ("Max", ".spec.maxOperations", "integer"),
            ("Suspended", ".spec.suspended", "boolean"),
            _AGE,
        ),
    ),
    Kind(
        struct=Worker,
        plural="workers",
        short=("wk",),
        columns=(
            ("Ready", _condition("Ready"), "string"),
            ("Topology", ".spec.topology", "string"),
            ("Pools", ".spec.pools", "string"),
            _AGE,
        ),
    ),
    Kind(
        struct=GitSync,
        plural="gitsyncs",
        short=("gs", "sync"),
        columns=(
            ("Ready", _condition("Ready"), "string"),
            ("Revision", ".status.lastAppliedRevision", "string"),
            ("Drifted", _condition("Drifted"), "string"),
            ("Reason", '.status.conditions[?(@.type=="Ready")].reason', "string"),
            _AGE,
        ),
    ),
    Kind(
        struct=Operation,
        plural="operations",
        short=("op",),
        columns=(
            ("Phase", ".status.phase", "string"),
            ("Reason", ".status.reason", "string"),
            ("Pool", ".spec.pool", "string"),
            ("Exit", ".status.exitCode", "integer"),
            _AGE,
        ),
    ),
)


def kind_named(name: str) -> Kind | None:
    """One of our kinds by its name; None if it is not ours."""
    return next((kind for kind in KINDS if kind.name == name), None)


def schema(kind: Kind) -> Schema:
    """The structural schema of a whole object: apiVersion, kind, metadata, spec, status, and the cross-field rules."""
    generated = schema_of(kind.struct)["properties"]
    root: Schema = {
        "type": "object",
        "description": _words(kind.struct),
        "properties": {
            "apiVersion": {"type": "string", "description": f"Always {API_VERSION}"},
            "kind": {"type": "string", "description": f"Always {kind.name}"},
            "metadata": {"type": "object"},
            "spec": {**generated["spec"], "description": "What is wanted"},
            "status": {**generated["status"], "description": "What is; written by the program"},
        },
        "required": ["spec"],
    }
    for rule in rules.of_kind(kind.name):
        node = node_at(root, rule.path)
        node.setdefault("x-kubernetes-validations", []).append(_validation(rule))
    return root


def node_at(root: Schema, path: str) -> Schema:
    """The schema of the values at a path; `*` stands for the items of a list."""
    node = root
    for part in path.split("/")[1:]:
        node = node["items"] if part == "*" else node["properties"][part]
    return node


def crds() -> tuple[Manifest, ...]:
    """The CustomResourceDefinitions of all our kinds."""
    return tuple(crd(kind) for kind in KINDS)


def crd(kind: Kind) -> Manifest:
    """The CustomResourceDefinition of one kind."""
    version: dict[str, Any] = {
        "name": VERSION,
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": schema(kind)},
        "subresources": {"status": {}},
        "additionalPrinterColumns": [
            {"name": title, "type": form, "jsonPath": path} for title, path, form in kind.columns
        ],
    }
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {
            "name": f"{kind.plural}.{GROUP}",
            "labels": {"app.kubernetes.io/name": "gitops-worker", "app.kubernetes.io/part-of": "gitops-worker"},
        },
        "spec": {
            "group": GROUP,
            "names": {
                "kind": kind.name,
                "listKind": f"{kind.name}List",
                "plural": kind.plural,
                "singular": kind.name.lower(),
                "shortNames": list(kind.short),
                "categories": ["gitops"],
            },
            "scope": "Namespaced",
            "versions": [version],
        },
    }


def _words(struct: type[msgspec.Struct]) -> str:
    return (struct.__doc__ or "").strip().partition("\n")[0]


def _validation(rule: rules.Rule) -> dict[str, Any]:
    validation = {"rule": rule.cel, "message": rule.message}
    # The API server wants a field path that its schema knows, and none at all on a rule about the object's metadata.
    if rule.field and not rule.field.startswith("/metadata") and rule.path:
        validation["fieldPath"] = "." + rule.field.strip("/").replace("/", ".")
    return validation
