"""Many short operations on the two-node cluster: API requests each, and the time for all against Jobs of the same pod.

    python -m benchmarks.operations [--operations 200] [--rounds 1] [--seconds 1]

Requests are those of the worker's account, from the audit log, one an auditID; the user's create is not among them.
Operations and Jobs take turns. The last part runs the same engine behind a door that keeps what it is told itself.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import datetime as dt
import os
import statistics
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from benchmarks import ground
from gitops import cluster, runner, worker
from gitops.download import HttpDownloads
from gitops.logstore import DirectoryStore
from gitops.objects import Manifest
from gitops.ports.objects import Resource
from gitops.testing.frontdoor import FakeFrontDoor
from gitops.testing.server import FakeServer
from tests.cluster.audit import AuditEvent
from tests.e2e.workplace import FINAL, WORKER, Workplace

TARGET_REQUESTS, TARGET_OWN_DOOR, TARGET_TIME = 6.2, 3.2, 1.10
COUNTED = {"operations", "pods"}
"""What belongs to an operation. Leases, conditions of pools and watches cost the same however many there are."""


def main() -> int:
    """Measure, print, and say whether a target was missed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--operations", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=1.0)
    chosen = parser.parse_args()
    script = f"echo start\nsleep {chosen.seconds:g}\necho end\n"
    with ground.place() as place:
        process = place.start()
        ours, jobs, counts = [], [], Counter[str]()
        for _ in range(chosen.rounds):
            since = dt.datetime.now(dt.UTC)
            ours.append(asyncio.run(operations(place, script, chosen.operations)))
            counts += requests(place, since)
            jobs.append(asyncio.run(rivals(place, script, chosen.operations)))
        place.end(process)
        own = asyncio.run(own_door(place, "echo hi\n", min(chosen.operations, 50)))
    each = counts.total() / (chosen.operations * chosen.rounds)
    ratio = statistics.median(ours) / statistics.median(jobs)
    print(f"requests an operation                {each:.2f} (at most {TARGET_REQUESTS})   {dict(counts)}")
    print(f"requests, a door that acknowledges   {own:.2f} (at most {TARGET_OWN_DOOR})")
    print(
        f"{chosen.operations} operations of {chosen.seconds:g} s         {statistics.median(ours):.1f} s, "
        f"as Jobs {statistics.median(jobs):.1f} s: {ratio:.2f} x (at most {TARGET_TIME})"
    )
    return int(each > TARGET_REQUESTS or own > TARGET_OWN_DOOR or ratio > TARGET_TIME)


async def operations(place: Workplace, script: str, number: int) -> float:
    """Seconds from the first create to the last end."""
    made = [ground.operation(place, script) for _ in range(number)]
    phases = Counter[str]()

    def over(item: Manifest) -> bool:
        phase = (item.get("status") or {}).get("phase") or ""
        phases[phase] += phase in FINAL
        return phase in FINAL

    taken = await all_over(place, ground.OPERATIONS, made, over)
    if phases.total() != phases["Succeeded"]:
        sys.exit(f"not all succeeded: {dict(phases)}\n{place.told()}")
    return taken


async def rivals(place: Workplace, script: str, number: int) -> float:
    """The same for Jobs."""
    made = [ground.job(ground.rival(place, script)) for _ in range(number)]

    def over(item: Manifest) -> bool:
        status = item.get("status") or {}
        if status.get("failed"):
            sys.exit(f"a Job failed: {ground.dumped(status)}")
        return bool(status.get("succeeded"))

    taken = await all_over(place, ground.JOBS, made, over)
    place.cluster.kubectl("delete", "jobs", "--all", "-n", ground.bare(place), "--wait=true")
    return taken


async def all_over(place: Workplace, kind: Resource, made: list[Manifest], over: Callable[[Manifest], bool]) -> float:
    """Create all of them, and give the seconds until the last of them is over."""
    waiting = {one["metadata"]["name"] for one in made}
    namespace = made[0]["metadata"]["namespace"]
    ready = asyncio.Event()

    async def watch() -> None:
        async with contextlib.aclosing(ground.seen(connection, kind, namespace)) as items:
            ready.set()
            async for item in items:
                if item["metadata"]["name"] in waiting and over(item):
                    waiting.discard(item["metadata"]["name"])
                    if not waiting:
                        return

    async with ground.admin(place.cluster) as connection, asyncio.timeout(600):
        watching = asyncio.create_task(watch())
        await ready.wait()
        begun = time.perf_counter()
        await asyncio.gather(*(connection.objects.create(kind, one) for one in made))
        await watching
        return time.perf_counter() - begun


def requests(place: Workplace, since: dt.datetime) -> Counter[str]:
    """What the worker's account asked, by verb and resource."""
    time.sleep(5)  # the last deletes, and the audit log behind them
    return Counter(_name(one) for one in place.cluster.audit(user=place.user, since=since) if _counts(one))


def _counts(event: AuditEvent) -> bool:
    return event.verb != "watch" and event.resource in COUNTED


def _name(event: AuditEvent) -> str:
    return f"{event.verb} {event.resource}{'/' if event.subresource else ''}{event.subresource}"


def over(item: Manifest) -> bool:
    """An operation has ended."""
    return ((item.get("status") or {}).get("phase") or "") in FINAL


async def own_door(place: Workplace, script: str, number: int) -> float:
    """Requests an operation if the door needs none: create, log, delete."""
    groups = ("system:serviceaccounts", f"system:serviceaccounts:{place.namespace}", "system:authenticated")
    config = cluster.load(kubeconfig=str(place.cluster.user(place.user, groups=groups)))
    async with cluster.connect(config, component="worker") as connection:
        server = FakeServer(connection.clock, (place.namespace,))
        door = FakeFrontDoor(server, place.namespace)
        ports = worker.Ports(
            door=door,
            objects=connection.objects,
            watch=connection.watch,
            logs=connection.logs,
            exec=connection.exec,
            downloads=HttpDownloads(os.environ),
            history=connection.history,
            store=DirectoryStore(Path(place.folder) / "own", connection.clock),
            events=connection.events,
            clock=connection.clock,
        )
        who = worker.Identity(
            namespace=place.namespace,
            worker=WORKER,
            process="benchmark-own-door",
            runner=runner.config_map_name(runner.files()),
        )
        services: list[worker.Service] = []
        serving = asyncio.create_task(worker.serve(ports, who, started=services.append))
        async with asyncio.timeout(300):
            await ground.until(lambda: bool(services) and any(services[0].ready_pools().values()))
            since = dt.datetime.now(dt.UTC)
            for index in range(number):
                door.submit(f"own-{index}", {"pool": ground.POOL, "script": script})
            await ground.until(lambda: all(over(door.kept(f"own-{index}")) for index in range(number)))
            await ground.until(lambda: not services[0].live)
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)
    return requests(place, since).total() / number


if __name__ == "__main__":
    sys.exit(main())
