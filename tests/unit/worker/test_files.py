"""Files from URLs: fetched by the worker, brought into the pod that waits for them, whoever dies on the way."""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import AsyncGenerator
from typing import Any

import pytest

from gitops import errors
from gitops.ports.objects import DeleteOptions
from gitops.testing.download import Serving
from gitops.testing.podexec import Waiting, failed
from tests.unit.worker.kubelet import OPS, Cluster, Pod, end_all, stop

BIG, TOOL = os.urandom(200_000), b"#!/bin/sh\n"
HOST = "https://files.example/releases"
ALLOW = {"urls": [f"{HOST}/"], "maxFileSize": 250_000}


def entry(path: str, content: bytes, url: str = "", **more: Any) -> dict[str, Any]:
    digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
    return {"path": path, "url": url or f"{HOST}/{path}?sig=s3cret", "digest": digest, **more}


FILES = [entry("big.tar", BIG), entry("bin/tool", TOOL, executable=True)]


@pytest.fixture
async def cluster() -> AsyncGenerator[Cluster, None]:
    made = Cluster()
    made.downloads.serve(f"{HOST}/big.tar", Serving(content=BIG))
    made.downloads.serve(f"{HOST}/bin/tool", Serving(content=TOOL))
    made.behaviour = wait_and_run
    yield made
    await end_all()


async def wait_and_run(pod: Pod) -> None:
    """As the runner does: start the script once every file is there; told to end before, say that it never started."""
    await asyncio.sleep(0)
    await pod.bind()
    waiting = pod.cluster.exec.waiting[pod.name] = Waiting()
    await pod.run()
    resource = await pod.cluster.kind("Pod")
    while waiting.missing(len(FILES)):
        found = await pod.cluster.objects.get(resource, OPS, pod.name)
        if found is None:
            return
        if found["metadata"].get("deletionTimestamp"):
            await pod.end(126, filesAwaited=True)
            return
        await pod.cluster.clock.sleep(0.5)
    pod.cluster.scripts.append(pod.name)
    pod.say("begun")
    await pod.end(started="2026-01-01T00:01:00.123Z", finished="2026-01-01T00:01:02.000Z")


async def submitted(cluster: Cluster, *files: dict[str, Any], **pool: Any) -> str:
    await cluster.furnish(**{"allow": ALLOW, "retry": {"delay": "1s"}, **pool})
    cluster.start()
    made = await cluster.submit(filesFrom=list(files or FILES))
    return str(made["metadata"]["uid"])


async def told(cluster: Cluster) -> str:
    """Everything that people may read of it."""
    events = [str(one) for one in cluster.events.told]
    return f"{(await cluster.operation() or {}).get('status')} {events}"


async def test_files_come_before_the_script_starts(cluster: Cluster) -> None:
    uid = await submitted(cluster)
    await cluster.pass_time(2)
    status = await cluster.status()
    assert (status["phase"], status["startedAt"]) == ("Succeeded", "2026-01-01T00:01:00Z")
    waiting = cluster.exec.waiting[f"op-{uid}-1"]
    assert waiting.files == {0: BIG, 1: TOOL}
    assert waiting.paths == {0: "big.tar", 1: "bin/tool"}
    sends = [command for command in cluster.exec.commands if "--receive" in command]
    assert [command[command.index("--mode") + 1] for command in sends] == ["644", "755"]
    assert "s3cret" not in f"{cluster.exec.commands} {await told(cluster)}"


async def test_it_is_starting_until_they_are_there(cluster: Cluster) -> None:
    cluster.downloads.serve(f"{HOST}/big.tar", Serving(status=503))
    await submitted(cluster)
    await cluster.pass_time(12)
    status = await cluster.status()
    assert (status["phase"], status["reason"]) == ("Starting", "FilesUnavailable")
    assert f"cannot fetch {HOST}/big.tar: the server answers HTTP 503" in status["message"]
    assert "startedAt" not in status
    cluster.downloads.serve(f"{HOST}/big.tar", Serving(content=BIG))
    await cluster.pass_time(20)
    assert (await cluster.status())["phase"] == "Succeeded"
    assert len(cluster.starts) == 1
    assert "s3cret" not in await told(cluster)


BEFORE_A_POD = [
    ("https://other.example/x?sig=s3cret", "url https://other.example/x (allowed: https://files.example/releases/)"),
    ("http://files.example/releases/x", "url http://files.example/releases/x"),
    (f"{HOST}/../x?sig=s3cret", "the url of the file x: its path has parts that servers resolve"),
    ("https://files.example@evil/releases/x", "the url of the file x: it has a user name or password in it"),
]


@pytest.mark.parametrize(("url", "words"), BEFORE_A_POD)
async def test_what_is_not_allowed_makes_no_pod(cluster: Cluster, url: str, words: str) -> None:
    await submitted(cluster, entry("x", b"", url))
    await cluster.pass_time(2)
    status = await cluster.status()
    assert (status["phase"], status["reason"]) == ("Failed", "NotAllowed")
    assert words in status["message"]
    assert "s3cret" not in await told(cluster)
    assert (cluster.starts, cluster.downloads.asked) == ([], [])


WRONG = {
    "missing": (Serving(status=404), "HTTP 404"),
    "other": (Serving(content=b"other"), f"its digest is sha256:{hashlib.sha256(b'other').hexdigest()} (5 bytes)"),
    "large": (Serving(content=bytes(250_001)), "250000"),
    "led away": (Serving(location="http://169.254.169.254/latest?sig=s3cret"), "http://169.254.169.254/latest"),
}


@pytest.mark.parametrize("case", WRONG)
async def test_what_is_certain_is_named_and_not_tried_again(cluster: Cluster, case: str) -> None:
    served, words = WRONG[case]
    cluster.downloads.serve(f"{HOST}/big.tar", served)
    uid = await submitted(cluster)
    await cluster.pass_time(5)
    await cluster.pass_time(5)
    status = await cluster.status()
    assert (status["phase"], status["reason"], status.get("attempts")) == ("Failed", "FilesInvalid", None)
    assert f"{HOST}/big.tar" in status["message"]
    assert words in status["message"]
    assert ("exitCode" in status, "startedAt" in status) == (False, False)
    assert cluster.starts == [f"op-{uid}-1"]
    assert cluster.scripts == []
    assert "s3cret" not in await told(cluster)


async def test_what_does_not_come_in_time_is_another_attempt(cluster: Cluster) -> None:
    cluster.downloads.serve(f"{HOST}/big.tar", Serving(content=BIG, cut=100_000))
    uid = await submitted(cluster, timeouts={"files": "30s"})
    for _ in range(9):
        await cluster.pass_time(4)
    cluster.downloads.serve(f"{HOST}/big.tar", Serving(content=BIG))
    for _ in range(6):
        await cluster.pass_time(4)
    status = await cluster.status()
    assert status["phase"] == "Succeeded", status
    (first,) = status["attempts"]
    assert (first["reason"], first.get("started", False)) == ("FilesUnavailable", False)
    assert f"cannot fetch {HOST}/big.tar: the connection broke after 100000 bytes" in first["message"]
    assert cluster.starts == [f"op-{uid}-1", f"op-{uid}-2"]
    assert cluster.scripts == [f"op-{uid}-2"]
    assert "s3cret" not in await told(cluster)


async def test_attempts_have_an_end(cluster: Cluster) -> None:
    cluster.downloads.serve(f"{HOST}/big.tar", Serving(status=503))
    await submitted(cluster, timeouts={"files": "20s"}, retry={"attempts": 2, "delay": "1s"})
    for _ in range(20):
        await cluster.pass_time(5)
    status = await cluster.status()
    assert (status["phase"], status["reason"], len(status["attempts"])) == ("Failed", "FilesUnavailable", 1)
    assert cluster.scripts == []


async def test_a_file_without_room_is_named(cluster: Cluster) -> None:
    def full(pod: str, sent: int) -> None:
        if sent > 70_000:
            raise failed(pod, 12, "big.tar: No space left on device")

    cluster.exec.broken = full
    await submitted(cluster)
    await cluster.pass_time(5)
    status = await cluster.status()
    assert (status["phase"], status["reason"]) == ("Failed", "FilesNotWritten")
    assert "big.tar: No space left on device" in status["message"]


async def test_a_stream_that_breaks_in_the_cluster_is_sent_again(cluster: Cluster) -> None:
    breaks = 3

    def break_off(pod: str, sent: int) -> None:
        nonlocal breaks
        if breaks and sent > 70_000:
            breaks -= 1
            raise errors.ClusterUnavailable(f"the connection to {pod} broke")

    cluster.exec.broken = break_off
    await submitted(cluster)
    await cluster.pass_time(5)
    assert (await cluster.status())["phase"] == "Succeeded"
    assert (breaks, len(cluster.starts)) == (0, 1)


@pytest.mark.parametrize("how", ["cancel", "delete"])
async def test_a_cancel_while_files_are_fetched(cluster: Cluster, how: str) -> None:
    cluster.downloads.serve(f"{HOST}/big.tar", Serving(status=503))
    uid = await submitted(cluster)
    await cluster.pass_time(3)
    if how == "delete":
        await cluster.delete("Operation", "build")
    else:
        kind, found = await cluster.kind("Operation"), await cluster.operation()
        assert found is not None
        found["metadata"].setdefault("annotations", {})["gitops-worker.io/cancel"] = "enough"
        await cluster.objects.replace(kind, found)
    asked = len(cluster.downloads.asked)
    await cluster.pass_time(30)
    if how == "cancel":
        status = await cluster.status()
        assert (status["phase"], status["message"]) == ("Cancelled", "cancelled before the script started: enough")
    assert cluster.objects.store.get(("", "Pod", OPS, f"op-{uid}-1")) is None
    assert (len(cluster.downloads.asked) - asked, cluster.scripts) == (0, [])


@pytest.mark.parametrize("nth", range(1, 9))
async def test_a_worker_dies_at_any_moment_of_it(cluster: Cluster, nth: int) -> None:
    await cluster.furnish(allow=ALLOW)
    first = cluster.start("one")
    seen = 0

    def die(pod: str, sent: int) -> None:
        nonlocal seen
        seen += 1
        if seen == nth:
            first.cancel()
            raise errors.ClusterUnavailable(f"the process died, {pod} has {sent} bytes")

    cluster.exec.broken = die
    uid = (await cluster.submit(filesFrom=FILES))["metadata"]["uid"]
    await cluster.pass_time(1)
    if seen >= nth:
        assert first.done()
        cluster.store.lose()
        cluster.start("two")
    for _ in range(8):
        await cluster.pass_time(5)
    assert (await cluster.status())["phase"] == "Succeeded"
    assert cluster.scripts == cluster.starts == [f"op-{uid}-1"]
    assert cluster.exec.waiting[f"op-{uid}-1"].files == {0: BIG, 1: TOOL}


async def test_two_workers_bring_the_same_files_at_once(cluster: Cluster) -> None:
    await cluster.furnish(allow=ALLOW)
    uid = (await cluster.submit(filesFrom=FILES))["metadata"]["uid"]
    cluster.start("one")
    cluster.start("two")
    for _ in range(4):
        await cluster.pass_time(5)
    assert (await cluster.status())["phase"] == "Succeeded"
    assert cluster.scripts == [f"op-{uid}-1"]


async def test_a_successor_asks_the_pod_and_fetches_nothing_that_is_there(cluster: Cluster) -> None:
    async def long(pod: Pod) -> None:
        await asyncio.sleep(0)
        pod.cluster.exec.waiting[pod.name] = Waiting()
        await pod.run()
        pod.say("begun")

    cluster.behaviour = long
    await cluster.furnish(allow=ALLOW)
    first = cluster.start("one")
    uid = (await cluster.submit(filesFrom=FILES))["metadata"]["uid"]
    await cluster.pass_time(2)
    assert (await cluster.status())["phase"] == "Running"
    await stop(first)
    cluster.downloads.asked.clear()
    cluster.start("two")
    await cluster.pass_time(30)
    assert (await cluster.status())["phase"] == "Running"
    assert cluster.downloads.asked == []
    await cluster.pods[f"op-{uid}-1"].end()
    await cluster.pass_time(2)
    assert (await cluster.status())["phase"] == "Succeeded"


async def test_a_pod_that_is_deleted_while_it_waits_never_started(cluster: Cluster) -> None:
    cluster.downloads.serve(f"{HOST}/big.tar", Serving(status=503))
    uid = await submitted(cluster)
    await cluster.pass_time(3)
    options = DeleteOptions()
    await cluster.objects.delete(await cluster.kind("Pod"), OPS, f"op-{uid}-1", options=options)
    await cluster.pass_time(10)
    status = await cluster.status()
    assert (status["phase"], status["reason"]) == ("Failed", "PodDeleted")
    assert "before the script started" in status["message"]


async def test_without_urls_nothing_more_is_asked(cluster: Cluster) -> None:
    async def echo(pod: Pod) -> None:
        await asyncio.sleep(0)
        await pod.play("hello")

    cluster.behaviour = echo
    await cluster.furnish(allow=ALLOW)
    cluster.start()
    await cluster.submit(filesFrom=[{"path": "keys", "configMap": {"name": "site"}}])
    await cluster.pass_time(2)
    assert (await cluster.status())["phase"] == "Succeeded"
    assert cluster.exec.commands == []
