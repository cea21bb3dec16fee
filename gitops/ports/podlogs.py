"""The bytes a container wrote."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Protocol


class PodLogs(Protocol):
    """Container logs."""

    def read(self, namespace: str, pod: str, container: str, *, follow: bool = True) -> AsyncGenerator[bytes, None]:
        """Chunks of the log from its beginning as the kubelet keeps it; with `follow` until the container ended.

        A chunk may end anywhere. A broken connection ends the iteration early with `ClusterUnavailable`: the caller
        starts again and skips what it has (frames are numbered).

        Raises:
            ObjectMissing: the pod is gone.
            ObjectInvalid: the container has not started yet.
            ClusterUnavailable: the connection broke, or stayed silent for longer than a heartbeat allows.
        """
        ...
