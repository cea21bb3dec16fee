"""The PodExec port in memory: tests say what commands answer, and in which pods a runner waits for files."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field

from gitops.errors import ClusterUnavailable

Answer = Callable[[str, Sequence[str]], bytes]
BROKEN, DIFFERENT = 10, 11
"""Exit codes of the runner that receives a file."""


@dataclass
class Waiting:
    """A runner that waits for files in one pod; `files` are those that came, by number."""

    files: dict[int, bytes] = field(default_factory=dict)
    paths: dict[int, str] = field(default_factory=dict)
    received: asyncio.Event = field(default_factory=asyncio.Event)
    """Set whenever a file came."""

    def missing(self, count: int) -> bytes:
        """As the runner says it."""
        return b"".join(b"%d\n" % index for index in range(count) if index not in self.files)


class FakePodExec:
    """`answer` gets the pod's name and the command, and gives the output or raises.

    `waiting` has the runners that receive files, by pod; `broken` is called with the pod and the bytes so far while one
    is sent, and may raise.
    """

    def __init__(self, answer: Answer | None = None) -> None:
        self.answer = answer
        self.waiting: dict[str, Waiting] = {}
        self.broken: Callable[[str, int], None] | None = None
        self.commands: list[tuple[str, ...]] = []
        """Every command run, in order."""

    async def run(
        self, namespace: str, pod: str, container: str, command: Sequence[str]
    ) -> AsyncGenerator[bytes, None]:
        """See `gitops.ports.podexec.PodExec`."""
        self.commands.append(tuple(command))
        if "--missing" in command and pod in self.waiting:
            yield self.waiting[pod].missing(int(_option(command, "--missing")))
            return
        if self.answer is None:
            raise _ended(namespace, pod, container, command)
        output = self.answer(pod, command)
        middle = len(output) // 2
        for part in (output[:middle], output[middle:]):
            if part:
                yield part

    async def send(
        self, namespace: str, pod: str, container: str, command: Sequence[str], content: AsyncIterator[bytes]
    ) -> None:
        """See `gitops.ports.podexec.PodExec`: what a runner that receives a file does."""
        self.commands.append(tuple(command))
        if pod not in self.waiting:
            raise _ended(namespace, pod, container, command)
        there, index = self.waiting[pod], int(_option(command, "--receive"))
        if index in there.files:
            return
        stream = b""
        async for part in content:
            stream += part
            if self.broken is not None:
                self.broken(pod, len(stream))
            await asyncio.sleep(0)
        found = _whole(stream)
        if found is None:
            raise failed(pod, BROKEN, "the stream broke off")
        if hashlib.sha256(found).hexdigest() != _option(command, "--digest"):
            raise failed(pod, DIFFERENT, hashlib.sha256(found).hexdigest())
        there.files.setdefault(index, found)
        there.paths[index] = _option(command, "--path")
        there.received.set()


def failed(pod: str, code: int, said: str) -> ClusterUnavailable:
    """A command that ended with this exit code, as the API server says it."""
    causes = [{"reason": "ExitCode", "message": str(code)}]
    status = {"status": "Failure", "reason": "NonZeroExitCode", "details": {"causes": causes}}
    return ClusterUnavailable(f"cannot run a command in {pod}", cause=f"exit code {code}: {said}", status=status)


def _ended(namespace: str, pod: str, container: str, command: Sequence[str]) -> ClusterUnavailable:
    what = f"cannot run {command[0]} in {namespace}/{pod}"
    return ClusterUnavailable(what, cause=f"{container} has ended", status={"code": 500})


def _option(command: Sequence[str], name: str) -> str:
    return command[command.index(name) + 1]


def _whole(stream: bytes) -> bytes | None:
    """What the blocks of a stream hold; None if it has no end."""
    at, found = 0, b""
    while at + 4 <= len(stream):
        size = int.from_bytes(stream[at : at + 4], "big")
        if not size:
            return found
        found += stream[at + 4 : at + 4 + size]
        at += 4 + size
    return None
