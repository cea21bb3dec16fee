"""What the watches know: operations, pods, pools, this worker, and under which revision it all stands.

Nothing is counted here; whoever wants a number asks for the length of a set.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol, TypeVar

import msgspec

from gitops import api
from gitops.api.operation import Claim, Phase
from gitops.objects import Manifest
from gitops.pods import marks
from gitops.sizing.observed import Run
from gitops.worker.figures import Figures

FINAL = frozenset({Phase.SUCCEEDED, Phase.FAILED, Phase.CANCELLED, Phase.UNKNOWN})

_T = TypeVar("_T")
log = logging.getLogger(__name__)


def read(kind: type[_T], manifest: Mapping[str, Any]) -> _T:
    """A manifest as one of our Structs; unknown fields are passed over.

    Raises:
        msgspec.ValidationError: it was stored under another schema than ours.
    """
    return msgspec.convert(manifest, kind)


def read_all(kind: type[_T], manifests: Iterable[Mapping[str, Any]]) -> list[_T]:
    """All that can be read. One object of a schema we do not know must not stop the others; it is logged."""
    found: list[_T] = []
    for manifest in manifests:
        try:
            found.append(read(kind, manifest))
        except msgspec.ValidationError as error:
            metadata = manifest.get("metadata") or {}
            log.warning("%s %s cannot be read: %s", manifest.get("kind"), metadata.get("name"), error)
    return found


def is_final(operation: api.Operation) -> bool:
    """Nothing will happen to this operation any more."""
    return operation.status.phase in FINAL


class Listener(Protocol):
    """Who wants to hear of every change at once."""

    def see_operation(self, operation: api.Operation, *, gone: bool) -> None:
        """An operation was written or deleted."""
        ...

    def see_pod(self, pod: Manifest, *, gone: bool) -> None:
        """A pod was written or deleted."""
        ...


class Roster:
    """The newest known state of everything, by name or UID. `wake` is set whenever something changed."""

    def __init__(self) -> None:
        self.operations: dict[str, api.Operation] = {}
        self.open: dict[str, api.Operation] = {}
        """Those of them that have not ended: looked through at every change, however many ended ones are kept."""
        self.left: dict[str, api.Operation] = {}
        """Deleted ones whose pod may still come: they keep their mutexes."""
        self.pools: dict[str, api.WorkerPool] = {}
        self.removed_pools: set[str] = set()
        """Pools this process has seen and that are no more; after a restart a missing pool is just not found."""
        self.syncs: dict[str, api.GitSync] = {}
        self.worker: api.Worker | None = None
        self.pods: dict[tuple[str, int], Manifest] = {}
        self.nodes: Sequence[Manifest] = ()
        self.nodes_at = -math.inf
        """The nodes as last listed, and when; only what explains a long wait asks for them."""
        self.heard = 0
        """resourceVersion up to which the watch of operations has told everything."""
        self._claims: dict[str, tuple[Claim, int]] = {}
        self.synced: set[str] = set()
        """What has been listed completely: `operations`, `pools`, `workers`, `syncs`, `pods/<namespace>`."""
        self.signs: dict[str, float] = {}
        """When each watch last gave a sign of life, on the monotonic clock."""
        self.denied: dict[str, str] = {}
        """What may not be watched, and the server's words."""
        self.wake = asyncio.Event()
        self.listener: Listener | None = None
        self.figures = Figures()
        self.runs: defaultdict[str, list[Run]] = defaultdict(list)
        """What ended runs used, by pool, until the ledger has written it."""

    def sync(self, topic: str) -> None:
        """A topic is listed completely."""
        self.synced.add(topic)
        self.denied.pop(topic, None)
        self.wake.set()

    def served(self) -> tuple[api.WorkerPool, ...]:
        """The pools this worker serves and that exist."""
        wanted = self.worker.spec.pools if self.worker else ()
        return tuple(self.pools[name] for name in wanted if name in self.pools)

    def revision(self) -> str:
        """The revision last applied in this namespace; empty if no GitSync says so, or several differ."""
        revisions = {sync.status.last_applied_revision for sync in self.syncs.values()} - {""}
        return revisions.pop() if len(revisions) == 1 else ""

    def put_operation(self, operation: api.Operation) -> None:
        """An operation as the server has it; one that came back from a write of ours counts as well."""
        known = self.operations.get(operation.metadata.uid)
        if known is not None and _older(operation, known):
            return
        self.operations[operation.metadata.uid] = operation
        if is_final(operation):
            self.open.pop(operation.metadata.uid, None)
        else:
            self.open[operation.metadata.uid] = operation
        self._tell_operation(operation, gone=False)
        self.wake.set()

    def hear_operation(self, operation: api.Operation, *, listed: bool = False) -> None:
        """An operation as the watch tells it, in the order in which storage saw it; a listing tells no order."""
        version = int(operation.metadata.resource_version or 0)
        uid, claim = operation.metadata.uid, operation.status.claim
        known = self._claims.get(uid)
        if claim is None:
            self._claims.pop(uid, None)
        elif known is None or known[0] != claim:
            self._claims[uid] = (claim, 0 if listed else version)
        self.heard = max(self.heard, version)
        self.put_operation(operation)

    def claimed_at(self, operation: api.Operation) -> int:
        """At which resourceVersion the write came that claimed an operation; 0 if it is not known: long ago, then."""
        known = self._claims.get(operation.metadata.uid)
        return known[1] if known is not None and known[0] == operation.status.claim else 0

    def drop_operation(self, uid: str) -> None:
        """The operation was deleted."""
        gone = self.operations.pop(uid, None)
        self.open.pop(uid, None)
        self._claims.pop(uid, None)
        if gone is not None:
            self._tell_operation(gone, gone=True)
        self.wake.set()

    def put_pod(self, pod: Manifest) -> None:
        """A pod as the server has it."""
        key = marks.key_of(pod)
        if key is not None:
            self.pods[key] = pod
            self._tell_pod(pod, gone=False)
            self.wake.set()

    def drop_pod(self, pod: Manifest) -> None:
        """The pod no longer exists; its last state."""
        key = marks.key_of(pod)
        if key is not None and _same(self.pods.get(key), pod):
            del self.pods[key]
        self._tell_pod(pod, gone=True)
        self.wake.set()

    def _tell_operation(self, operation: api.Operation, *, gone: bool) -> None:
        if self.listener is not None:
            self.listener.see_operation(operation, gone=gone)

    def _tell_pod(self, pod: Manifest, *, gone: bool) -> None:
        if self.listener is not None:
            self.listener.see_pod(pod, gone=gone)

    def replace_pods(self, namespace: str, pods: Iterable[Manifest]) -> None:
        """The complete set of a namespace: what is not in it is gone."""
        fresh = {key: pod for pod in pods if (key := marks.key_of(pod)) is not None}
        for key, pod in list(self.pods.items()):
            new = fresh.get(key)
            if pod["metadata"]["namespace"] == namespace and (new is None or not _same(new, pod)):
                self.drop_pod(pod)
        for pod in fresh.values():
            self.put_pod(pod)

    def replace_operations(self, listed: Iterable[api.Operation]) -> None:
        """The complete set: what is not in it is gone."""
        fresh = {operation.metadata.uid: operation for operation in listed}
        for uid in self.operations.keys() - fresh.keys():
            self.drop_operation(uid)
        for operation in fresh.values():
            self.hear_operation(operation, listed=True)


def _same(one: Manifest | None, other: Manifest) -> bool:
    return one is not None and one["metadata"].get("uid") == other["metadata"].get("uid")


def _older(new: api.Operation, known: api.Operation) -> bool:
    """A watch may lag behind what a write of ours already returned."""
    one, other = new.metadata.resource_version, known.metadata.resource_version
    # Kubernetes 1.35 declares resourceVersions of one kind comparable as integers.
    return one.isdigit() and other.isdigit() and int(one) < int(other)
