"""Running a command in a container."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from typing import Protocol


class PodExec(Protocol):
    """Commands in running containers."""

    def run(self, namespace: str, pod: str, container: str, command: Sequence[str]) -> AsyncGenerator[bytes, None]:
        """What the command writes to its standard output, until it ends.

        Raises:
            ObjectMissing: no such pod.
            ClusterDenied: the account may not run commands in pods.
            ClusterUnavailable: the container does not run (any more), the connection broke, or the command failed.
        """
        ...
