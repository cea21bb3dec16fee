"""Files from URLs in real pods: hundreds of megabytes, a server with its own authority, a worker that dies midway."""

from __future__ import annotations

import hashlib
import os
import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cluster.cluster import Cluster
from tests.e2e.fileserver import Files, serving
from tests.e2e.workplace import Workplace

pytestmark = pytest.mark.e2e

SIZE = 300 * 1024 * 1024
SECRET = "s3cret-in-the-query"


def make(path: Path, size: int) -> str:
    """A file of random bytes; its digest."""
    digest = hashlib.sha256()
    with path.open("wb") as file:
        for _ in range(0, size, 1 << 20):
            block = os.urandom(min(1 << 20, size))
            digest.update(block)
            file.write(block)
    return digest.hexdigest()


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Files]:
    with serving(tmp_path_factory.mktemp("files")) as made:
        yield made


@pytest.fixture(scope="module")
def digests(files: Files) -> dict[str, str]:
    return {"big": make(files.folder / "big", SIZE), "small": make(files.folder / "small", 70_000)}


@pytest.fixture(scope="module")
def place(cluster: Cluster, files: Files, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workplace]:
    spec: dict[str, Any] = {
        "image": "busybox:1",
        "imagePullPolicy": "IfNotPresent",
        "ca": {"name": "trust", "key": "ca.crt"},
        "allow": {"urls": [f"{files.url}/"], "maxFileSize": "400Mi"},
        "retry": {"delay": "1s"},
    }
    pools = {"linux": spec, "strict": {**spec, "podSecurity": "restricted", "rbac": {"profile": "none"}}}
    mount = {"name": "tight", "mountPath": "/workspace/tight"}
    tight = {
        "volumes": [{"name": "tight", "emptyDir": {"medium": "Memory", "sizeLimit": "10Mi"}}],
        "containers": [{"name": "operation", "volumeMounts": [mount]}],
    }
    pools["tight"] = {**spec, "podTemplate": {"spec": tight}}
    made = Workplace(cluster=cluster, folder=tmp_path_factory.mktemp("worker"), pools=pools)
    made.install()
    for pool in pools:
        metadata = {"name": "trust", "namespace": made.operations_namespace(pool)}
        data = {"ca.crt": files.authority.decode()}
        made.apply([{"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}])
    yield made
    made.remove()


@pytest.fixture(scope="module", autouse=True)
def worker(place: Workplace) -> subprocess.Popen[bytes]:
    return place.start()


def entry(files: Files, name: str, digest: str, path: str = "", **more: Any) -> dict[str, Any]:
    url = f"{files.url}/{name}?token={SECRET}"
    return {"path": path or name.rpartition("/")[2], "url": url, "digest": f"sha256:{digest}", **more}


def peak(process: subprocess.Popen[bytes]) -> int:
    """Bytes of memory a process had at most."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{process.pid}/status").read_text())
    assert found is not None
    return int(found[1]) * 1024


def until(true: Callable[[], bool], what: str, place: Workplace, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, f"{what}\n{place.told()}"
        time.sleep(0.05)


def secret_kept(place: Workplace, name: str) -> bool:
    events = place.cluster.kubectl("get", "events", "-A", "-o", "json")
    return SECRET not in f"{place.status(name)} {events} {place.told()}"


def test_a_large_file_arrives_and_the_worker_stays_small(
    place: Workplace,
    files: Files,
    digests: dict[str, str],
    worker: subprocess.Popen[bytes],
) -> None:
    small = place.submit(
        "sha256sum < bin/tool\n",
        filesFrom=[entry(files, "small", digests["small"], "bin/tool", executable=True)],
    )
    place.until(small)
    before = peak(worker)
    name = place.submit(
        "sha256sum < deep/big; stat -c '%s %a' deep/big; find . -name '.gitops*'; date +%s\n",
        filesFrom=[entry(files, "big", digests["big"], "deep/big")],
    )
    status = place.until(name, seconds=180)
    assert status["phase"] == "Succeeded", (status, place.told())
    lines = place.output(name).splitlines()
    assert (lines[1:3], len(lines)) == ([f"{digests['big']}  -", f"{SIZE} 644"], 4)
    grown = peak(worker) - before
    assert grown < 32 * 2**20
    assert files.asked["/big"] == 1
    assert secret_kept(place, name)


def test_it_works_without_root_and_with_a_read_only_root(
    place: Workplace, files: Files, digests: dict[str, str]
) -> None:
    both = [
        entry(files, "once/small", digests["small"], "a/one", executable=True),
        entry(files, "small", digests["small"], "b/two"),
    ]
    name = place.submit("id -u; sha256sum a/one b/two; stat -c %a a/one\n", pool="strict", filesFrom=both)
    status = place.until(name)
    assert status["phase"] == "Succeeded", (status, place.told())
    digest = digests["small"]
    assert place.output(name).splitlines()[1:] == ["65532", f"{digest}  a/one", f"{digest}  b/two", "755"]
    assert files.asked["/once/small"] == 2


def test_what_is_wrong_is_named_and_nothing_started(place: Workplace, files: Files, digests: dict[str, str]) -> None:
    other = "0" * 64
    cases = {
        "digest": (entry(files, "small", other), "FilesInvalid", f"its digest is sha256:{digests['small']}"),
        "missing": (entry(files, "none", other), "FilesInvalid", f"{files.url}/none: the server answers HTTP 404"),
        "away": (entry(files, "away/x", other), "FilesInvalid", "does not allow https://169.254.169.254/latest"),
        "allowed": (
            {"path": "x", "url": f"https://example.com/x?{SECRET}", "digest": f"sha256:{other}"},
            "NotAllowed",
            "url https://example.com/x (allowed: ",
        ),
    }
    names = {case: place.submit("echo started\n", filesFrom=[given]) for case, (given, _, _) in cases.items()}
    for case, name in names.items():
        status = place.until(name)
        _, reason, words = cases[case]
        assert (status["phase"], status["reason"]) == ("Failed", reason), (case, status, place.told())
        assert words in status["message"]
        assert "startedAt" not in status
        assert "attempts" not in status
        assert secret_kept(place, name)
        assert reason == "NotAllowed" or "started" not in place.output(name)


def test_a_file_without_room_is_named(place: Workplace, files: Files, digests: dict[str, str]) -> None:
    given = entry(files, "big", digests["big"], "tight/big")
    status = place.until(place.submit("echo started\n", pool="tight", filesFrom=[given]))
    assert (status["phase"], status["reason"]) == ("Failed", "FilesNotWritten"), (status, place.told())
    assert "tight/big: No space left on device" in status["message"]


def test_a_cancel_while_it_is_fetched(place: Workplace, files: Files, digests: dict[str, str]) -> None:
    name = place.submit("echo started\n", filesFrom=[entry(files, "slow/big", digests["big"])])
    until(lambda: files.sent["/slow/big"] > 20_000_000, "nothing is fetched", place)
    place.cluster.kubectl(
        "annotate", "operations.gitops-worker.io", name, "-n", place.namespace, "gitops-worker.io/cancel=enough"
    )
    status = place.until(name, seconds=30)
    assert (status["phase"], status["message"]) == ("Cancelled", "cancelled before the script started: enough")
    sent = files.sent["/slow/big"]
    time.sleep(2)
    assert files.sent["/slow/big"] - sent < 40_000_000


def test_a_worker_is_killed_midway_and_the_file_comes_once(
    place: Workplace, files: Files, digests: dict[str, str], worker: subprocess.Popen[bytes]
) -> None:
    files.asked.clear()
    files.sent.clear()
    name = place.submit("sha256sum < big; find . -type f\n", filesFrom=[entry(files, "slow/big", digests["big"])])
    until(lambda: files.sent["/slow/big"] > 60_000_000, "nothing is fetched", place)
    place.end(worker, signal.SIGKILL)
    place.start()
    status = place.until(name, seconds=180)
    assert status["phase"] == "Succeeded", (status, place.told())
    assert (status["claim"]["attempt"], "attempts" in status) == (1, False)
    assert place.output(name).splitlines()[1:] == [f"{digests['big']}  -", "./big"]
    assert files.asked["/slow/big"] == 2
