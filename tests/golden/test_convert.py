"""Values files, the objects made of them, and what is told about it. `GITOPS_REGENERATE=1` writes them anew."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec
import pytest

from gitops import api, convert, expand, yaml
from gitops.api.operation import OperationSpec
from gitops.convert import files, report
from gitops.lint import validate
from gitops.objects import Manifest
from gitops.pods import render

CASES = Path(__file__).parent / "convert"
RUNNER = {"start": b"#!/bin/sh\n", "runner-amd64": b"amd64", "runner-arm64": b"arm64"}


def made(case: str) -> convert.Conversion:
    values = convert.read((CASES / f"{case}.values.yaml").read_bytes(), f"{case}.values.yaml")
    return convert.convert(values, convert.names_for(values, image="gitops-worker:1"))


def compare(name: str, text: str) -> None:
    path = CASES / name
    if os.environ.get("GITOPS_REGENERATE"):
        path.write_text(text, encoding="utf-8")
    assert path.read_text(encoding="utf-8") == text, f"{name}: run GITOPS_REGENERATE=1 pytest {__file__}, and read it"


@pytest.mark.parametrize("case", ["chart-2", "template"])
def test_the_objects(case: str) -> None:
    one = made(case)
    compare(f"{case}.objects.yaml", files.stream(one))
    manifests = [document.value for document in yaml.load_all(files.stream(one).encode(), case)]
    assert [error for manifest in manifests for error in validate.validate(manifest, lambda _: None)] == []
    kinds = {each.manifest["kind"] for each in expand.expand(manifests, context=expand.Context(runner=RUNNER))}
    assert {"Deployment", "ServiceAccount", "RoleBinding", "NetworkPolicy"} <= kinds


def test_an_operation_gets_a_pod_as_the_values_say() -> None:
    pod = pod_of(made("template").pool.manifest("gitops-worker"))
    spec, [container] = pod["spec"], pod["spec"]["containers"]
    assert (spec["restartPolicy"], spec["serviceAccountName"]) == ("Never", "octopus")
    assert (spec["nodeSelector"], spec["priorityClassName"]) == ({"accelerator": "nvidia"}, "builds")
    assert pod["metadata"]["labels"]["azure.workload.identity/use"] == "true"
    assert (container["image"], container["imagePullPolicy"]) == ("registry.example/tools:1.1", "Always")
    assert container["resources"] == {"requests": {"cpu": 2, "memory": "4Gi"}}
    assert {"NPM_TOKEN", "CACHE", "REGION"} < {one["name"] for one in container["env"]}
    assert {"mountPath": "/cache", "name": "cache"} in container["volumeMounts"]


def pod_of(manifest: Manifest) -> Manifest:
    operation = api.Operation(
        metadata=api.Metadata(name="try", namespace="gitops-worker", uid="0a1b"),
        spec=OperationSpec(pool=manifest["metadata"]["name"], script="true"),
    )
    pool = msgspec.convert(manifest, api.WorkerPool)
    return render.pod(render.Launch(operation=operation, pool=pool, worker="worker", runner="runner"))


@pytest.mark.parametrize("case", ["chart-2", "template"])
def test_the_report(case: str) -> None:
    compare(f"{case}.report.txt", "\n".join(report.lines(made(case))) + "\n")
