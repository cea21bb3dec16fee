"""How much later the first log line comes through the worker than from a bare pod of the same spec and volumes.

    python -m benchmarks.firstline [--pairs 100]

One after the other, in turn: a bare pod (create, watch until it runs, follow its log to the first byte) and an
operation (create, until its first frame is in the worker's log store).
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import random
import statistics
import sys
import time

from benchmarks import ground
from gitops import cluster
from gitops.objects import Manifest
from gitops.ports.objects import DeleteOptions
from tests.e2e.workplace import Workplace

TARGET_MEDIAN, TARGET_LATE = 0.150, 0.500
SCRIPT = "echo start\n"
PAUSE = 0.5
"""Seconds between two: a node that still tidies up after one would slow the next."""
RELIST = 1.0
"""Seconds between two looks of a kubelet at its containers. A pod is seen running at the next look, and what is
measured ends with one: begun a fixed time later, one of the two would always wait longer for its own."""


def main() -> int:
    """Measure, print, and say whether a target was missed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--pairs", type=int, default=100)
    pairs = parser.parse_args().pairs
    with ground.place() as place:
        process = place.start()
        bare, ours = asyncio.run(measure(place, pairs))
        place.end(process)
    median = statistics.median(ours) - statistics.median(bare)
    late = quantile(ours, 0.95) - quantile(bare, 0.95)
    print(f"first line of a bare pod        median {statistics.median(bare):.3f} s, p95 {quantile(bare, 0.95):.3f} s")
    print(f"first line through the worker   median {statistics.median(ours):.3f} s, p95 {quantile(ours, 0.95):.3f} s")
    print(
        f"later by                        median {median * 1000:+.0f} ms (at most +{TARGET_MEDIAN * 1000:.0f}), "
        f"p95 {late * 1000:+.0f} ms (at most +{TARGET_LATE * 1000:.0f}), {pairs} pairs"
    )
    return int(median > TARGET_MEDIAN or late > TARGET_LATE)


def quantile(values: list[float], share: float) -> float:
    """The least value that this share of them does not exceed."""
    return sorted(values)[min(int(share * len(values)), len(values) - 1)]


async def measure(place: Workplace, pairs: int) -> tuple[list[float], list[float]]:
    """Seconds of each, after one of either that does not count."""
    bare, ours = [], []
    chance = random.Random(1)  # noqa: S311 - where in a second to begin, no secret
    async with ground.admin(place.cluster) as connection:
        for number in range(pairs + 1):
            await asyncio.sleep(PAUSE + chance.uniform(0, RELIST))
            one = await pod(connection, ground.rival(place, SCRIPT))
            await asyncio.sleep(PAUSE + chance.uniform(0, RELIST))
            two = await operation(connection, place)
            if number:
                bare.append(one)
                ours.append(two)
    return bare, ours


async def pod(connection: cluster.Cluster, made: Manifest) -> float:
    """Until the first byte of a bare pod's log."""
    namespace, name = made["metadata"]["namespace"], made["metadata"]["name"]
    ready, runs = asyncio.Event(), asyncio.Event()

    async def watch() -> None:
        async with contextlib.aclosing(ground.seen(connection, ground.PODS, namespace)) as items:
            ready.set()
            async for item in items:
                states = (item.get("status") or {}).get("containerStatuses") or ()
                if item["metadata"]["name"] == name and any(
                    {"running", "terminated"} & one["state"].keys() for one in states
                ):
                    runs.set()
                    return

    async with asyncio.timeout(120):
        watching = asyncio.create_task(watch())
        await ready.wait()
        await asyncio.sleep(0.1)
        begun = time.perf_counter()
        await connection.objects.create(ground.PODS, made)
        await runs.wait()
        container = made["spec"]["containers"][0]["name"]
        async with contextlib.aclosing(connection.logs.read(namespace, name, container)) as chunks:
            await anext(chunks)
        taken = time.perf_counter() - begun
        await watching
        await connection.objects.delete(ground.PODS, namespace, name, options=DeleteOptions())
    return taken


async def operation(connection: cluster.Cluster, place: Workplace) -> float:
    """Until the first frame of an operation is stored."""
    begun = time.perf_counter()
    made = await connection.objects.create(ground.OPERATIONS, ground.operation(place, SCRIPT))
    path = place.folder / "logs" / f"{made['metadata']['uid']}.log"
    async with asyncio.timeout(120):
        await ground.until(lambda: path.exists() and path.stat().st_size > 0, every=0.004)
        taken = time.perf_counter() - begun
        end = path.with_suffix(".end")
        await ground.until(end.exists)
    return taken


if __name__ == "__main__":
    sys.exit(main())
