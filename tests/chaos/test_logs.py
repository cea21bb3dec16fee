"""Output no log likes, on a node whose kubelet rotates at a megabyte, while things break: not a byte is lost or twice.

What is compared is the whole output, byte for byte, with that of the same program run here.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import secrets
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import aclosing
from dataclasses import asdict
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from gitops.cluster.clock import SystemClock
from gitops.logstore import SegmentedStore, bucket
from gitops.ports.logstore import Span
from gitops.runner import frames
from tests.chaos.proxy import Proxy
from tests.cluster import addresses
from tests.cluster.cluster import Cluster
from tests.cluster.objectstore import ObjectStore
from tests.e2e.workplace import Workplace

pytestmark = pytest.mark.chaos

log = logging.getLogger(__name__)
SMALL_LOGS = next(node.name for node in addresses.NODES if node.small_logs)
POOL = {
    "image": "worker-tools:1",
    "imagePullPolicy": "IfNotPresent",
    "podTemplate": {"spec": {"nodeSelector": {"kubernetes.io/hostname": SMALL_LOGS}}},
}
SCRIPT = """\
import random, sys, time
out, rng = sys.stdout.buffer, random.Random(17)
out.write(b"a" * 10_485_760 + b"\\n")
out.write(bytes(range(256)) * 64 + b"\\n")
for percent in range(1000):
    out.write(b"\\rdone: %d of 1000" % percent)
out.write(b"\\n\\n\\n")
for burst in range(6):
    out.write(rng.randbytes(100_000))
    for line in range(20_000):
        out.write(b"burst %d line %d of output that comes all at once\\n" % (burst, line))
    out.flush()
    time.sleep(float(sys.argv[1]))
out.write(b"no line feed at the end")
"""
MOST_MIB = 64


@pytest.fixture(scope="module")
def expected() -> bytes:
    return subprocess.run([sys.executable, "-c", SCRIPT, "0"], capture_output=True, check=True).stdout


@pytest.fixture
def place(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workplace]:
    made = Workplace(cluster=cluster, folder=tmp_path_factory.mktemp("worker"), pools={"linux": POOL})
    made.install()
    yield made
    made.remove()


def submitted(place: Workplace, pause: float = 1.5) -> str:
    name = place.submit(SCRIPT, interpreter=["python3"], arguments=[str(pause)])
    place.until(name, {"Running"})
    return name


def peak(process: subprocess.Popen[bytes]) -> float:
    """The most memory a process ever had, in MiB."""
    status = Path(f"/proc/{process.pid}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def whole(place: Workplace, name: str, stored: bytes, expected: bytes) -> None:
    status = place.until(name, seconds=180)
    assert (status["phase"], status["log"]["complete"], status["log"]["missing"]) == ("Succeeded", True, 0), status
    decoder = frames.Decoder()
    found = decoder.feed(stored)
    assert (decoder.missing, decoder.foreign) == (0, b"")
    assert [frame.seq for frame in found] == list(range(1, len(found) + 1))
    output = frames.render(found)
    assert hashlib.sha256(output).hexdigest() == hashlib.sha256(expected).hexdigest()
    assert status["log"]["sha256"] == hashlib.sha256(expected).hexdigest()


def test_nothing_is_lost_and_little_memory_is_taken(place: Workplace, expected: bytes) -> None:
    process = place.start()
    name = submitted(place)
    place.until(name, seconds=180)
    whole(place, name, place.log(name), expected)
    assert peak(process) <= MOST_MIB


def _worker(place: Workplace) -> None:
    place.end(place.processes[-1], signal.SIGKILL)
    place.start()


def _kubelet(place: Workplace) -> None:
    with place.cluster.held(SMALL_LOGS, "kubelet"):
        time.sleep(2)


@pytest.mark.parametrize("fault", [_worker, _kubelet], ids=["worker", "kubelet"])
def test_nothing_is_lost_while_something_restarts(
    place: Workplace, expected: bytes, fault: Callable[[Workplace], None]
) -> None:
    place.start()
    name = submitted(place)
    for _ in range(3):
        time.sleep(1.2)
        fault(place)
    place.until(name, seconds=180)
    whole(place, name, place.log(name), expected)
    place.cluster.await_nodes()


def test_nothing_is_lost_while_the_real_api_server_is_killed_and_starts_again(
    place: Workplace, expected: bytes
) -> None:
    """Its own process, by SIGKILL, for everybody: worker, kubelets, scheduler."""
    place.start()
    name = submitted(place)
    for _ in range(2):
        time.sleep(1.2)
        with place.cluster.held(addresses.FIRST.name, "kube-apiserver"):
            time.sleep(2)
        place.cluster.await_ready(60)
    place.until(name, seconds=180)
    whole(place, name, place.log(name), expected)
    place.cluster.await_nodes()


def test_nothing_is_lost_while_the_way_to_the_api_server_is_cut(place: Workplace, expected: bytes) -> None:
    address = urlsplit(place.cluster.server)
    assert address.hostname is not None
    assert address.port is not None
    proxy = Proxy(address.hostname, address.port)
    try:
        place.start(server=f"https://127.0.0.1:{proxy.port}")
        name = submitted(place)
        for _ in range(3):
            time.sleep(1)
            proxy.cut()
            time.sleep(1)
            proxy.restore()
        place.until(name, seconds=180)
        whole(place, name, place.log(name), expected)
    finally:
        proxy.close()


def test_nothing_is_lost_on_the_way_to_a_bucket_that_goes_and_comes_back(
    place: Workplace, expected: bytes, object_store: ObjectStore
) -> None:
    settings = bucket.Settings(
        bucket=f"logs-{secrets.token_hex(4)}",
        prefix="e2e",
        endpoint=object_store.endpoint,
        credentials=object_store.credentials,
        ca=object_store.ca_file,
    )
    object_store.make_bucket(settings.bucket)
    given = {name: str(value) for name, value in asdict(settings).items()}
    place.start(bucket=given)
    name = submitted(place)
    time.sleep(1)
    object_store.stop()
    back = threading.Timer(3, object_store.start)
    back.start()
    time.sleep(1)
    place.end(place.processes[-1], signal.SIGKILL)
    process = place.start(bucket=given)
    back.join()
    place.until(name, seconds=180)
    log.info("the worker's peak: %.0f MiB", peak(process))
    assert peak(process) <= MOST_MIB
    uid = place.operation(name)["metadata"]["uid"]

    async def read() -> bytes:
        store = SegmentedStore(bucket.connect(settings), SystemClock())
        async with aclosing(store.read(uid, Span())) as batches:
            return b"".join([frame.line + b"\n" async for batch in batches for frame in batch])

    whole(place, name, asyncio.run(read()), expected)
    assert not list((place.folder / "logs").glob("*.log"))
    assert object_store.secret not in place.told()
