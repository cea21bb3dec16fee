"""Health on real nodes: canaries, and what `gitops doctor` says of pools that work and pools that do not."""

from __future__ import annotations

import datetime as dt
import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from gitops_cli import _edge, main
from tests.cluster.cluster import Cluster
from tests.e2e.workplace import WORKER, Workplace

pytestmark = pytest.mark.e2e

LOCAL = {"imagePullPolicy": "IfNotPresent", "canary": {"enabled": True}}
POOLS: dict[str, dict[str, Any]] = {
    "linux": {"image": "busybox:1", **LOCAL},
    "broken": {"image": "nonesuch:1", **LOCAL, "imagePullPolicy": "Never"},
}


@pytest.fixture(scope="module")
def place(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workplace]:
    """Two workers at once, as in the middle of a rolling update."""
    made = Workplace(cluster=cluster, folder=tmp_path_factory.mktemp("health"), pools=POOLS)
    made.install()
    made.start()
    made.start(made.folder / "logs-of-the-other")
    yield made
    made.remove()


def canary(place: Workplace, pool: str, status: str) -> dict[str, Any]:
    deadline = time.monotonic() + 120
    while True:
        found = place.cluster.get("workerpools.gitops-worker.io", pool, "-n", place.namespace)
        conditions = {one["type"]: one for one in (found.get("status") or {}).get("conditions") or ()}
        if conditions.get("CanaryPassed", {}).get("status") == status:
            assert conditions["Ready"]["status"] == "True"
            return dict(conditions["CanaryPassed"])
        assert time.monotonic() < deadline, (conditions, place.told())
        time.sleep(0.5)


def test_each_pool_has_one_canary_and_its_verdict(place: Workplace) -> None:
    canary(place, "linux", "True")
    failed = canary(place, "broken", "False")
    assert failed["reason"] == "ImageNotPresent"
    assert "nonesuch" in failed["message"]
    listed = place.cluster.get("operations.gitops-worker.io", "-n", place.namespace, "-l", "gitops-worker.io/canary")
    assert sorted(one["spec"]["pool"] for one in listed["items"]) == ["broken", "linux"]


def test_doctor_tells_what_works_and_what_does_not(
    place: Workplace, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # This worker runs without an election; a replica in the cluster renews the Lease itself.
    now = (dt.datetime.now(dt.UTC) + dt.timedelta(seconds=30)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    lease = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease"}
    metadata = {"name": f"{WORKER}-worker", "namespace": place.namespace}
    place.apply([{**lease, "metadata": metadata, "spec": {"holderIdentity": "test", "renewTime": now}}])
    quota = {"apiVersion": "v1", "kind": "ResourceQuota", "spec": {"hard": {"pods": "5"}}}
    where = place.operations_namespace("linux")
    place.apply([{**quota, "metadata": {"name": "few", "namespace": where}}])
    place.cluster.kubectl("wait", "-n", where, "--for=jsonpath={.status.hard.pods}=5", "quota/few", "--timeout=60s")
    monkeypatch.setenv("KUBECONFIG", str(place.cluster.kubeconfig))

    def doctor(*words: str) -> tuple[int, list[dict[str, str]]]:
        code = _edge.run(main.group(), ["gitops", "-n", place.namespace, "doctor", "-o", "json", *words])
        return code, json.loads(capsys.readouterr().out)

    code, found = doctor("linux")
    levels = {one["says"]: one["level"] for one in found}
    assert code == 0, found
    assert "quota few (pods 5) holds 5 operations, maxOperations is 10" in levels
    assert any(says.startswith("an operation ran on") for says in levels)

    code, found = doctor("broken")
    assert code == 1
    failed = [one for one in found if one["level"] == "failed"]
    assert any("an operation did not run: ImageNotPresent" in one["says"] and one["todo"] for one in failed), failed
    listed = place.cluster.get("operations.gitops-worker.io", "-n", place.namespace)
    assert [one for one in listed["items"] if "-doctor-" in one["metadata"]["name"]] == []
