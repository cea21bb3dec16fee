"""Bring up the ground, make a repository with history, play the acts."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from pathlib import Path

from tests.cluster import cluster as two_nodes
from tests.cluster import program
from tests.cluster.cluster import Cluster
from tests.cluster.errors import GroundError
from tests.cluster.progress import step
from tests.demo import acts
from tests.demo.stage import ROOT, DemoError, Stage, say

USER = "demo-operator"


def main() -> int:
    """Play; gives the exit code."""
    begun = time.monotonic()
    try:
        stage, url, token_file = prepare(two_nodes.up())
        acts.install(stage, url, token_file)
        acts.operation(stage)
        acts.change(stage)
        acts.drift(stage)
        acts.removal(stage)
        acts.finale(stage)
    except (DemoError, GroundError, subprocess.TimeoutExpired) as error:
        sys.stderr.write(f"\ndemo failed: {error}\n")
        return 1
    say(f"\nThe main job is done, in {time.monotonic() - begun:.0f} s.")
    return 0


def prepare(cluster: Cluster) -> tuple[Stage, str, str]:
    """A clean cluster, the program's image on its nodes, a repository with history."""
    remove_leftovers(cluster)
    load_program(cluster)
    home = two_nodes.home() / "demo"
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(parents=True)
    kubeconfig = cluster.user(USER)
    binding = ["create", "clusterrolebinding", USER, "--clusterrole=cluster-admin", f"--user={USER}"]
    if not cluster.kubectl("get", "clusterrolebinding", USER, "--ignore-not-found"):
        cluster.kubectl(*binding)
    stage = Stage(cluster=cluster, kubeconfig=kubeconfig, user=USER, clone=home / "configuration", home=home)
    with step("make a Git repository of base/ and overlays/"):
        make_repository(stage)
    token_file = home / "token"
    token_file.write_text(cluster.git.token)
    token_file.chmod(0o600)
    return stage, cluster.git.cluster_url("demo"), str(token_file)


def remove_leftovers(cluster: Cluster) -> None:
    """Remove what an earlier run installed, but for the definitions: others may have objects of them."""
    label = "app.kubernetes.io/part-of=gitops-worker"
    kinds = "validatingadmissionpolicybindings,validatingadmissionpolicies,clusterrolebindings,clusterroles"
    with step("remove what an earlier run installed"):
        cluster.kubectl("delete", kinds, "--selector", label, "--ignore-not-found")
        cluster.kubectl("delete", "namespaces", "--selector", label, "--ignore-not-found", "--timeout=120s")


def load_program(cluster: Cluster) -> None:
    """Build the wheel and the image of what is in this checkout, and put it on the nodes."""
    with step("build the program's image and load it on the nodes"):
        target = two_nodes.home() / "wheel"
        shutil.rmtree(target, ignore_errors=True)
        command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(target), str(ROOT)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise DemoError(f"the wheel cannot be built:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
        wheel = next(target.glob("*.whl"))
        cluster.load([program.build(wheel)])


def make_repository(stage: Stage) -> None:
    """Two commits: the installation, then a second pool."""
    server = stage.cluster.git
    shutil.rmtree(server.repositories / "demo.git", ignore_errors=True)
    server.create_repo("demo")
    stage.clone.mkdir(parents=True)
    stage.git("init", "--quiet", "--initial-branch=main")
    for key, value in {
        "user.name": "Pat Form",
        "user.email": "pat@example.com",
        "credential.helper": f'!f() {{ echo username=git; echo "password=$(cat {server.token_file})"; }}; f',
    }.items():
        stage.git("config", key, value)
    stage.git("remote", "add", "origin", server.url("demo"))
    for name in ("base", "overlays"):
        shutil.copytree(ROOT / name, stage.clone / name)
    stage.git("add", "--all")
    stage.git("commit", "--quiet", "--message", "Configure the worker: base and overlays")
    add_batch_pool(stage.clone / "overlays" / "dev")
    stage.git("add", "--all")
    stage.git("commit", "--quiet", "--message", "Add a pool for batch work")
    stage.git("push", "--quiet", "origin", "main")


def add_batch_pool(overlay: Path) -> None:
    """A second pool in the overlay, served by its worker."""
    (overlay / "pool-batch.yaml").write_text(BATCH)
    kustomization = overlay / "kustomization.yaml"
    text = kustomization.read_text()
    kustomization.write_text(text.replace("  - ../../base\n", "  - ../../base\n  - pool-batch.yaml\n"))
    worker = overlay / "worker.yaml"
    worker.write_text(worker.read_text().rstrip() + "\n  pools:\n    - linux\n    - batch\n")


BATCH = """\
apiVersion: gitops-worker.io/v1alpha1
kind: WorkerPool
metadata:
  name: batch
  namespace: gitops-worker
spec:
  image: worker-tools:1
  maxOperations: 2
  rbac:
    profile: none
"""

if __name__ == "__main__":
    sys.exit(main())
