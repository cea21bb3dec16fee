"""Running a command in a container."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from typing import Protocol

from gitops.errors import ClusterError


class PodExec(Protocol):
    """Commands in running containers."""

    def run(self, namespace: str, pod: str, container: str, command: Sequence[str]) -> AsyncGenerator[bytes, None]:
        """What the command writes to its standard output, until it ends.

        Raises:
            ObjectMissing: no such pod.
            ClusterDenied: the account may not run commands in pods.
            ClusterUnavailable: the container does not run (any more), the connection broke, or the command failed
                (`exit_code` then knows how, and the cause has what it said).
        """
        ...

    async def send(
        self, namespace: str, pod: str, container: str, command: Sequence[str], content: AsyncIterator[bytes]
    ) -> None:
        """Run a command with this as its standard input, taken only as fast as the command reads it.

        The command must know by itself where its input ends, for the protocol cannot say it. If it ends before, its
        exit code may be lost, and only the connection's end be heard.

        Raises:
            As `run`, and whatever `content` raises: the command is left with what it has got.
        """
        ...


def exit_code(error: ClusterError) -> int | None:
    """The exit code of a command that failed; None if it is not known that it ended."""
    codes = [str(one.get("message")) for one in error.causes if one.get("reason") == "ExitCode"]
    return int(codes[0]) if codes and codes[0].isdecimal() else None
