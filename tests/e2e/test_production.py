"""overlays/production as it is: reconciler and worker apart, two replicas each, and one of them dies."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.cluster import cluster as two_nodes
from tests.cluster.cluster import Cluster
from tests.demo import __main__ as demo
from tests.demo.stage import Stage, until

pytestmark = pytest.mark.e2e

NAMESPACE = "gitops-worker-production"
SCRIPT = 'for i in $(seq 1 12); do echo "line $i"; sleep 1; done'


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    made, url, token_file = demo.prepare(two_nodes.up())
    ca = str(made.cluster.git.ca_file)
    made.gitops("install", "overlays/production", "--git-url", url, "--git-token-file", token_file, "--git-ca-file", ca)
    yield made
    demo.remove_leftovers(made.cluster)


def holder(cluster: Cluster, half: str) -> str:
    lease = cluster.get("lease", f"worker-{half}", "--namespace", NAMESPACE)
    return str(lease["spec"].get("holderIdentity") or "")


def test_both_halves_run_twice_under_accounts_of_their_own(stage: Stage) -> None:
    def look() -> dict[str, int] | None:
        found = stage.cluster.get("deployments", "--namespace", NAMESPACE)["items"]
        ready = {one["metadata"]["name"]: (one.get("status") or {}).get("readyReplicas", 0) for one in found}
        return ready if ready == {"worker-reconciler": 2, "worker-worker": 2} else None

    until("four replicas are ready", look)
    pods = stage.cluster.get("pods", "--namespace", NAMESPACE)["items"]

    assert {pod["spec"]["serviceAccountName"] for pod in pods} == {"worker-reconciler", "worker-worker"}


def test_a_dead_leader_is_replaced_and_the_running_operation_is_whole(stage: Stage) -> None:
    name = "survivor"
    running = stage.start(
        "operation", "run", "-n", NAMESPACE, "--name", name, "--pool", "linux", "--follow", "--", "sh", "-c", SCRIPT
    )

    def started() -> bool | None:
        words = ("get", "operation", name, "-n", NAMESPACE, "--ignore-not-found", "-o", "jsonpath={.status.phase}")
        found = stage.cluster.kubectl(*words)
        return True if found == "Running" else None

    until("the operation runs", started)
    before = holder(stage.cluster, "worker")
    pod = before.rpartition("-")[0]
    stage.cluster.kubectl("delete", "pod", pod, "--namespace", NAMESPACE, "--grace-period=0", "--force")
    output, _ = running.communicate(timeout=120)
    after = until("another process leads", lambda: holder(stage.cluster, "worker") or None)

    assert running.returncode == 0, output
    assert [line for line in output.splitlines() if line.startswith("line ")] == [f"line {n}" for n in range(1, 13)]
    assert after != before
    log = stage.cluster.get("operation", name, "--namespace", NAMESPACE)["status"]["log"]
    assert (log["lines"], log["missing"], log["complete"]) == (12, 0, True)


def test_the_installation_is_in_sync(stage: Stage) -> None:
    assert "in sync" in stage.gitops("drift", "production", "-n", NAMESPACE).progress
