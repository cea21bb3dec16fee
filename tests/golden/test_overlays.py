"""The installable configuration: our build of it is kubectl's, and what it expands to is written down."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from gitops import build, expand, yaml
from gitops.lint import validate
from gitops.objects import Manifest
from gitops.source import MemoryTree

ROOT = Path(__file__).parents[2]
EXPECTED = Path(__file__).parent / "expansion"
OVERLAYS = ("base", "overlays/dev", "overlays/production")
RUNNER = {"start": b"#!/bin/sh\n", "runner-amd64": b"amd64", "runner-arm64": b"arm64"}

# Each is laid over base/; what they show is that base/ taught both tools our references, images and lists.
TAUGHT: Mapping[str, Mapping[str, str]] = {
    "prefix": {"kustomization.yaml": "namePrefix: eu-\nnameSuffix: '-1'\nresources: [../base]\n"},
    "images": {
        "kustomization.yaml": (
            "resources: [../base]\nimages:\n"
            "  - {name: gitops-worker, newName: registry.example/gitops-worker, digest: 'sha256:"
            + "0" * 64
            + "'}\n  - {name: worker-tools, newTag: '2024-05-01'}\n"
        )
    },
    "env": {
        "kustomization.yaml": "resources: [../base]\npatches: [{path: env.yaml}, {path: more.yaml}]\n",
        "env.yaml": (
            "apiVersion: gitops-worker.io/v1alpha1\nkind: WorkerPool\nmetadata: {name: linux}\n"
            "spec: {podTemplate: {spec: {containers: [{name: operation, env: [{name: A, value: one}]}]}}}\n"
        ),
        "more.yaml": (
            "apiVersion: gitops-worker.io/v1alpha1\nkind: WorkerPool\nmetadata: {name: linux}\n"
            "spec: {podTemplate: {spec: {containers: [{name: operation, env: [{name: B, value: two}]}]}}}\n"
        ),
    },
    "bucket": {
        "kustomization.yaml": (
            "namePrefix: eu-\nnamespace: team\nresources: [../base]\npatches: [{path: bucket.yaml}]\n"
            "secretGenerator: [{name: keys, literals: [AWS_ACCESS_KEY_ID=a]}, {name: pull, literals: [a=b]}]\n"
            "configMapGenerator: [{name: roots, literals: [ca.crt=x]}]\n"
        ),
        "bucket.yaml": (
            "apiVersion: gitops-worker.io/v1alpha1\nkind: Worker\nmetadata: {name: worker}\nspec:\n"
            "  imagePullSecrets: [pull]\n"
            "  logStore: {bucket: {name: logs, credentials: {name: keys}, ca: {name: roots, key: ca.crt}}}\n"
        ),
    },
    "others": {
        "kustomization.yaml": "namespace: team\nresources: [../base, app.yaml]\npatches: [{path: patch.yaml}]\n",
        "app.yaml": (
            "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: app}\nspec:\n  template:\n    spec:\n"
            "      containers:\n      - {name: app, image: 'app:1'}\n"
            "      - {name: proxy, image: 'proxy:1', ports: [{containerPort: 80, protocol: TCP}]}\n"
        ),
        "patch.yaml": (
            "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: app}\nspec:\n  template:\n    spec:\n"
            "      containers:\n      - {name: proxy, ports: [{containerPort: 81, protocol: TCP}]}\n"
        ),
    },
}


def files(*folders: str) -> Iterator[tuple[str, bytes]]:
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*")):
            if path.is_file():
                yield path.relative_to(ROOT).as_posix(), path.read_bytes()


def oracle(kubectl: Path, folder: Path) -> list[Manifest]:
    printed = subprocess.run([kubectl, "kustomize", folder], check=True, capture_output=True).stdout
    return [document.value for document in yaml.load_all(printed, "kubectl")]


def ours(tree: MemoryTree, path: str) -> list[Manifest]:
    return [one.manifest for one in build.build(tree, path).objects]


@pytest.mark.parametrize("path", OVERLAYS)
def test_our_build_is_kubectls(kubectl: Path, path: str) -> None:
    assert ours(MemoryTree(dict(files("base", "overlays"))), path) == oracle(kubectl, ROOT / path)


@pytest.mark.parametrize("case", sorted(TAUGHT))
def test_both_tools_learned_our_kinds_from_base(kubectl: Path, tmp_path: Path, case: str) -> None:
    tree = dict(files("base")) | {f"over/{name}": text.encode() for name, text in TAUGHT[case].items()}
    for name, content in tree.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(content)
    assert ours(MemoryTree(tree), "over") == oracle(kubectl, tmp_path / "over")


def built(case: str) -> dict[str, build.Rendered]:
    tree = dict(files("base")) | {f"over/{name}": text.encode() for name, text in TAUGHT[case].items()}
    return {one.manifest["kind"]: one for one in build.build(MemoryTree(tree), "over").objects}


def test_a_name_prefix_reaches_the_pools_a_worker_serves() -> None:
    assert built("prefix")["Worker"].manifest["spec"]["pools"] == ["eu-linux-1"]


def test_images_reach_both_kinds() -> None:
    objects = built("images")
    assert objects["Worker"].manifest["spec"]["image"].startswith("registry.example/gitops-worker@sha256:")
    assert objects["WorkerPool"].manifest["spec"]["image"] == "worker-tools:2024-05-01"


def test_a_patch_of_one_variable_keeps_the_others() -> None:
    [container] = built("env")["WorkerPool"].manifest["spec"]["podTemplate"]["spec"]["containers"]
    assert {one["name"] for one in container["env"]} == {"A", "B"}


def test_lists_of_other_kinds_still_merge_beside_ours() -> None:
    containers = built("others")["Deployment"].manifest["spec"]["template"]["spec"]["containers"]
    assert {one["name"]: len(one.get("ports", ())) for one in containers} == {"app": 0, "proxy": 2}


@pytest.mark.parametrize("path", OVERLAYS)
def test_what_we_ship_has_no_findings(path: str) -> None:
    objects = build.build(MemoryTree(dict(files("base", "overlays"))), path).objects
    assert [found for one in objects for found in validate.validate(one.manifest, lambda _: None)] == []


@pytest.mark.parametrize("path", OVERLAYS)
def test_what_it_expands_to_is_written_down(path: str) -> None:
    """GITOPS_REGENERATE=1 writes it anew; the difference is for a person to read."""
    objects = build.build(MemoryTree(dict(files("base", "overlays"))), path).objects
    authored = [one.manifest for one in objects]
    grown = expand.expand(authored, context=expand.Context(runner=RUNNER))[len(authored) :]
    text = yaml.dump_all([one.manifest for one in grown])
    expected = EXPECTED / f"{path.rpartition('/')[2]}.yaml"
    if os.environ.get("GITOPS_REGENERATE"):
        expected.parent.mkdir(exist_ok=True)
        expected.write_text(text, encoding="utf-8")
    assert expected.read_text(encoding="utf-8") == text


def test_an_unknown_field_is_said_with_its_place() -> None:
    tree = dict(files("base", "overlays"))
    patch = tree["overlays/dev/pool-linux.yaml"].replace(b"maxOperations: 4", b"maxOperation: 4")
    tree["overlays/dev/pool-linux.yaml"] = patch
    objects = build.build(MemoryTree(tree), "overlays/dev").objects
    [pool] = [one for one in objects if one.manifest["kind"] == "WorkerPool"]
    [error] = validate.validate(pool.manifest, lambda pointer: build.locate(pool, pointer))
    assert str(error) == "overlays/dev/pool-linux.yaml:6:17: unknown field spec.maxOperation"
    assert error.hint == "did you mean maxOperations?"


def test_what_a_worker_names_is_followed_to_its_new_name() -> None:
    spec = built("bucket")["Worker"].manifest["spec"]
    assert spec["logStore"]["bucket"]["credentials"]["name"].startswith("eu-keys-")
    assert spec["logStore"]["bucket"]["ca"]["name"].startswith("eu-roots-")
    assert spec["imagePullSecrets"][0].startswith("eu-pull-")
