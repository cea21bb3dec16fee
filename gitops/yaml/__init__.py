"""The Kubernetes YAML dialect: a fast reader with positions and a writer that prints what kustomize prints.

`load_all` reads manifests (kustomize's scalar rules), `load_config` reads kustomization files (YAML 1.1, as
sigs.k8s.io/yaml does), `dump_all` writes manifests.
"""

from gitops.yaml.reader import Document, load_all, load_config, load_tracked
from gitops.yaml.scalars import Authored, Dialect, is_string, plain, text_of
from gitops.yaml.writer import dump_all

__all__ = [
    "Authored",
    "Dialect",
    "Document",
    "dump_all",
    "is_string",
    "load_all",
    "load_config",
    "load_tracked",
    "plain",
    "text_of",
]
