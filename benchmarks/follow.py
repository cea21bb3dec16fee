"""Lines a second through one follower on the cluster, stored, against `kubectl logs -f` of the same pod.

    python -m benchmarks.follow [--rounds 5]

The pod has written its log before anybody reads, so that what is measured is reading: in turn, medians. The log stays
below the size at which the kubelet rotates it.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

from benchmarks import ground
from gitops import cluster, errors
from gitops.logstore import DirectoryStore
from gitops.objects import Manifest
from gitops.runner.frames import Decoder
from tests.cluster import kubectl
from tests.cluster.addresses import FIRST
from tests.e2e.workplace import Workplace

TARGET = 0.9
LINES = 60_000
SCRIPT = (
    f"i=0\nwhile [ $i -lt {LINES // 20} ]; do echo '{chr(10).join(['x' * 79] * 20)}'; i=$((i + 1)); done\nsleep 600\n"
)


def main() -> int:
    """Measure, print, and say whether the target was missed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    with ground.place() as place:
        made = ground.rival(place, SCRIPT)
        # The other node rotates its logs early, for the tests.
        made["spec"]["nodeSelector"] = made["spec"].get("nodeSelector", {}) | {"kubernetes.io/hostname": FIRST.name}
        ours, theirs = asyncio.run(measure(place, made, rounds))
    one, other = LINES / statistics.median(ours), LINES / statistics.median(theirs)
    print(
        f"lines/s followed and stored   {one:,.0f}, kubectl logs -f {other:,.0f}: {one / other:.2f} x "
        f"(at least {TARGET})"
    )
    return int(one < TARGET * other)


async def measure(place: Workplace, made: Manifest, rounds: int) -> tuple[list[float], list[float]]:
    """Seconds of each."""
    ours, theirs = [], []
    async with ground.admin(place.cluster) as connection, asyncio.timeout(600):
        await connection.objects.create(ground.PODS, made)
        while await follow(connection, made, place.folder / "warm", until=1) is None:  # noqa: ASYNC110 - it asks
            await asyncio.sleep(0.5)
        await follow(connection, made, place.folder / "all")
        for number in range(rounds):
            theirs.append(await asyncio.to_thread(kubectl_logs, place, made))
            ours.append(await follow(connection, made, place.folder / f"round-{number}") or 0.0)
    return ours, theirs


async def follow(connection: cluster.Cluster, made: Manifest, folder: Path, *, until: int = LINES) -> float | None:
    """Seconds until so many lines are stored, connection included; None if there is no log yet."""
    decoder, writer = Decoder(), await DirectoryStore(folder, connection.clock).writer("0")
    metadata, container = made["metadata"], made["spec"]["containers"][0]["name"]
    begun = time.perf_counter()
    try:
        chunks = connection.logs.read(metadata["namespace"], metadata["name"], container)
        async with contextlib.aclosing(chunks):
            async for chunk in chunks:
                frames = decoder.feed(chunk)
                if frames:
                    await writer.append(frames)
                if decoder.last >= until:
                    return time.perf_counter() - begun
    except errors.ClusterError:
        return None
    finally:
        await writer.close(finished=True)
    return None


def kubectl_logs(place: Workplace, made: Manifest) -> float:
    """Seconds until as many lines came out of kubectl, its start included."""
    metadata = made["metadata"]
    command = [str(kubectl()), f"--kubeconfig={place.cluster.kubeconfig}", "logs", "-f", metadata["name"]]
    begun, seen = time.perf_counter(), 0
    with subprocess.Popen([*command, "-n", metadata["namespace"]], stdout=subprocess.PIPE) as child:
        assert child.stdout is not None  # noqa: S101 - a pipe was asked for
        while seen < LINES and (block := os.read(child.stdout.fileno(), 1 << 16)):
            seen += block.count(b"\n")
        taken = time.perf_counter() - begun
        child.kill()
    if seen < LINES:
        sys.exit(f"kubectl showed {seen} lines instead of {LINES}")
    return taken


if __name__ == "__main__":
    sys.exit(main())
