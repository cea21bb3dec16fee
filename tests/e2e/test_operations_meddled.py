"""What a cluster does to operations' pods behind everybody's back: containers injected, volumes mounted noexec."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.cluster import addresses, webhook
from tests.cluster.cluster import Cluster
from tests.cluster.webhook import Webhook
from tests.e2e.workplace import Workplace

pytestmark = pytest.mark.e2e

ROOT = Path(__file__).parents[2]
HOOK = "MutatingWebhookConfiguration"
KUBELET = "/var/lib/kubelet"
LOCAL: dict[str, Any] = {"image": "worker-tools:1", "imagePullPolicy": "IfNotPresent"}
POOLS: dict[str, dict[str, Any]] = {"meshed": LOCAL, "linux": LOCAL}


def container(name: str, script: str, **more: Any) -> dict[str, Any]:
    return {"name": name, **LOCAL, "command": ["sh", "-c", script], **more}


INJECTED = (
    {"op": "add", "path": "/metadata/annotations/kubectl.kubernetes.io~1default-container", "value": "proxy"},
    {"op": "add", "path": "/spec/containers/0", "value": container("proxy", "echo noise; exec sleep 600")},
    {"op": "add", "path": "/spec/containers/0", "value": container("broken", "echo noise; exit 3")},
    {
        "op": "add",
        "path": "/spec/initContainers",
        "value": [container("native", "echo noise; exec sleep 600", restartPolicy="Always")],
    },
)
"""As service meshes do: before ours a container that never ends, one that fails, and a side-car of Kubernetes' own."""


@pytest.fixture(scope="module")
def place(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workplace]:
    made = Workplace(cluster=cluster, folder=tmp_path_factory.mktemp("meddled"), pools=POOLS)
    made.install()
    made.start()
    yield made
    made.remove()


@contextmanager
def injected(place: Workplace, hook: Webhook) -> Iterator[str]:
    """Side-cars are injected into every pod of the pool's operations namespace; gives its name."""
    namespace = place.operations_namespace("meshed")
    rule = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}
    made = webhook.configuration(
        namespace, hook.client_config, rules=[rule], objectSelector={}, timeoutSeconds=10, failurePolicy="Ignore"
    )
    place.apply([{**made, "kind": HOOK}])
    try:
        probe = {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": "probe", "namespace": namespace, "annotations": {"a": "b"}},
            "spec": {"containers": [container("probe", "true")]},
        }
        deadline = time.monotonic() + 30
        while not hook.asked:  # the API server learns of it by a watch
            assert time.monotonic() < deadline
            place.cluster.kubectl("create", "--dry-run=server", "-f", "-", stdin=json.dumps(probe))
        yield namespace
    finally:
        place.cluster.kubectl("delete", HOOK.lower(), namespace)


def test_what_a_webhook_injects_decides_nothing_and_holds_up_nothing(place: Workplace, tmp_path: Path) -> None:
    answer = webhook.patch(*INJECTED)
    with Webhook(tmp_path / "webhook", answer, addresses.GATEWAY) as hook, injected(place, hook) as namespace:
        name = place.submit("echo one; sleep 3; echo two; exit 7\n", pool="meshed")
        place.until(name, {"Running"})
        (pod,) = place.cluster.get("pods", "-n", namespace)["items"]
        assert [one["name"] for one in pod["spec"]["containers"]] == ["broken", "proxy", "operation"]
        begun = time.monotonic()
        status = place.until(name)
        assert time.monotonic() - begun < 15
    assert (status["phase"], status["reason"], status["exitCode"]) == ("Failed", "ScriptFailed", 7)
    assert status["log"] == status["log"] | {"complete": True, "lines": 2}
    assert place.output(name) == "one\ntwo\n"
    deadline = time.monotonic() + 90
    while place.cluster.get("pods", "-n", namespace)["items"]:
        assert time.monotonic() < deadline, "the pod outlives its operation"
        time.sleep(0.5)


TOOL = "printf '#!/bin/sh\\necho ran\\n' >tool; chmod +x tool; "


@contextmanager
def mounted_noexec(cluster: Cluster) -> Iterator[None]:
    """Volumes of pods that start meanwhile are noexec: a bind mount takes over the flags of what it is made of."""
    try:
        for node in addresses.NODES:
            cluster.execute(node.name, "mount", "-o", "remount,bind,noexec", KUBELET)
        yield
    finally:
        for node in addresses.NODES:
            cluster.execute(node.name, "mount", "-o", "remount,bind,exec", KUBELET)


def doctor(place: Workplace) -> subprocess.CompletedProcess[str]:
    user = place.cluster.user(f"doctor-{place.namespace}")
    binding = ("create", "clusterrolebinding", place.namespace, "--clusterrole=cluster-admin")
    place.cluster.kubectl(*binding, f"--user=doctor-{place.namespace}")
    try:
        return subprocess.run(
            [sys.executable, "-m", "gitops_cli", "doctor", "linux", "-n", place.namespace],
            env={**os.environ, "KUBECONFIG": str(user), "PYTHONPATH": f"{ROOT}:{ROOT / 'cmd'}"},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
    finally:
        place.cluster.kubectl("delete", "clusterrolebinding", place.namespace)


def test_volumes_mounted_noexec_are_named(place: Workplace, cluster: Cluster) -> None:
    with mounted_noexec(cluster):
        status = place.until(place.submit(f"{TOOL}./tool\n"))
        hidden = place.until(place.submit(f"{TOOL}./tool || exit 3\n"))
        through = place.submit(f"{TOOL}sh ./tool\n")
        assert place.until(through)["phase"] == "Succeeded"
        told = doctor(place)
    assert place.output(through) == "ran\n"
    assert (status["phase"], status["reason"], status["exitCode"]) == ("Failed", "WorkspaceNoexec", 126), status
    assert (hidden["phase"], hidden["reason"], hidden["exitCode"]) == ("Failed", "ScriptFailed", 3), hidden
    for one in (status, hidden):
        assert "the working directory is mounted noexec" in one["message"]
        assert "start programs through their interpreter (sh ./tool)" in one["message"]
    lines = told.stdout.splitlines()
    at = next(number for number, line in enumerate(lines) if "noexec" in line)
    assert lines[at] == (
        "warning  pool linux: files in the working directory cannot be executed: the volume is mounted noexec"
    ), told
    assert "(sh ./tool)" in lines[at + 1]
    assert place.until(place.submit(f"{TOOL}./tool\n"))["phase"] == "Succeeded"
