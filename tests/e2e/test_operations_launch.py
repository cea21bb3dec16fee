"""What an operation may bring and ask for, shown by real pods."""

from __future__ import annotations

import base64
import hashlib
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from tests.cluster.cluster import Cluster
from tests.e2e.workplace import Workplace

pytestmark = pytest.mark.e2e

LOCAL: dict[str, Any] = {"imagePullPolicy": "IfNotPresent"}
POOLS: dict[str, dict[str, Any]] = {
    "linux": {"image": "worker-tools:1", **LOCAL},
    "open": {
        "image": "busybox:1",
        "allow": {"images": ["worker-tools:*"], "serviceAccounts": ["second"], "resources": {"memory": "256Mi"}},
        **LOCAL,
    },
    "strict": {"image": "busybox:1", "podSecurity": "restricted", "rbac": {"profile": "none"}, **LOCAL},
}


@pytest.fixture(scope="module")
def place(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workplace]:
    made = Workplace(cluster=cluster, folder=tmp_path_factory.mktemp("worker"), pools=POOLS)
    made.install()
    yield made
    made.remove()


@pytest.fixture(scope="module", autouse=True)
def worker(place: Workplace) -> subprocess.Popen[bytes]:
    return place.start()


def give(place: Workplace, kind: str, name: str, pool: str = "linux", **content: Any) -> None:
    metadata = {"name": name, "namespace": place.operations_namespace(pool)}
    place.apply([{"apiVersion": "v1", "kind": kind, "metadata": metadata, **content}])


@pytest.mark.parametrize("pool", ["linux", "strict"])
def test_files_small_secret_and_configured(place: Workplace, pool: str) -> None:
    content = bytes(range(256)) * 100
    give(place, "Secret", "deploy", pool, stringData={"token": "hunter2-hunter2"})
    give(place, "ConfigMap", "site", pool, data={"a.conf": "x = 1\n", "b.conf": "unused\n"})
    name = place.submit(
        "sha256sum < sub/raw; ./tool.sh; cat conf/*; cat keys/token\n",
        pool=pool,
        files=[
            {"path": "sub/raw", "base64": base64.b64encode(content).decode()},
            {"path": "tool.sh", "text": "#!/bin/sh\necho tool $((1 + 1))\n", "executable": True},
        ],
        filesFrom=[
            {"path": "keys", "secret": {"name": "deploy"}},
            {"path": "conf", "configMap": {"name": "site"}, "keys": ["a.conf"]},
        ],
    )
    status = place.until(name)
    assert status["phase"] == "Succeeded", status
    assert place.output(name).splitlines() == [f"{hashlib.sha256(content).hexdigest()}  -", "tool 2", "x = 1", "***"]


def test_files_too_large_are_refused_with_their_size(place: Workplace) -> None:
    name = place.submit("true\n", files=[{"path": "big", "text": "x" * 200_000}])
    status = place.until(name)
    assert (status["phase"], status["reason"]) == ("Failed", "InvalidSpec")
    assert "266" in status["message"]
    assert "filesFrom" in status["message"]


ODD = ["a b", "$(HOME)", "$$", "*", "'\"", "back\\slash", "-n", "", "line\nfeed", "ünï"]


@pytest.mark.parametrize(
    ("interpreter", "script"),
    [
        ("sh", 'for one; do printf "%s|" "$one"; done'),
        ("bash", '[[ -n $BASH ]] && printf "%s|" "$@"'),
        ("python", 'import sys; print("|".join(sys.argv[1:]), end="|")'),
    ],
)
def test_interpreters_by_name_get_arguments_as_they_are(place: Workplace, interpreter: str, script: str) -> None:
    name = place.submit(script, interpreter=[interpreter], arguments=ODD)
    place.until(name)
    assert place.output(name) == "".join(f"{one}|" for one in ODD)


def test_docker_is_answered_with_the_alternatives(place: Workplace) -> None:
    name = place.submit("set -e\ndocker build -t x .\necho never\n")
    status = place.until(name)
    assert (status["phase"], status["reason"], status["exitCode"]) == ("Failed", "DockerUnavailable", 127)
    assert "buildah" in status["message"]
    assert "there is no Docker engine" in place.output(name)


ASKED: dict[str, Any] = {
    "image": "worker-tools:1",
    "serviceAccount": "second",
    "resources": {"requests": {"memory": "200Mi"}, "limits": {"memory": "200Mi"}},
}


def test_what_the_pool_allows_takes_the_place_of_its_own(place: Workplace) -> None:
    give(place, "ServiceAccount", "second", "open")
    script = (
        "cut -d. -f2 /var/run/secrets/kubernetes.io/serviceaccount/token | tr _- /+ | base64 -d 2>/dev/null; python3 -V"
    )
    name = place.submit(script, pool="open", **ASKED)
    assert place.until(name)["phase"] == "Succeeded"
    assert '"name":"second"' in place.output(name)
    assert "Python 3" in place.output(name)


def test_what_the_pool_does_not_allow_makes_no_pod(place: Workplace) -> None:
    name = place.submit("true\n", pool="linux", **ASKED)
    status = place.until(name)
    assert (status["phase"], status["reason"], "podUid" in status) == ("Failed", "NotAllowed", False)
    assert "serviceAccount second (allowed: linux)" in status["message"]
    assert "resources.requests.memory 200Mi (at most 128Mi)" in status["message"]
