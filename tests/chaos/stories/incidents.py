"""What goes wrong in a story, by the names that plots give it."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

from gitops import errors
from gitops.api import API_VERSION
from gitops.pods import marks
from gitops.ports.objects import DeleteOptions
from tests.chaos.stories.line import Line
from tests.chaos.stories.node import Truth
from tests.chaos.stories.plot import Incident
from tests.unit.worker.kubelet import HOME, OPS

if TYPE_CHECKING:
    from tests.chaos.stories.story import Process, Story

FROZEN = 120.0
TERMINATED = f"unable to create new content in namespace {OPS} because it is being terminated"


async def happen(story: Story, one: Incident) -> None:
    """Make it so."""
    await getattr(_Incidents(story), f"_{one.what.replace(' ', '_')}")(one)


class _Incidents:
    def __init__(self, story: Story) -> None:
        self.story = story

    # What happens to processes.

    def _process(self, one: Incident) -> Process | None:
        alive = [process for process in self.story.processes if process.runs]
        return alive[one.which % len(alive)] if alive else None

    def _line(self, one: Incident) -> Line:
        process = self._process(one) or self.story.processes[-1]
        return process.line

    async def _kill(self, one: Incident) -> None:
        process = self._process(one)
        if process is not None:
            self.story.kill(self.story.processes.index(process))

    async def _start(self, _: Incident) -> None:
        self.story.start_anew(0)

    async def _second(self, _: Incident) -> None:
        self.story.start_anew(1)

    async def _cut(self, one: Incident) -> None:
        self._line(one).break_off()
        for truth in self.story.nodes.truths:
            with contextlib.suppress(KeyError):
                self.story.cluster.logs.break_off(OPS, truth.pod.name, marks.CONTAINER)

    async def _mend(self, _: Incident) -> None:
        for process in self.story.processes:
            process.line.mend()

    async def _storm(self, one: Incident) -> None:
        self._line(one).storm = one.much * 0.7

    async def _late(self, one: Incident) -> None:
        self._line(one).late = one.much

    async def _lag(self, one: Incident) -> None:
        self._line(one).lag = one.much * 20

    async def _doubled(self, one: Incident) -> None:
        self._line(one).doubled = True

    async def _interrupt(self, one: Incident) -> None:
        for watch in self._line(one).watches:
            watch.interrupt()

    async def _freeze(self, one: Incident) -> None:
        """As SIGSTOP does, or a machine that is moved."""
        self._line(one).frozen_until = asyncio.get_running_loop().time() + one.much * FROZEN

    async def _stop(self, one: Incident) -> None:
        """As SIGTERM does, or a lost election: it ends what it holds open, or is killed; and comes back."""
        process, later = self._process(one), asyncio.get_running_loop().call_later
        if process is not None and process.task is not None:
            process.task.add_done_callback(lambda _: later(3, self.story.start_anew, process.slot))
            later(30, self._lose_patience, process)
            process.task.cancel()

    def _lose_patience(self, process: Process) -> None:
        if process.runs:
            self.story.kill(self.story.processes.index(process))

    async def _deny(self, one: Incident) -> None:
        self._line(one).denied = True

    async def _jump(self, one: Incident) -> None:
        """The time of day is set."""
        process = self._process(one)
        if process is not None:
            process.clock.skew += (one.much - 0.5) * 600

    # What happens to logs and where they are kept.

    async def _logs(self, one: Incident) -> None:
        self._line(one).logs_broken = True
        await self._break(one)

    def _truth(self, one: Incident) -> Truth | None:
        found = self.story.nodes.of(self.story.plot.jobs[one.which % len(self.story.plot.jobs)].name)
        return found[-1] if found else None

    async def _break(self, one: Incident) -> None:
        truth = self._truth(one)
        if truth is not None:
            with contextlib.suppress(KeyError):
                self.story.cluster.logs.break_off(OPS, truth.pod.name, marks.CONTAINER)

    async def _rotate(self, one: Incident) -> None:
        truth = self._truth(one)
        if truth is not None and not truth.over:
            with contextlib.suppress(KeyError):
                self.story.cluster.logs.rotate(OPS, truth.pod.name, marks.CONTAINER)

    async def _full(self, one: Incident) -> None:
        self.story.volumes[one.which % 2].full = True
        self.story.bucket.away = True

    async def _empty(self, _: Incident) -> None:
        self.story.bucket.away = False
        for volume in self.story.volumes:
            volume.full = False

    # What happens to the cluster.

    async def _outage(self, one: Incident) -> None:
        """The API server is gone for everybody."""
        self.story.nodes.down = True
        for process in self.story.processes:
            process.line.break_off()
        await self._cut(one)

    async def _restore(self, _: Incident) -> None:
        self.story.nodes.down = False
        for process in self.story.processes:
            process.line.mend()

    async def _forget(self, one: Incident) -> None:
        """The API server starts anew: it knows of no deletion before."""
        self.story.cluster.history.oldest = self.story.cluster.objects.store.revision
        for process in self.story.processes:
            for watch in process.line.watches:
                watch.interrupt()
        await self._break(one)

    async def _namespace(self, _: Incident) -> None:
        """Somebody deletes the operations namespace, and the reconciler makes it anew."""
        story, store = self.story, self.story.cluster.objects
        if store.store.get(("", "Namespace", "", OPS)) is None or any(
            line.refusal == TERMINATED for line in self._lines()
        ):
            return
        for line in self._lines():
            line.refusal = TERMINATED
        pods = await story.cluster.kind("Pod")
        for name in story.pods():
            store.server.delete(pods, OPS, name, DeleteOptions())
        # Kubelets confirm one after the other; whoever waits for one that is silent loses patience.
        await asyncio.sleep(15)
        for name in story.pods():
            store.server.delete(pods, OPS, name, DeleteOptions(grace_seconds=0))
        store.server.delete(await store.resource("v1", "Namespace"), "", OPS, DeleteOptions())
        await asyncio.sleep(3)
        for line in self._lines():
            line.refusal = ""
        await story.furnish_pods()

    def _lines(self) -> list[Line]:
        return [process.line for process in self.story.processes]

    async def _away(self, one: Incident) -> None:
        """The kubelet stands still; what runs, runs on."""
        truth = self._truth(one)
        if truth is not None:
            truth.away = True

    async def _back(self, _: Incident) -> None:
        for truth in self.story.nodes.truths:
            truth.away = False

    async def _collect(self, one: Incident) -> None:
        """The node object is deleted, and the garbage collector takes its pods."""
        truth = self._truth(one)
        if truth is None or self.story.nodes.alive(truth) is None:
            return
        await self.story.nodes.collect(truth)

    async def _evict(self, one: Incident) -> None:
        """By the eviction API: a condition, and a deletion with grace."""
        truth = self._truth(one)
        if truth is None or self.story.nodes.alive(truth) is None:
            return
        target = {"type": "DisruptionTarget", "status": "True", "reason": "EvictionByEvictionAPI"}
        kind = await self.story.cluster.kind("Pod")
        await self.story.cluster.objects.patch_status(kind, OPS, truth.pod.name, {"status": {"conditions": [target]}})
        self.story.cluster.objects.server.delete(kind, OPS, truth.pod.name, DeleteOptions(uid=truth.uid))

    async def _delete_pod(self, one: Incident) -> None:
        truth = self._truth(one)
        if truth is None or self.story.nodes.alive(truth) is None:
            return
        grace = 0 if one.much < 0.3 else None
        self.story.cluster.objects.server.delete(
            await self.story.cluster.kind("Pod"), OPS, truth.pod.name, DeleteOptions(uid=truth.uid, grace_seconds=grace)
        )

    # What people do.

    async def _cancel(self, one: Incident) -> None:
        name = self.story.plot.jobs[one.which % len(self.story.plot.jobs)].name
        found = await self.story.cluster.operation(name)
        if found is not None:
            found["metadata"].setdefault("annotations", {})[marks.CANCEL] = "by the story"
            self.story.cluster.objects.server.replace(await self.story.cluster.kind("Operation"), found)

    async def _delete_operation(self, one: Incident) -> None:
        name = self.story.plot.jobs[one.which % len(self.story.plot.jobs)].name
        self.story.cluster.objects.server.delete(
            await self.story.cluster.kind("Operation"), HOME, name, DeleteOptions()
        )

    async def _edit(self, one: Incident) -> None:
        """Its owner replaces an operation by what it was when it was made."""
        name = self.story.plot.jobs[one.which % len(self.story.plot.jobs)].name
        found = await self.story.cluster.operation(name)
        if found is not None:
            found["metadata"]["annotations"] = {"edited": f"{one.at:.0f}"}
            self.story.cluster.objects.server.replace(await self.story.cluster.kind("Operation"), found)

    async def _resubmit(self, one: Incident) -> None:
        """It is deleted, and another one of its name is made."""
        job = self.story.plot.jobs[one.which % len(self.story.plot.jobs)]
        if job.name in self.story.uids:
            await self._delete_operation(one)
            await asyncio.sleep(one.much)
            if await self.story.cluster.operation(job.name) is None:
                await self.story.submit(job)

    async def _refuse(self, one: Incident) -> None:
        self._line(one).refusal = "admission webhook says no" if one.much < 0.5 else "exceeded quota: pods"

    async def _commit(self, one: Incident) -> None:
        """A commit changes the pool while operations run."""
        resources = {"requests": {"cpu": f"{round(one.much * 1000)}m", "memory": "128Mi"}}
        await self.story.change_pool(image=f"busybox:{one.which}", maxOperations=1 + one.which, resources=resources)
        await self.story.applied(f"main@sha1:{one.which}{round(one.at)}")

    async def _revision(self, one: Incident) -> None:
        await self.story.applied(f"main@sha1:{one.which}")

    async def _suspend(self, _: Incident) -> None:
        await self.story.change_pool(suspended=True)

    async def _resume(self, _: Incident) -> None:
        await self.story.change_pool(suspended=False)

    async def _unserve(self, one: Incident) -> None:
        """A commit gives the pool to another Worker, which is not there, and another commit gives it back."""
        kind, server = await self.story.cluster.kind("Worker"), self.story.cluster.objects.server
        for pools in ([], ["linux"]):
            found = server.get(kind, HOME, "main")
            assert found is not None
            found["spec"]["pools"] = pools
            server.replace(kind, found)
            await asyncio.sleep(one.much * 5)

    async def _remove_pool(self, _: Incident) -> None:
        """A commit takes the pool away, another one brings it back."""
        kind = await self.story.cluster.kind("WorkerPool")
        found = self.story.cluster.objects.server.get(kind, HOME, "linux")
        if found is None:
            return
        self.story.cluster.objects.server.delete(kind, HOME, "linux", DeleteOptions())
        await asyncio.sleep(5)
        metadata = {"name": "linux", "namespace": HOME}
        with contextlib.suppress(errors.ObjectExists):
            self.story.cluster.objects.server.create(
                kind, {"apiVersion": API_VERSION, "kind": "WorkerPool", "metadata": metadata, "spec": found["spec"]}
            )
