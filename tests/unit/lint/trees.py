"""Repositories in memory, and what lint says of them."""

from __future__ import annotations

from textwrap import dedent

from gitops.lint import check
from gitops.lint.finding import Finding
from gitops.source.tree import MemoryTree

RUNNER = {"start": b"#!/bin/sh\n", "runner-amd64": b"amd64", "runner-arm64": b"arm64"}
NAMESPACE = "namespace: ci\n"
POOL = """\
# yaml-language-server: $schema=workerpool.json
apiVersion: gitops-worker.io/v1alpha1
kind: WorkerPool
metadata:
  name: linux
spec:
  image: worker-tools:1
  resources:
    requests: {cpu: 500m, memory: 512Mi}
"""
WORKER = """\
# yaml-language-server: $schema=worker.json
apiVersion: gitops-worker.io/v1alpha1
kind: Worker
metadata:
  name: main
spec:
  image: gitops-worker:0.1.0
  pools: [linux]
"""


def tree(**files: str) -> MemoryTree:
    """A kustomization of these files: `pool="..."` is pool.yaml. One given as `kustomization` is taken as it is."""
    given = {f"{name}.yaml": dedent(text) for name, text in files.items()}
    resources = "".join(f"  - {name}\n" for name in given)
    given.setdefault("kustomization.yaml", f"resources:\n{resources}{NAMESPACE}")
    return MemoryTree({name: text.encode() for name, text in given.items()})


def findings(source: MemoryTree, path: str = "") -> tuple[Finding, ...]:
    return check.check(source, path, runner=RUNNER).findings


def said(source: MemoryTree, path: str = "") -> list[str]:
    """Place, code and message of every finding, one line each."""
    return [f"{one.location} {one.code.code} {one.message}" for one in findings(source, path)]


def coded(source: MemoryTree, path: str = "") -> list[str]:
    """The codes of the findings, in the order of their places."""
    return [one.code.code for one in findings(source, path)]
