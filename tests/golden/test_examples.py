"""The example repositories: both tools build the same, nothing is wrong with them, and each says what it promises."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from gitops import build, convert, expand, yaml
from gitops.convert import files
from gitops.lint import validate
from gitops.objects import Manifest
from gitops.source import MemoryTree

ROOT = Path(__file__).parents[2]
EXAMPLES = {
    "small": "docs/examples/small",
    "fleet-dev": "docs/examples/fleet/dev",
    "fleet-production": "docs/examples/fleet/production",
    "octopus": "docs/examples/octopus/workers",
}
OCTOPUS = ROOT / "docs/examples/octopus"
RUNNER = {"start": b"#!/bin/sh\n", "runner-amd64": b"amd64", "runner-arm64": b"arm64"}


def _files() -> Iterator[tuple[str, bytes]]:
    for folder in ("base", "docs/examples"):
        for path in sorted((ROOT / folder).rglob("*")):
            if path.is_file():
                yield path.relative_to(ROOT).as_posix(), path.read_bytes()


@cache
def built(example: str) -> tuple[build.Rendered, ...]:
    return build.build(MemoryTree(dict(_files())), EXAMPLES[example]).objects


@cache
def expanded(example: str) -> tuple[Manifest, ...]:
    authored = [one.manifest for one in built(example)]
    return tuple(one.manifest for one in expand.expand(authored, context=expand.Context(runner=RUNNER)))


def named(example: str, kind: str, name: str) -> Manifest:
    [found] = [one for one in expanded(example) if (one["kind"], one["metadata"]["name"]) == (kind, name)]
    return found


@pytest.mark.parametrize("example", EXAMPLES)
def test_our_build_is_kubectls(kubectl: Path, example: str) -> None:
    printed = subprocess.run([kubectl, "kustomize", ROOT / EXAMPLES[example]], check=True, capture_output=True).stdout
    theirs = [document.value for document in yaml.load_all(printed, "kubectl")]
    assert [one.manifest for one in built(example)] == theirs


@pytest.mark.parametrize("example", EXAMPLES)
def test_nothing_is_wrong_with_it(example: str) -> None:
    found = [error for one in built(example) for error in validate.validate(one.manifest, lambda _: None)]
    assert found == []


@pytest.mark.parametrize(
    ("example", "pools"),
    [
        ("small", {"linux"}),
        ("fleet-dev", {"linux", "production", "gpu"}),
        ("fleet-production", {"linux", "production", "gpu"}),
        ("octopus", {"linux"}),
    ],
)
def test_each_pool_is_served_and_gets_a_namespace_of_its_own(example: str, pools: set[str]) -> None:
    [worker] = [one for one in expanded(example) if one["kind"] == "Worker"]
    assert set(worker["spec"]["pools"]) == pools
    home = worker["metadata"]["namespace"]
    namespaces = {one["metadata"]["name"] for one in expanded(example) if one["kind"] == "Namespace"}
    assert namespaces == {home, *(f"{home}-{pool}-ops" for pool in pools)}


def test_the_production_pool_may_only_deploy_the_shop() -> None:
    roles = [
        one
        for one in expanded("fleet-production")
        if one["kind"] == "Role" and one["metadata"]["name"].endswith(":pool:production")
    ]
    assert {one["metadata"]["namespace"] for one in roles} == {"shop", "workers-production-production-ops"}
    assert not any("secrets" in rule["resources"] for one in roles for rule in one["rules"])
    [grants] = [one for one in expanded("fleet-production") if one["metadata"]["name"].endswith(":commits:worker")][:1]
    assert all(rule in grants["rules"] for one in roles for rule in one["rules"])


def test_the_gpu_pool_waits_for_gpu_nodes_and_asks_for_one_gpu() -> None:
    pod = named("fleet-production", "WorkerPool", "gpu")["spec"]["podTemplate"]["spec"]
    assert pod["nodeSelector"] == {"accelerator": "nvidia"}
    assert [one["key"] for one in pod["tolerations"]] == ["nvidia.com/gpu"]
    assert pod["containers"] == [{"name": "operation", "resources": {"limits": {"nvidia.com/gpu": 1}}}]


def test_the_clusters_differ_where_their_overlays_say() -> None:
    dev, production = ({one["metadata"]["name"]: one["spec"] for one in expanded(f"fleet-{name}")
                        if one["kind"] == "WorkerPool"} for name in ("dev", "production"))  # fmt: skip
    assert {name: spec["maxOperations"] for name, spec in dev.items()} == {"linux": 2, "production": 2, "gpu": 2}
    assert production["linux"]["maxOperations"] == 50
    assert dev["gpu"]["suspended"]
    assert "suspended" not in production["gpu"]
    names = {one["metadata"]["name"] for one in expanded("fleet-production") if one["kind"] == "Deployment"}
    assert names == {"worker-reconciler", "worker-worker"}


def test_the_octopus_example_is_what_the_import_makes() -> None:
    """GITOPS_REGENERATE=1 writes it anew."""
    values = convert.read((OCTOPUS / "values.yaml").read_bytes(), "values.yaml")
    names = convert.Names(namespace="octopus-workers", worker="worker", pool="linux", image="gitops-worker:0.1.0")
    made = files.files(convert.convert(values, names), source="values.yaml", base="../../../../base")
    for name, text in made.items():
        path = OCTOPUS / "workers" / name
        if os.environ.get("GITOPS_REGENERATE"):
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
        assert path.read_text(encoding="utf-8") == text, f"{name} is stale: run this test with GITOPS_REGENERATE=1"
    assert {path.name for path in (OCTOPUS / "workers").iterdir()} == set(made)
