"""An operation that is being run: what its task knows, and how the watches tell it more."""

from __future__ import annotations

import asyncio

from gitops import api
from gitops.api import names
from gitops.api.workerpool import WorkerPool
from gitops.objects import Manifest
from gitops.pods import delivery, marks
from gitops.worker import mutexes


class Live:
    """One attempt in progress. `operation` is None when only its pod is left; `changed` is set by the watches."""

    def __init__(self, key: tuple[str, int], *, operation: api.Operation | None, pool: WorkerPool) -> None:
        self.key = key
        self.operation = operation
        self.claim = operation.status.claim if operation is not None else None
        """The claim this process works under; another one in the status means that it was taken over."""
        self.hold = mutexes.hold(operation) if operation is not None else None
        """Its mutex is held to the end of the attempt, even when the operation is deleted meanwhile."""
        self.pool = pool
        self.pod: Manifest | None = None
        self.gone = False
        self.cancel = ""
        self.sure_until = 0.0
        """Up to when, on the monotonic clock, its pod may be created without asking whether the claim still holds."""
        self.unclear_until = 0.0
        """Up to when, on the monotonic clock, a create of it that was never answered may still be carried out."""
        self.awaits = delivery.fetched(operation)
        """The files from URLs that the runner in the pod may still wait for; empty once all are there."""
        self.trouble = ""
        """What the last try to bring one of them came to."""
        self.heard_at: float | None = None
        """When anything of its log last came, on the monotonic clock; None while nobody follows it."""
        self.changed = asyncio.Event()

    @property
    def log(self) -> str:
        """Name of the attempt's log in the store."""
        return marks.log_name(*self.key)

    @property
    def uid(self) -> str:
        """UID of the operation."""
        return self.key[0]

    def see_operation(self, operation: api.Operation, *, gone: bool) -> None:
        """The operation changed: it may have been cancelled, or be someone else's now."""
        if gone:
            self.operation = None
            self.cancel = self.cancel or "the operation was deleted"
        else:
            self.operation = operation
            self.cancel = self.cancel or operation.metadata.annotations.get(marks.CANCEL, "")
        self.changed.set()

    def see_pod(self, pod: Manifest, *, gone: bool) -> None:
        """The attempt's pod changed. One of another UID is not the one that was started.

        An older state than the known one is no news: the watch may be ahead of the answer to the create, and a pod that
        no node can hold changes no more.
        """
        known = self.pod
        if known is not None and known["metadata"].get("uid") != pod["metadata"].get("uid"):
            return
        if known is not None and _version(pod) < _version(known):
            pod = known
        self.pod = pod
        self.gone = self.gone or gone
        self.changed.set()

    def claimed(self, operation: api.Operation) -> None:
        """The operation is ours from now on."""
        self.operation = operation
        self.claim = operation.status.claim

    @property
    def pool_namespace(self) -> str:
        """Where the pod is, or will be."""
        if self.pod is not None:
            return str(self.pod["metadata"]["namespace"])
        return self.claim.namespace if self.claim is not None else names.operations_namespace(self.pool)

    @property
    def pod_uid(self) -> str:
        """UID of the pod; empty before one is known."""
        return str(self.pod["metadata"].get("uid") or "") if self.pod else ""


def _version(pod: Manifest) -> int:
    """Of two states of one object that with the greater resourceVersion is the later one (KEP-5504)."""
    version = str(pod["metadata"].get("resourceVersion") or "")
    return int(version) if version.isdecimal() else 0
