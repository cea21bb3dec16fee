"""What happens to pods: a scheduler, kubelets and scripts, each pod's life chosen beforehand."""

from __future__ import annotations

import asyncio
import contextlib
import math
from dataclasses import dataclass, field
from typing import Any

from gitops import errors
from gitops.objects import Manifest
from gitops.pods import command, marks
from gitops.ports.objects import DeleteOptions
from gitops.testing.podexec import Waiting
from gitops.testing.store import Stored
from tests.unit.worker.kubelet import OPS, Cluster, Pod

MOMENT = 1e-6
WRITTEN_OFF = 420.0
"""Seconds after which a silent machine is known to be off."""


@dataclass(frozen=True, kw_only=True)
class Life:
    """Of one pod. Times are seconds; `lines` are pauses before each line of output.

    `end`: `exit` with `code`; `killed` for memory, without a word of the runner's; `silent`, its node answers no more;
    `evicted` while it runs; `rejected` by the kubelet before; `image`, there is none; `never`, it hangs until stopped.
    """

    placed: float = 0.1
    started: float = 0.3
    lines: tuple[float, ...] = ()
    end: str = "exit"
    code: int = 0
    obeys: bool = True
    side_car: bool = False


@dataclass
class Truth:
    """What really happened to a pod, whoever saw it."""

    pod: Pod
    uid: str
    life: Life = Life()
    ran: bool = False
    over: bool = False
    """Its processes are gone."""
    record: dict[str, Any] | None = None
    """The runner's last word."""
    hurt: bool = False
    """Somebody or something stopped it."""
    silent: bool = False
    spooled: bool = True
    """The runner still has what it wrote."""
    away: bool = False
    made_at: float = 0.0
    began_at: float = 0.0
    ended_at: float = math.inf
    gone_at: float | None = None
    stop: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def name(self) -> str:
        """Of its operation."""
        return str(self.pod.manifest["metadata"]["annotations"][marks.NAME]).removeprefix("ci/")

    def overlaps(self, other: Truth) -> bool:
        """Both ran at the same moment, and both pods were still there: a pod somebody forced away counts as gone."""
        end, others_end = (min(one.ended_at, math.inf if one.gone_at is None else one.gone_at) for one in (self, other))
        return self.began_at < others_end and other.began_at < end

    @property
    def key(self) -> tuple[str, int]:
        found = marks.key_of(self.pod.manifest)
        assert found is not None
        return found


class Nodes:
    """Plays every pod of a cluster."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self.lives: dict[str, list[Life]] = {}
        """By name of the operation, one for each attempt; the last one goes on."""
        self.truths: list[Truth] = []
        self._by_operation: dict[str, list[Truth]] = {}
        self._by_pod: dict[str, Truth] = {}
        self.down = False
        """The kubelets cannot reach the API server either."""
        cluster.behaviour = self.play
        cluster.objects.store.listen(self._look)
        cluster.exec.answer = self.replay

    def of(self, name: str) -> list[Truth]:
        """The pods of an operation, in the order in which they were made."""
        return self._by_operation.get(name, [])

    def alive(self, truth: Truth) -> Manifest | None:
        found = self.cluster.objects.store.get(("", "Pod", OPS, truth.pod.name))
        return found if found is not None and found["metadata"]["uid"] == truth.uid else None

    async def play(self, pod: Pod) -> None:
        metadata = pod.manifest["metadata"]
        truth = Truth(pod=pod, uid=metadata["uid"], made_at=asyncio.get_running_loop().time())
        truth.life = self.lives[truth.name][truth.key[1] - 1]
        self.truths.append(truth)
        self._by_operation.setdefault(truth.name, []).append(truth)
        self._by_pod[pod.name] = truth
        await self._live(truth)
        self._end_of(truth)
        await self._confirm(truth)

    def _end_of(self, truth: Truth) -> None:
        """Its processes are gone, unless nobody knows."""
        if not truth.silent:
            self.cluster.exec.waiting.pop(truth.pod.name, None)
            truth.over = True
            truth.ended_at = min(truth.ended_at, asyncio.get_running_loop().time())

    def _look(self, change: Stored) -> None:
        """A pod was deleted, or is to be."""
        truth = self._by_pod.get(change.address[3]) if change.address[1] == "Pod" else None
        if truth is None or truth.uid != change.object["metadata"]["uid"]:
            return
        if change.gone and truth.gone_at is None:
            truth.gone_at = asyncio.get_running_loop().time()
        if change.gone or change.object["metadata"].get("deletionTimestamp"):
            truth.stop.set()

    async def _live(self, truth: Truth) -> None:
        life = truth.life
        if await self._stopped(truth, life.placed):
            return
        await truth.pod.bind()
        await self._tell(truth)
        if life.end == "rejected":
            await self._say(truth, phase="Failed", reason="OutOfcpu", message="not enough cpu")
        elif life.end == "image":
            waiting = {"reason": "ErrImagePull", "message": "manifest unknown"}
            await self._say(truth, phase="Pending", containerStatuses=[_container(waiting=waiting)])
            await truth.stop.wait()
        elif not await self._stopped(truth, life.started):
            await self._run(truth)

    async def _tell(self, truth: Truth) -> None:
        """The scheduler's Event, which outlives the pod."""
        kind = await self.cluster.objects.resource("v1", "Event")
        metadata = {"name": f"{truth.pod.name}.{truth.uid}", "namespace": OPS}
        pod = {"kind": "Pod", "namespace": OPS, "name": truth.pod.name, "uid": truth.uid}
        event = {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": metadata,
            "involvedObject": pod,
            "reason": "Scheduled",
        }
        with contextlib.suppress(errors.ClusterError):
            self.cluster.objects.server.create(kind, event)

    async def _run(self, truth: Truth) -> None:
        count = _awaited(truth)
        if count:
            self.cluster.exec.waiting[truth.pod.name] = Waiting()
        else:
            self._begin(truth)
        self.cluster.logs.write(OPS, truth.pod.name, marks.CONTAINER, b"")
        await self._say(truth, phase="Running", containerStatuses=self._running(truth))
        if count and not await self._files(truth, count):
            return await self._end(truth, code=126, filesAwaited=True)
        for number, pause in enumerate(truth.life.lines, 1):
            if await self._stopped(truth, pause):
                return await self._stop(truth)
            truth.pod.say(f"line {number}")
        match truth.life.end:
            case "exit":
                await self._end(truth, code=truth.life.code)
            case "killed":
                truth.spooled = False
                await self._ended(truth, _killed("OOMKilled"))
            case "evicted":
                truth.hurt, truth.spooled = True, False
                await self._ended(truth, _killed("Error"), reason="Evicted", message="low on memory")
            case "silent":
                truth.silent = True
                await self._written_off(truth)
            case _:
                await truth.stop.wait()
                await self._stop(truth)
        return None

    def _begin(self, truth: Truth) -> None:
        truth.ran, truth.began_at = True, asyncio.get_running_loop().time()

    async def _files(self, truth: Truth, count: int) -> bool:
        """Wait for the files a worker is to bring, then begin; False: told to stop before, and nothing was started."""
        while self.cluster.exec.waiting[truth.pod.name].missing(count):
            if await self._stopped(truth, 0.05):
                return False
        self._begin(truth)
        return True

    async def _written_off(self, truth: Truth) -> None:
        """After a while somebody makes sure that the machine is off, and deletes its Node."""
        await asyncio.sleep(WRITTEN_OFF)
        truth.ended_at = asyncio.get_running_loop().time()
        if self.alive(truth) is not None:
            await self.collect(truth)

    async def collect(self, truth: Truth) -> None:
        """The garbage collector takes a pod whose Node is gone."""
        kind, target = await self.cluster.kind("Pod"), {"type": "DisruptionTarget", "status": "True"}
        status = {"phase": "Failed", "conditions": [{**target, "reason": "DeletionByPodGC"}]}
        await self.cluster.objects.patch_status(kind, OPS, truth.pod.name, {"status": status})
        truth.hurt = True
        self.cluster.objects.server.delete(kind, OPS, truth.pod.name, DeleteOptions(uid=truth.uid, grace_seconds=0))

    async def _stop(self, truth: Truth) -> None:
        """SIGTERM came."""
        truth.hurt = True
        if truth.life.obeys:
            truth.pod.say("told to stop")
            await self._end(truth, code=143, terminated=True)
            return
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(asyncio.Event().wait(), 10 + command.AFTER_GRACE)
        truth.spooled = False
        await self._ended(truth, _killed("Error"))

    async def _end(self, truth: Truth, *, code: int, **more: Any) -> None:
        """The runner writes its record, first to the log, then to the kubelet."""
        message = truth.pod.record(code, **more)
        truth.record = {"code": code, **more}
        truth.ended_at = asyncio.get_running_loop().time()
        self.cluster.logs.write(
            OPS, truth.pod.name, marks.CONTAINER, f"{len(truth.pod.lines) + 1}|x|0|{message}\n".encode()
        )
        await asyncio.sleep(0.05)
        ended = {"exitCode": code, "startedAt": "2026-01-01T00:00:05Z", "message": message, "reason": "Completed"}
        await self._ended(truth, ended)

    async def _ended(self, truth: Truth, terminated: dict[str, Any], **status: Any) -> None:
        self._end_of(truth)
        with contextlib.suppress(KeyError):
            self.cluster.logs.end(OPS, truth.pod.name, marks.CONTAINER)
        others = [_container("proxy", running={})] if truth.life.side_car else []
        phase = "Running" if truth.life.side_car and not status else "Failed"
        await self._say(truth, phase=phase, containerStatuses=[*others, _container(terminated=terminated)], **status)

    def _running(self, truth: Truth) -> list[dict[str, Any]]:
        others = [_container("proxy", running={})] if truth.life.side_car else []
        return [*others, _container(running={"startedAt": "2026-01-01T00:00:05Z"})]

    async def _say(self, truth: Truth, **status: Any) -> None:
        """The kubelet tells the API server, as soon as it can."""
        await self._reachable(truth)
        if self.alive(truth) is None:
            return
        resource = await self.cluster.kind("Pod")
        with contextlib.suppress(errors.ObjectMissing):
            await self.cluster.objects.patch_status(resource, OPS, truth.pod.name, {"status": status})

    async def _confirm(self, truth: Truth) -> None:
        """A pod that is to be deleted, and has ended, goes when its kubelet says so."""
        await truth.stop.wait()
        await self._reachable(truth)
        if self.alive(truth) is not None:
            self.cluster.objects.server.delete(
                await self.cluster.kind("Pod"), OPS, truth.pod.name, DeleteOptions(uid=truth.uid, grace_seconds=0)
            )

    async def _reachable(self, truth: Truth) -> None:
        """Until the kubelet works, and reaches the API server."""
        while self.down or truth.away:  # noqa: ASYNC110 - two reasons, and no time that is real
            await asyncio.sleep(1)

    async def _stopped(self, truth: Truth, seconds: float) -> bool:
        """Let time pass; True as soon as the pod is to be deleted, if its kubelet can know."""
        until = asyncio.get_running_loop().time() + seconds
        # What is left may be so little that time does not move for it.
        while (left := until - asyncio.get_running_loop().time()) > 1e-6:
            if truth.away or self.down:
                await asyncio.sleep(min(left, 1))
                continue
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(truth.stop.wait(), left)
                return True
        return truth.stop.is_set() and not truth.away and not self.down

    def replay(self, name: str, words: Any) -> bytes:
        """The runner's answer to somebody who missed a part of its output."""
        truth = next(one for one in reversed(self.truths) if one.pod.name == name)
        if truth.over or truth.silent or truth.away or not truth.spooled or self.alive(truth) is None:
            raise errors.ClusterUnavailable("cannot run", cause="the container has ended", status={"code": 500})
        first = int(words[list(words).index("--replay") + 1])
        lines, offset = b"", 0
        for number, line in enumerate(truth.pod.lines, 1):
            if number >= first:
                lines += b"%d|o|%d|%s\n" % (number, offset, line)
            offset += len(line) + 1
        return lines


def _awaited(truth: Truth) -> int:
    """How many files the runner was told to wait for."""
    words = truth.pod.manifest["spec"]["containers"][0]["args"]
    return int(words[words.index("--awaited") + 1]) if "--awaited" in words[: words.index("--")] else 0


def _container(name: str = marks.CONTAINER, **state: Any) -> dict[str, Any]:
    return (
        {"name": name, "state": state, "containerID": "containerd://1"}
        if "waiting" not in state
        else {
            "name": name,
            "state": state,
        }
    )


def _killed(reason: str) -> dict[str, Any]:
    return {"exitCode": 137, "reason": reason, "startedAt": "2026-01-01T00:00:05Z"}
