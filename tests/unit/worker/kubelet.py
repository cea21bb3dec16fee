"""A scheduler and kubelet in memory: what a pod goes through, told step by step by a test."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

from gitops import errors, worker
from gitops.api.meta import API_VERSION
from gitops.cluster.operations import OperationObjects
from gitops.objects import Manifest
from gitops.pods import marks
from gitops.ports.clock import Clock
from gitops.ports.frontdoor import FrontDoor
from gitops.ports.objects import DeleteOptions, Resource
from gitops.testing.clock import FakeClock, settle
from gitops.testing.download import FakeDownloads
from gitops.testing.events import FakeEvents
from gitops.testing.history import FakeHistory
from gitops.testing.logstore import FakeLogStore
from gitops.testing.objects import FakeObjects
from gitops.testing.podexec import FakePodExec
from gitops.testing.podlogs import FakePodLogs
from gitops.testing.store import Stored
from gitops.testing.watch import FakeWatch

HOME = "ci"
OPS = "ci-linux-ops"
RUNNER = "gitops-runner-0123456789ab"


@dataclass
class Pod:
    """One pod as the node sees it."""

    cluster: Cluster
    manifest: Manifest
    lines: list[bytes] = field(default_factory=list)

    @property
    def name(self) -> str:
        return str(self.manifest["metadata"]["name"])

    async def status(self, **status: Any) -> None:
        resource = await self.cluster.objects.resource("v1", "Pod")
        # The pod may be deleted at any moment: a kubelet is used to that.
        with contextlib.suppress(errors.ObjectMissing):
            await self.cluster.objects.patch_status(resource, OPS, self.name, {"status": status})
        await settle()

    async def bind(self, node: str = "one") -> None:
        """The scheduler chooses a node."""
        resource = await self.cluster.objects.resource("v1", "Pod")
        found = self.cluster.objects.server.get(resource, OPS, self.name)
        if found is not None:
            found["spec"]["nodeName"] = node
            self.cluster.objects.server.replace(resource, found)
        await settle()

    async def container(self, **state: Any) -> None:
        entry = {"name": marks.CONTAINER, "state": state}
        await self.status(phase="Failed" if "terminated" in state else "Running", containerStatuses=[entry])

    async def run(self) -> None:
        self.cluster.logs.write(OPS, self.name, marks.CONTAINER, b"")
        await self.container(running={"startedAt": "2026-01-01T00:00:05Z"})

    def say(self, *lines: str) -> None:
        for line in lines:
            offset = sum(len(one) + 1 for one in self.lines)
            frame = f"{len(self.lines) + 1}|o|{offset}|{line}\n".encode()
            self.lines.append(line.encode())
            self.cluster.logs.write(OPS, self.name, marks.CONTAINER, frame)

    def record(self, code: int = 0, **more: Any) -> str:
        output = b"".join(line + b"\n" for line in self.lines)
        return json.dumps(
            {
                "version": 1,
                "exitCode": code,
                "lastSeq": len(self.lines) + 1,
                "lines": len(self.lines),
                "bytes": len(output),
                "sha256": hashlib.sha256(output).hexdigest(),
                **more,
            }
        )

    async def end(self, code: int = 0, **more: Any) -> None:
        record = self.record(code, **more)
        frame = f"{len(self.lines) + 1}|x|0|{record}\n".encode()
        self.cluster.logs.write(OPS, self.name, marks.CONTAINER, frame)
        self.cluster.logs.end(OPS, self.name, marks.CONTAINER)
        terminated = {"exitCode": code, "startedAt": "2026-01-01T00:00:05Z", "message": record, "reason": "Completed"}
        await self.container(terminated=terminated)

    async def play(self, *lines: str, code: int = 0) -> None:
        await self.run()
        self.say(*lines)
        await self.end(code)


Behaviour = Callable[[Pod], Coroutine[Any, Any, None]]


async def end_all() -> None:
    """End every task but the one that asks: nothing of a test's cluster goes on after it."""
    others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)


class Cluster:
    """An API server, its nodes, one pool, and as many worker processes as a test starts."""

    def __init__(self, clock: Clock | None = None) -> None:
        self.clock = FakeClock()
        """Stands still until told; not what a cluster goes by that was given another one."""
        self._clock: Clock = clock or self.clock
        self.store = FakeLogStore(self._clock)
        self.objects = FakeObjects(clock=self._clock, namespaces=(HOME, OPS))
        self.watch = FakeWatch(self.objects)
        self.door: FrontDoor = OperationObjects(objects=self.objects, watch=self.watch, namespace=HOME)
        self.logs = FakePodLogs()
        self.exec = FakePodExec()
        self.downloads = FakeDownloads()
        self.events = FakeEvents()
        self.history = FakeHistory(self.objects)
        self.pods: dict[str, Pod] = {}
        self.starts: list[str] = []
        self.scripts: list[str] = []
        """Pods whose script began, as far as their behaviour says it."""
        self.services: list[worker.Service] = []
        self.behaviour: Behaviour | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self.objects.store.listen(self._see)

    def _see(self, change: Stored) -> None:
        if change.address[1] != "Pod":
            return
        name = change.address[3]
        if change.gone:
            self.logs.forget(OPS, name)
        elif change.before is None:
            self.starts.append(name)
            pod = self.pods[name] = Pod(self, change.object)
            self.logs.expect(OPS, name, marks.CONTAINER)
            if self.behaviour is not None:
                self._do(self.behaviour(pod))
        elif change.object["metadata"].get("deletionTimestamp") and _ended(change.object):
            self._do(self._confirm(name))

    def _do(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _confirm(self, name: str) -> None:
        """A pod that has ended and is to be deleted goes when its kubelet says so."""
        await asyncio.sleep(0)
        resource = await self.objects.resource("v1", "Pod")
        self.objects.server.delete(resource, OPS, name, DeleteOptions(grace_seconds=0))

    async def kind(self, name: str) -> Resource:
        return await self.objects.resource(
            "v1" if name in {"Pod", "ConfigMap", "ServiceAccount"} else API_VERSION, name
        )

    async def make(self, kind: str, name: str, namespace: str = HOME, **content: Any) -> Manifest:
        resource = await self.kind(kind)
        metadata = {"name": name, "namespace": namespace}
        return await self.objects.create(
            resource, {"apiVersion": resource.api_version, "kind": kind, "metadata": metadata, **content}
        )

    async def furnish(self, **pool: Any) -> None:
        """A Worker `main`, its pool `linux`, and the pool's expansion."""
        await self.make("Worker", "main", spec={"pools": ["linux"], "image": "gitops-worker:1"})
        await self.make("WorkerPool", "linux", spec={"image": "busybox:1", **pool})
        await self.make("ServiceAccount", "linux", OPS)
        await self.make("ConfigMap", RUNNER, OPS)

    async def submit(self, name: str = "build", **spec: Any) -> Manifest:
        return await self.make("Operation", name, spec={"pool": "linux", "script": "echo hi\n", **spec})

    async def operation(self, name: str = "build") -> Manifest | None:
        return await self.objects.get(await self.kind("Operation"), HOME, name)

    async def status(self, name: str = "build") -> dict[str, Any]:
        found = await self.operation(name)
        assert found is not None
        return dict(found.get("status") or {})

    async def delete(self, kind: str, name: str, namespace: str = HOME) -> None:
        await self.objects.delete(await self.kind(kind), namespace, name, options=DeleteOptions())
        await settle()

    def start(self, process: str = "one", **ports_of_its_own: Any) -> asyncio.Task[None]:
        """Another worker process, on the cluster's ports but for those it is given."""
        shared = {
            "door": self.door,
            "objects": self.objects,
            "watch": self.watch,
            "logs": self.logs,
            "exec": self.exec,
            "downloads": self.downloads,
            "history": self.history,
            "store": self.store,
            "events": self.events,
            "clock": self._clock,
        }
        ports = worker.Ports(**{**shared, **ports_of_its_own})
        who = worker.Identity(namespace=HOME, worker="main", process=process, runner=RUNNER)
        return asyncio.create_task(worker.serve(ports, who, started=self.services.append))

    async def pass_time(self, seconds: float) -> None:
        await rest()
        await self.clock.advance(seconds)
        await rest()

    def log(self, uid: str) -> list[bytes]:
        return [frame.line for frame in self.store.frames(uid)]

    def count(self, *kinds: str) -> list[str]:
        return [call.verb for call in self.objects.calls if call.kind in kinds]


def _ended(pod: Manifest) -> bool:
    return (pod.get("status") or {}).get("phase") in {"Failed", "Succeeded"}


async def rest() -> None:
    """Let tasks get on until each waits for something real."""
    for _ in range(5):
        await settle()


async def stop(task: asyncio.Task[None]) -> None:
    """End a worker process as SIGKILL would, as far as the cluster can tell."""
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
