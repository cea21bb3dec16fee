"""The PodLogs port in memory: what tests write is what followers read."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field

from gitops.errors import ClusterUnavailable, ObjectInvalid, ObjectMissing

_CHUNK = 4096
_Key = tuple[str, str, str]


@dataclass(slots=True)
class _Log:
    content: bytearray = field(default_factory=bytearray)
    ended: bool = False
    breaks: int = 0
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    def announce(self) -> None:
        """Wake whoever follows."""
        self.changed.set()
        self.changed = asyncio.Event()


class FakePodLogs:
    """Logs of containers, from first byte to end; `chunk` is the most bytes a reader gets at once."""

    def __init__(self, *, chunk: int = _CHUNK) -> None:
        self._logs: dict[_Key, _Log] = {}
        self._pending: set[_Key] = set()
        self._gone: set[tuple[str, str]] = set()
        """Pods that no longer exist: what their containers still write nobody can ask for."""
        self._chunk = chunk
        self.reads: list[_Key] = []
        """Every read begun, in order."""

    def expect(self, namespace: str, pod: str, container: str) -> None:
        """The pod exists, but its container has not started."""
        self._pending.add((namespace, pod, container))
        self._gone.discard((namespace, pod))

    def write(self, namespace: str, pod: str, container: str, data: bytes) -> None:
        """The container writes."""
        if (namespace, pod) in self._gone:
            return
        log = self._logs.setdefault((namespace, pod, container), _Log())
        log.content += data
        log.announce()

    def end(self, namespace: str, pod: str, container: str) -> None:
        """The container ends: followers read what is left, then stop."""
        if (namespace, pod) in self._gone:
            return
        log = self._logs.setdefault((namespace, pod, container), _Log())
        log.ended = True
        log.announce()

    def break_off(self, namespace: str, pod: str, container: str) -> None:
        """Every connection that follows this log breaks."""
        log = self._logs[namespace, pod, container]
        log.breaks += 1
        log.announce()

    def rotate(self, namespace: str, pod: str, container: str) -> None:
        """The kubelet lets go of what was written so far; who follows has read it, who comes later has not."""
        log = self._logs[namespace, pod, container]
        log.content[:] = b""
        log.announce()

    def forget(self, namespace: str, pod: str) -> None:
        """The pod is gone, its logs with it."""
        self._gone.add((namespace, pod))
        for key in [key for key in self._logs if key[:2] == (namespace, pod)]:
            self.break_off(*key)
            del self._logs[key]

    async def read(
        self, namespace: str, pod: str, container: str, *, follow: bool = True
    ) -> AsyncGenerator[bytes, None]:
        """See `gitops.ports.podlogs.PodLogs`."""
        key = (namespace, pod, container)
        self.reads.append(key)
        log = self._logs.get(key)
        if log is None and key in self._pending:
            raise ObjectInvalid(f"cannot read the log of {pod}", cause=f'container "{container}" is waiting to start')
        if log is None:
            raise ObjectMissing(f"cannot read the log of {pod}", cause=f'pods "{pod}" not found')
        at, breaks = 0, log.breaks
        while True:
            changed = log.changed
            if log.breaks != breaks:
                raise ClusterUnavailable(f"cannot read the log of {pod}", cause="the connection broke")
            at = min(at, len(log.content))
            if at < len(log.content):
                chunk = bytes(log.content[at : at + self._chunk])
                at += len(chunk)
                yield chunk
            elif log.ended or not follow:
                return
            else:
                await changed.wait()
