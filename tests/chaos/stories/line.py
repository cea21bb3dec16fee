"""The connection of one worker process to its cluster, and everything that can go wrong on it.

What is wrong is the process' own affair: of two workers one may be cut off while the other works on.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

from gitops import errors
from gitops.objects import Manifest
from gitops.objects.address import Address
from gitops.ports.download import Terms
from gitops.ports.history import Past
from gitops.ports.objects import CARRIED_OUT_WITHIN, DeleteOptions, Listing, Resource
from gitops.ports.watch import Put, WatchEvent, nobody
from gitops.testing.download import FakeDownloads
from gitops.testing.history import FakeHistory
from gitops.testing.objects import FakeObjects
from gitops.testing.podexec import FakePodExec
from gitops.testing.podlogs import FakePodLogs
from gitops.testing.watch import FakeWatch

_T = TypeVar("_T")
FINAL = {"Succeeded", "Failed", "Cancelled", "Unknown"}
LATEST = CARRIED_OUT_WITHIN
SLOW = 5.0
WEATHER = ("refused", "throttled", "broken", "lost", "late", "slow", "conflict")


@dataclass(frozen=True, kw_only=True)
class Death:
    """At which request a process dies: the `nth` of that label, before or after it was carried out."""

    label: str
    nth: int
    after: bool


@dataclass
class Line:
    """`storm`: how likely each request fails. `cut`: no connection at all. `deaths`: requests it does not survive."""

    seed: int
    kill: Callable[[], None]
    storm: float = 0.0
    cut: bool = False
    lag: float = 0.0
    doubled: bool = False
    logs_broken: bool = False
    late: float = 0.0
    """How late the next create of a pod is carried out, unanswered; 1: as late as can be, 0: at once, and answered."""
    refusal: str = ""
    """What the API server says to every pod; empty: nothing."""
    denied: bool = False
    """Its rights to pods are gone."""
    frozen_until: float = 0.0
    """Up to when the process stands still, as a stopped machine does."""
    dead: bool = False
    died_at: tuple[str, bool] | None = None
    deaths: list[Death] = field(default_factory=list)
    labels: Counter[str] = field(default_factory=Counter)
    asked: list[tuple[float, str]] = field(default_factory=list)
    finished: set[str] = field(default_factory=set)
    """UIDs of operations whose end this process wrote, with an answer or without."""
    watches: list[FakeWatch] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)  # noqa: S311 - the same story every time
        self._up = asyncio.Event()
        self._up.set()

    def break_off(self) -> None:
        """No connection from now on; what is open ends."""
        self.cut = True
        self._up.clear()
        for watch in self.watches:
            watch.interrupt()

    def mend(self) -> None:
        self.cut = False
        self.storm = self.lag = 0.0
        self.doubled = self.logs_broken = self.denied = False
        self.refusal = ""
        self.frozen_until = 0.0
        self._up.set()

    def deaf(self) -> bool:
        """No log can be read."""
        return self.cut or self.logs_broken

    async def up(self) -> None:
        await self._up.wait()
        await self.awake()

    async def awake(self) -> None:
        """Nothing of a process that stands still reaches anybody, and nothing reaches it."""
        while asyncio.get_running_loop().time() < self.frozen_until:  # noqa: ASYNC110 - a time, which may be changed
            await asyncio.sleep(0.5)

    def alive(self) -> None:
        if self.dead:
            raise asyncio.CancelledError

    def die(self) -> None:
        """As SIGKILL: nothing it still tries reaches anybody."""
        self.dead = True
        self.kill()

    def note(self, label: str, *, after: bool = False) -> None:
        """A labelled point is reached: the process may die here."""
        self.alive()
        if not after:
            self.labels[label] += 1
            self.asked.append((asyncio.get_running_loop().time(), label))
        if Death(label=label, nth=self.labels[label], after=after) in self.deaths:
            self.died_at = (label, after)
            self.die()
            raise asyncio.CancelledError

    async def carry(self, label: str, act: Callable[[], _T], *, safe: bool, within: float | None = None) -> _T:
        """One request: what becomes of it, and of its answer. `within`: see `Objects.create`."""
        self.note(label)
        begun = asyncio.get_running_loop().time()
        await asyncio.sleep(self.random.random() * 0.01)
        await self.awake()
        self.alive()
        if within is not None and asyncio.get_running_loop().time() - begun > within:
            raise unavailable("it could not be sent in time")
        if self.denied and label.endswith(" Pod"):
            raise errors.ClusterDenied("cannot do anything with pods", cause="User cannot do it")
        if self.cut:
            raise unavailable("connection refused")
        weather = self.random.choice(WEATHER) if self.random.random() < self.storm else ""
        if self.late and label == "create Pod":
            asyncio.get_running_loop().call_later(self.late * (LATEST + (within or 0.0)), _quietly, act)
            self.late = 0.0
            raise unavailable("the API server answered 504", ambiguous=True, code=504)
        answer = await self._through(weather, act, safe=safe, within=within)
        await self.awake()
        self.note(label, after=True)
        return answer

    async def _through(self, weather: str, act: Callable[[], _T], *, safe: bool, within: float | None) -> _T:
        match weather:
            case "refused":
                raise unavailable("connection refused")
            case "throttled":
                raise unavailable("too many requests", retry_after=self.random.choice([0.0, 1.0, 3.0]), code=429)
            case "broken":
                await asyncio.sleep(self.random.choice([0.0, 5.0]))
                raise unavailable("the connection broke", ambiguous=not safe)
            case "lost":
                act()
                raise unavailable("the connection broke", ambiguous=not safe)
            case "late" if not safe:
                asyncio.get_running_loop().call_later(self.random.uniform(0.1, LATEST), _quietly, act)
                raise unavailable("the API server answered 504", ambiguous=True, code=504)
            case "slow":
                if within is not None and within < SLOW:
                    raise unavailable("it could not be sent in time")
                await asyncio.sleep(SLOW)
        return act()


def unavailable(
    cause: str, *, ambiguous: bool = False, retry_after: float = 0.0, code: int = 0
) -> errors.ClusterUnavailable:
    error = errors.ClusterUnavailable("cannot reach the cluster", cause=cause, status={"code": code} if code else None)
    error.ambiguous, error.retry_after = ambiguous, retry_after
    return error


def _quietly(act: Callable[[], object]) -> None:
    """Nobody waits for the answer any more."""
    try:
        act()
    except errors.ClusterError:
        return


def label_of(verb: str, kind: str, body: Mapping[str, Any] | None = None) -> str:
    """What a request is for, in the words of the story."""
    if (verb, kind) != ("patch_status", "Operation"):
        return f"{verb} {kind}"
    status = (body or {}).get("status") or {}
    if status.get("phase") in FINAL:
        return "finish"
    if "claim" in status:
        return "claim" if status["claim"] else "give back"
    return "progress"


class LineObjects:
    """The Objects port over a line."""

    def __init__(self, line: Line, objects: FakeObjects) -> None:
        self._line = line
        self._server = objects.server

    async def resource(self, api_version: str, kind: str) -> Resource:
        self._line.alive()
        return self._server.kind(api_version, kind)

    async def get(self, resource: Resource, namespace: str, name: str) -> Manifest | None:
        return await self._line.carry(
            label_of("get", resource.kind), lambda: self._server.get(resource, namespace, name), safe=True
        )

    async def list(self, resource: Resource, namespace: str = "", *, labels: str = "", fields: str = "") -> Listing:
        return await self._line.carry(
            label_of("list", resource.kind), lambda: self._server.list(resource, namespace, labels, fields), safe=True
        )

    async def create(self, resource: Resource, manifest: Manifest, *, within: float | None = None) -> Manifest:
        def act() -> Manifest:
            if self._line.refusal and resource.kind == "Pod":
                raise errors.ObjectInvalid("cannot create the pod", cause=self._line.refusal)
            return self._server.create(resource, manifest)

        return await self._line.carry(label_of("create", resource.kind), act, safe=False, within=within)

    async def replace(self, resource: Resource, manifest: Manifest) -> Manifest:
        return await self._line.carry(
            label_of("replace", resource.kind), lambda: self._server.replace(resource, manifest), safe=False
        )

    async def patch_status(self, resource: Resource, namespace: str, name: str, patch: Mapping[str, Any]) -> Manifest:
        label = label_of("patch_status", resource.kind, patch)

        def act() -> Manifest:
            written = self._server.patch_status(resource, namespace, name, dict(patch))
            if label == "finish":
                self._line.finished.add(written["metadata"]["uid"])
            return written

        return await self._line.carry(label, act, safe=False)

    async def delete(self, resource: Resource, namespace: str, name: str, *, options: DeleteOptions) -> bool:
        return await self._line.carry(
            label_of("delete", resource.kind),
            lambda: self._server.delete(resource, namespace, name, options),
            safe=False,
        )

    async def apply(self, *_: Any, **__: Any) -> Any:
        raise AssertionError("a worker applies nothing")


class LineWatch:
    """The Watch port over a line: whatever breaks, it goes on with a list."""

    def __init__(self, line: Line, objects: FakeObjects) -> None:
        self._line = line
        self._watch = FakeWatch(objects)
        line.watches.append(self._watch)

    async def watch(
        self, resource: Resource, namespace: str = "", *, labels: str = "", heard: Callable[[], None] = nobody
    ) -> AsyncGenerator[WatchEvent, None]:
        while True:
            self._line.alive()
            await self._line.up()
            async with aclosing(self._watch.watch(resource, namespace, labels=labels, heard=heard)) as events:
                async for event in events:
                    await self._line.awake()
                    self._line.alive()
                    if self._line.cut:
                        break
                    if self._line.lag:
                        await asyncio.sleep(self._line.random.random() * self._line.lag)
                    yield event
                    if self._line.doubled and isinstance(event, Put):
                        yield event
            await asyncio.sleep(self._line.random.uniform(0.05, 2.0))


class LineLogs:
    """The PodLogs port over a line."""

    def __init__(self, line: Line, logs: FakePodLogs) -> None:
        self._line = line
        self._logs = logs

    async def read(
        self, namespace: str, pod: str, container: str, *, follow: bool = True
    ) -> AsyncGenerator[bytes, None]:
        self._line.note("log")
        if self._line.deaf():
            raise unavailable("remote error: tls: internal error", code=502)
        async with aclosing(self._logs.read(namespace, pod, container, follow=follow)) as chunks:
            async for chunk in chunks:
                await self._line.awake()
                if self._line.deaf():
                    raise unavailable("the connection broke")
                self._line.note("chunk")
                yield chunk
                self._line.note("chunk", after=True)
        self._line.note("log", after=True)


class LineExec:
    """The PodExec port over a line."""

    def __init__(self, line: Line, exec_: FakePodExec) -> None:
        self._line = line
        self._exec = exec_

    async def run(
        self, namespace: str, pod: str, container: str, command: Sequence[str]
    ) -> AsyncGenerator[bytes, None]:
        self._line.note("exec")
        if self._line.cut:
            raise unavailable("connection refused")
        async with aclosing(self._exec.run(namespace, pod, container, command)) as chunks:
            async for chunk in chunks:
                yield chunk
        self._line.note("exec", after=True)

    async def send(
        self, namespace: str, pod: str, container: str, command: Sequence[str], content: AsyncIterator[bytes]
    ) -> None:
        self._line.note("send")
        await self._exec.send(namespace, pod, container, command, self._sent(content))
        self._line.note("send", after=True)

    async def _sent(self, content: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        async for chunk in content:
            self._line.alive()
            if self._line.cut:
                raise unavailable("the connection broke")
            yield chunk


class LineDownloads:
    """The Downloads port: another network, which is as bad in a storm, and there while the API server is not."""

    def __init__(self, line: Line, downloads: FakeDownloads) -> None:
        self._line = line
        self._downloads = downloads

    @asynccontextmanager
    async def open(self, address: Address, terms: Terms) -> AsyncIterator[AsyncIterator[bytes]]:
        self._line.note("fetch")
        await self._storm()
        async with self._downloads.open(address, terms) as chunks:
            yield self._chunks(chunks)
        self._line.note("fetch", after=True)

    async def _chunks(self, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        async for chunk in chunks:
            await self._storm()
            yield chunk

    async def _storm(self) -> None:
        await asyncio.sleep(self._line.random.random() * 0.5)
        self._line.alive()
        if self._line.random.random() < self._line.storm:
            raise errors.DownloadUnavailable("cannot fetch it", cause="the connection broke")


class LineHistory:
    """The History port over a line."""

    def __init__(self, line: Line, history: FakeHistory) -> None:
        self._line = line
        self._history = history

    async def deleted(self, resource: Resource, namespace: str, name: str, *, since: str) -> Past:
        self._line.note("history")
        if self._line.cut:
            raise unavailable("connection refused")
        await self._line.awake()
        past = await self._history.deleted(resource, namespace, name, since=since)
        self._line.note("history", after=True)
        return past
