"""Right-sizing from a pool's status on a real API server to a commit on a branch."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import msgspec
import pytest

from gitops import api
from gitops.sizing import observed
from gitops.sizing.observed import Run
from gitops_cli import _edge, main
from tests.cluster.bare import BareApiServer

pytestmark = pytest.mark.integration
ROOT = Path(__file__).resolve().parents[2]
HOME = "sizing"


def runs() -> list[Run]:
    at = [f"2026-11-{day:02}T10:00:00Z" for day in range(1, 29)]
    return [
        Run(step="deploy" if number % 2 else "", own_resources=False, at=time, cpu=200 + number, memory=300 << 20)
        for number, time in enumerate(at)
    ]


@pytest.fixture
def used(bare: BareApiServer) -> BareApiServer:
    bare.kubectl("apply", "--server-side", "--force-conflicts", "-f", str(ROOT / "base" / "crds"))
    bare.kubectl("wait", "--for=condition=Established", "crd", "--all", "--timeout=30s")
    bare.kubectl("create", "namespace", HOME)
    spec = {"image": "tools:1", "maxOperations": 50, "resources": {"requests": {"cpu": "500m", "memory": "512Mi"}}}
    pool = {"apiVersion": api.API_VERSION, "kind": "WorkerPool", "metadata": {"name": "linux"}, "spec": spec}
    bare.kubectl("create", "-n", HOME, "-f", "-", stdin=json.dumps(pool))
    status = {"status": {"usage": msgspec.to_builtins(observed.fold([], runs()))}}
    words = ("workerpool", "linux", "--subresource=status", "--type=merge", "-p", json.dumps(status))
    bare.kubectl("patch", "-n", HOME, *words)
    node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "sizing-node"}}
    offer = {"status": {"allocatable": {"cpu": "4", "memory": "8Gi", "pods": "110"}}}
    bare.kubectl("create", "-f", "-", stdin=json.dumps(node))
    bare.kubectl("patch", "node", "sizing-node", "--subresource=status", "--type=merge", "-p", json.dumps(offer))
    return bare


def git(folder: Path, *words: str) -> str:
    return subprocess.run(["git", *words], cwd=folder, check=True, capture_output=True, text=True).stdout


def test_what_was_used_becomes_a_commit_with_its_evidence(
    used: BareApiServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def gitops(*words: str) -> tuple[int, str]:
        code = _edge.run(main.group(), ["gitops", "-n", HOME, *words])
        return code, capsys.readouterr().out

    monkeypatch.setenv("KUBECONFIG", str(used.kubeconfig))
    for name in ("base", "overlays"):
        shutil.copytree(ROOT / name, tmp_path / name)
    git(tmp_path, "init", "--quiet", "--initial-branch=main")
    git(tmp_path, "config", "user.name", "Ada")
    git(tmp_path, "config", "user.email", "ada@example.org")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "--quiet", "-m", "first")

    code, shown = gitops("pool", "top", "-o", "json")
    assert code == 0
    steps: list[dict[str, Any]] = json.loads(shown)
    assert [(one["step"], one["runs"], one["memoryPeak"]) for one in steps] == [
        ("", 14, 300 << 20),
        ("deploy", 14, 300 << 20),
    ]
    code, shown = gitops("pool", "top", "linux")
    assert code == 0
    assert shown.splitlines()[1].split()[:3] == ["linux", "deploy", "14"]

    code, shown = gitops("pool", "list", "-o", "json")
    assert code == 0
    assert [(one["name"], one["ready"], one["running"], one["waiting"]) for one in json.loads(shown)] == [
        ("linux", "unknown", 0, 0)
    ]
    code, shown = gitops("pool", "list")
    assert code == 0
    assert "linux" in shown

    code, shown = gitops("pool", "recommend", "linux", "-o", "json")
    assert code == 1
    made = json.loads(shown)
    assert {one["path"]: one["value"] for one in made["changes"]} == {
        "spec.resources.requests.cpu": "280m",
        "spec.resources.requests.memory": "352Mi",
    }
    assert (made["effect"]["perNodeBefore"], made["effect"]["perNodeAfter"]) == (8, 14)
    assert (made["effect"]["nodesBefore"], made["effect"]["nodesAfter"]) == (7, 4)

    code, _ = gitops("pool", "recommend", "linux", str(tmp_path / "overlays" / "production"))
    assert code == 0
    message = git(tmp_path, "log", "-1", "--format=%B", "right-size/linux")
    assert "28 runs from 2026-11-01 to 2026-11-28" in message
    assert "need 4 nodes like that instead of 7 nodes" in message
    assert git(tmp_path, "status", "--porcelain") == ""
