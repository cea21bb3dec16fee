"""Telling a story: the cluster, its nodes, the workers one after the other or at once, and what goes wrong."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field
from typing import Any, Self

from gitops import worker
from gitops.cluster.operations import OperationObjects
from gitops.ports.logstore import LogStore
from gitops.testing.download import Serving
from gitops.testing.store import Stored
from tests.chaos.stories import incidents, storage
from tests.chaos.stories.line import FINAL, Line, LineDownloads, LineExec, LineHistory, LineLogs, LineObjects, LineWatch
from tests.chaos.stories.loop import VirtualClock
from tests.chaos.stories.node import Nodes
from tests.chaos.stories.plot import FILES, SECRET, TROUBLE, Incident, Job, Plot
from tests.unit.worker.kubelet import HOME, OPS, RUNNER, Cluster

PATIENCE = 1200.0
"""Seconds after the trouble in which everything must have come to its end."""
BACK_AFTER = 3.0
"""Seconds after which a kubelet starts a worker anew that died by itself."""


@dataclass
class Process:
    """One worker process; `slot` is the Deployment's place it fills, and with it its volume."""

    line: Line
    clock: VirtualClock
    slot: int
    store: LogStore
    task: asyncio.Task[None] | None = None
    service: list[worker.Service] = field(default_factory=list)

    @property
    def runs(self) -> bool:
        return self.task is not None and not self.task.done() and not self.line.dead


@dataclass
class End:
    """One final state of an operation, as it was written."""

    uid: str
    status: dict[str, Any]
    at: float


class _Heard(logging.Handler):
    def __init__(self, words: list[str]) -> None:
        super().__init__()
        self._words = words

    def emit(self, record: logging.LogRecord) -> None:
        self._words.append(f"{record.levelname} {record.getMessage()}")


class Story:
    """One story, told once."""

    def __init__(self, plot: Plot) -> None:
        self.plot = plot
        self.cluster = Cluster(VirtualClock())
        self.nodes = Nodes(self.cluster)
        self.processes: list[Process] = []
        self.volumes = [storage.Volume(VirtualClock()), storage.Volume(VirtualClock())]
        self.bucket = storage.Objects()
        self.ends: dict[str, list[End]] = {}
        self.uids: dict[str, str] = {}
        """Of the newest operation of each name."""
        self.calm_at = 0.0
        self.left: list[str] = []
        """Pods that were still there when the story ended."""
        self.busy: list[int] = []
        """Operations in flight then, by process."""
        self.told: list[str] = []
        """What the workers logged."""
        self.cluster.objects.store.listen(self._see)

    def _see(self, change: Stored) -> None:
        if change.address[1] != "Operation" or change.gone:
            return
        name, status = change.address[3], dict(change.object.get("status") or {})
        ends = self.ends.setdefault(name, [])
        if status.get("phase") in FINAL and (not ends or ends[-1].status != status):
            ends.append(End(change.object["metadata"]["uid"], status, asyncio.get_running_loop().time()))

    @classmethod
    async def of(cls, plot: Plot) -> Self:
        """Told to its end."""
        return await cls(plot).tell()

    async def tell(self) -> Self:
        heard = _Heard(self.told)
        logging.getLogger("gitops").addHandler(heard)
        try:
            await self._furnish()
            self.start(0)
            steps: list[Job | Incident] = [*self.plot.jobs, *self.plot.incidents]
            for step in sorted(steps, key=lambda step: step.at):
                await asyncio.sleep(max(0.0, step.at - asyncio.get_running_loop().time()))
                await (self.submit(step) if isinstance(step, Job) else self.happen(step))
            if self.plot.incidents or self.plot.deaths:
                await asyncio.sleep(max(0.0, TROUBLE - asyncio.get_running_loop().time()))
            await self._calm()
            await self._until_over()
            await self._stop()
        finally:
            logging.getLogger("gitops").removeHandler(heard)
        return self

    async def _furnish(self) -> None:
        cluster = self.cluster
        await cluster.furnish(**self.plot.pool)
        for url, content in FILES.items():
            cluster.downloads.serve(url, Serving(content=content))
        await self._make_secret()
        source = {"url": "https://git.example/x", "ref": {"branch": "main"}, "path": "."}
        await cluster.make("GitSync", "main", spec={"source": source, "interval": "5m"})
        await self.applied("main@sha1:1")

    async def _make_secret(self) -> None:
        metadata = {"name": "token", "namespace": OPS}
        secret = {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": {"value": SECRET}}
        await self.cluster.objects.create(await self.cluster.objects.resource("v1", "Secret"), secret)

    async def furnish_pods(self) -> None:
        """The operations namespace, and what pods need there."""
        objects = self.cluster.objects
        namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": OPS}}
        await objects.create(await objects.resource("v1", "Namespace"), namespace)
        await self.cluster.make("ServiceAccount", "linux", OPS)
        await self.cluster.make("ConfigMap", RUNNER, OPS)
        await self._make_secret()

    async def submit(self, job: Job) -> None:
        """Somebody makes an operation."""
        self.nodes.lives[job.name] = job.lives
        made = await self.cluster.submit(job.name, **job.spec)
        self.uids[job.name] = made["metadata"]["uid"]

    async def happen(self, one: Incident) -> None:
        """Something goes wrong."""
        await incidents.happen(self, one)

    def start(self, slot: int) -> Process:
        """Another process, in the first slot or the second."""
        number = len(self.processes)
        line = Line(seed=self.plot.number * 31 + number, kill=lambda: self.kill(number))
        line.deaths = [] if self.calm_at else self.plot.deaths.get(number, [])
        clock, volume = VirtualClock(), self.volumes[slot]
        store = storage.bucket(line, self.bucket, clock) if self.plot.bucket else storage.LineStore(line, volume)
        objects, watch = LineObjects(line, self.cluster.objects), LineWatch(line, self.cluster.objects)
        made = Process(line=line, clock=clock, slot=slot, store=store)
        self.processes.append(made)
        self.cluster.services = made.service
        made.task = self.cluster.start(
            f"process-{number}",
            objects=objects,
            watch=watch,
            door=OperationObjects(objects=objects, watch=watch, namespace=HOME),
            logs=LineLogs(line, self.cluster.logs),
            exec=LineExec(line, self.cluster.exec),
            downloads=LineDownloads(line, self.cluster.downloads),
            history=LineHistory(line, self.cluster.history),
            store=store,
            clock=clock,
        )
        made.task.add_done_callback(lambda _: self._restart(made))
        return made

    def _restart(self, process: Process) -> None:
        if process.line.died_at is not None and not self.calm_at:
            asyncio.get_running_loop().call_later(BACK_AFTER, self.start_anew, process.slot)

    def start_anew(self, slot: int) -> None:
        """Fill a slot that is empty."""
        if not any(one.runs and one.slot == slot for one in self.processes):
            self.start(slot)

    def kill(self, number: int) -> None:
        """End a process as SIGKILL does; what its disk was not told to keep is lost."""
        process = self.processes[number]
        process.line.dead = True
        if not self.plot.bucket:
            self.volumes[process.slot].store.lose()
        if process.task is not None:
            process.task.cancel()

    async def change_pool(self, **spec: Any) -> None:
        """What a commit that changes the pool comes to."""
        found = await self.cluster.objects.get(await self.cluster.kind("WorkerPool"), HOME, "linux")
        if found is not None:
            found["spec"] |= spec
            self.cluster.objects.server.replace(await self.cluster.kind("WorkerPool"), found)

    async def applied(self, revision: str) -> None:
        """The reconciler has applied a revision."""
        kind = await self.cluster.kind("GitSync")
        status = {"status": {"lastAppliedRevision": revision}}
        self.cluster.objects.server.patch_status(kind, HOME, "main", status)

    async def _calm(self) -> None:
        """From now on everything works."""
        self.calm_at = asyncio.get_running_loop().time()
        self.nodes.down, self.bucket.away = False, False
        for truth in self.nodes.truths:
            truth.away = False
        for volume in self.volumes:
            volume.full = False
        for process in self.processes:
            process.line.mend()
            process.line.deaths = []
        await self.change_pool(suspended=False)
        if not any(process.runs for process in self.processes):
            self.start(0)

    async def _until_over(self) -> None:
        until = asyncio.get_running_loop().time() + PATIENCE
        while asyncio.get_running_loop().time() < until and not self._over():  # noqa: ASYNC110 - no event says so
            await asyncio.sleep(5)
        self.left = self.pods()

    def _over(self) -> bool:
        known = [operation for address, operation in self.cluster.objects.store.all() if address[1] == "Operation"]
        ended = all((one.get("status") or {}).get("phase") in FINAL for one in known)
        return ended and not self.pods() and not any(self.in_flight())

    def pods(self) -> list[str]:
        """Those that are still there."""
        return [name for (_, kind, _, name), _ in self.cluster.objects.store.all() if kind == "Pod"]

    def in_flight(self) -> list[int]:
        """How many operations each process that runs says it looks after."""
        return [len(service.live) for process in self.processes if process.runs for service in process.service]

    async def _stop(self) -> None:
        """Let what was written last settle, then end everything."""
        await asyncio.sleep(10)
        self.busy = self.in_flight()
        for process in self.processes:
            process.line.dead = True
        while others := [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]:
            for task in others:
                task.cancel()
            await asyncio.wait(others)
