"""An administrator installs overlays/production; from then on the reconciler's own account is enough for commits."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cluster.bare import BareApiServer

pytestmark = pytest.mark.integration

ROOT = Path(__file__).parents[2]
OVERLAY = "./overlays/production"
HOME = "gitops-worker-production"
GPU = """\
apiVersion: gitops-worker.io/v1alpha1
kind: WorkerPool
metadata: {name: gpu}
spec: {image: "worker-tools:1"}
"""


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    for folder in ("base", "overlays"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    subprocess.run(["git", "init", "--quiet", tmp_path], check=True)
    return tmp_path


def gitops(repository: Path, kubeconfig: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "KUBECONFIG": str(kubeconfig), "PYTHONPATH": f"{ROOT}:{ROOT / 'cmd'}", "NO_COLOR": "1"}
    command = [sys.executable, "-m", "gitops_cli", *arguments, OVERLAY]
    return subprocess.run(command, cwd=repository, env=environment, capture_output=True, text=True, check=False)


def edit(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))


def test_commits_are_applied_without_an_administrator(bare: BareApiServer, repository: Path) -> None:
    groups = ("system:serviceaccounts", f"system:serviceaccounts:{HOME}")
    reconciler = bare.user(f"system:serviceaccount:{HOME}:worker-reconciler", groups=groups)
    overlay = repository / "overlays" / "production"

    installed = gitops(repository, bare.kubeconfig, "sync", "--no-wait")
    assert installed.returncode == 0, installed.stderr

    same = gitops(repository, reconciler, "plan")
    assert same.returncode == 0, same.stdout + same.stderr

    (overlay / "pool-gpu.yaml").write_text(GPU)
    edit(overlay / "kustomization.yaml", "  - ../../base\n", "  - ../../base\n  - pool-gpu.yaml\n")
    edit(overlay / "worker.yaml", "replicas: 2", "replicas: 2\n  pools: [linux, gpu]")
    edit(overlay / "pool-linux.yaml", "verbs: [get, list, watch, patch]", "verbs: [get, list, watch]")
    applied = gitops(repository, reconciler, "sync", "--no-wait")
    assert applied.returncode == 0, applied.stderr
    assert "gitops-runner-" in bare.kubectl("get", "configmaps", "-n", f"{HOME}-gpu-ops")
    assert gitops(repository, reconciler, "plan").returncode == 0

    edit(overlay / "pool-linux.yaml", "resources: [deployments]", "resources: [deployments, daemonsets]")
    refused = gitops(repository, reconciler, "sync", "--no-wait")
    assert refused.returncode == 4, refused.stderr
    assert "attempting to grant RBAC permissions not currently held" in refused.stderr
    role = bare.get("role", "-n", f"{HOME}-linux-ops", f"gitops-worker:{HOME}:pool:linux")
    assert ["deployments"] in [rule["resources"] for rule in role["rules"]]
