"""Where operations come in and their results go out."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping
from typing import Any, Protocol

from gitops import api
from gitops.objects import Manifest
from gitops.ports.watch import WatchEvent, nobody


class FrontDoor(Protocol):
    """One way in for one worker: everything it is told, it keeps until it is told otherwise.

    Operations are manifests of kind `Operation` whatever the door is. Their `metadata.resourceVersion` is a whole
    number that grows with every write, and the arrivals come in that order: mutexes are decided by it. A door that
    keeps what it is told without the cluster's help costs no request to the API server.
    """

    def arrivals(self, *, heard: Callable[[], None] = nobody) -> AsyncGenerator[WatchEvent, None]:
        """All operations, then what becomes of them; one that is withdrawn is `Gone`. Ends only by cancellation.

        `heard` is called at every sign of life, at least once a minute while there is a connection.

        Raises:
            ClusterDenied: this account may not see them. Everything else is retried with backoff.
        """
        ...

    async def read(self, metadata: api.Metadata) -> Manifest | None:
        """An operation as it is kept, read consistently; None if it was withdrawn, or is another one of the same name.

        Raises:
            ClusterUnavailable: ask again.
        """
        ...

    async def write(self, operation: api.Operation, status: Mapping[str, Any]) -> Manifest:
        """Merge into the operation's status if it still is as given (UID and resourceVersion); it as it is then.

        Raises:
            VersionConflict: it changed.
            ObjectMissing: it was withdrawn.
            ClusterUnavailable: ask again; `ambiguous` if it may have been written.
        """
        ...

    async def forget(self, operation: api.Operation) -> None:
        """Drop an operation that ended, if it still is the same one (UID); that it is gone already is fine.

        Raises:
            ClusterDenied: this account may not.
            ClusterUnavailable: ask again.
        """
        ...

    def moment(self, operation: api.Operation) -> str:
        """A point in the cluster's history (a resourceVersion) at which an operation not yet claimed has no pod.

        Empty if this door's versions are none of the cluster's: a claim whose pod is nowhere then proves nothing.
        """
        ...
