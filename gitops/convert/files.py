"""A conversion as the files of a kustomization: alone, or as patches over a base that has the kinds already."""

from __future__ import annotations

import json
from collections.abc import Mapping

from gitops import yaml
from gitops.api import crds
from gitops.convert.conversion import Conversion
from gitops.convert.document import comment
from gitops.expand import teach

_KUSTOMIZATION = ["apiVersion: kustomize.config.k8s.io/v1beta1", "kind: Kustomization"]
_FOLLOW = (
    "To let the cluster follow the repository that holds this directory:",
    "  gitops install DIRECTORY --git-url https://... --git-token-file FILE",
    "It makes the GitSync; docs/reference/gitsync.md says what a GitSync of your own can say.",
)


def files(made: Conversion, *, source: str, base: str = "") -> Mapping[str, str]:
    """Path to text. `source` names the values file; `base`, if there is one, is a path from the new directory."""
    pool, worker = f"pool-{made.names.pool}.yaml", "worker.yaml"
    head = [*comment((f"Made from {source} by `gitops import helm`; yours to edit.", *_FOLLOW)), *_KUSTOMIZATION]
    own = {pool: made.pool.text(), worker: made.worker.text()}
    if base:
        patches = ["patches:", f"  - path: {pool}", f"  - path: {worker}"]
        lines = [*head, f"namespace: {made.names.namespace}", "resources:", f"  - {base}", *patches]
        return {"kustomization.yaml": "\n".join(lines) + "\n", **own}
    kinds = {f"crds/{kind.plural}.yaml": yaml.dump_all([crds.crd(kind)]) for kind in crds.KINDS}
    resources = [f"  - {name}" for name in sorted((*kinds, "namespace.yaml", *own))]
    lines = [*head, f"namespace: {made.names.namespace}", "resources:", *resources, *_TAUGHT]
    return {
        "kustomization.yaml": "\n".join(lines) + "\n",
        "namespace.yaml": _namespace(made.names.namespace),
        **own,
        **kinds,
        "kustomize/configurations.yaml": yaml.dump_all([teach.configurations()]),
        "kustomize/openapi.json": json.dumps(teach.openapi(), indent=1) + "\n",
    }


def stream(made: Conversion) -> str:
    """Namespace, WorkerPool and Worker as one YAML stream."""
    namespace = made.names.namespace
    return "---\n".join((_namespace(namespace), made.pool.text(namespace), made.worker.text(namespace)))


_TAUGHT = [
    *comment(("kustomize knows nothing of our kinds: where references and images are, and how their lists merge.",)),
    "configurations:",
    "  - kustomize/configurations.yaml",
    "openapi:",
    "  path: kustomize/openapi.json",
]


def _namespace(name: str) -> str:
    labels = {
        "app.kubernetes.io/part-of": "gitops-worker",
        "pod-security.kubernetes.io/enforce": "restricted",
        "pod-security.kubernetes.io/enforce-version": "latest",
    }
    manifest = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}
    words = ("The program, its credentials, WorkerPools and Operations live here; operations' pods run elsewhere.",)
    return "\n".join(comment(words)) + "\n" + yaml.dump_all([manifest])
