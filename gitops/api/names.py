"""Names and labels that follow from our kinds, for all who must agree on them."""

from __future__ import annotations

import hashlib
from typing import Final

from gitops.api.meta import GROUP
from gitops.api.worker import Topology, Worker
from gitops.api.workerpool import WorkerPool

POOL: Final = f"{GROUP}/pool"
"""Label: the WorkerPool an object or pod belongs to."""
INSTALLATION: Final = f"{GROUP}/installation"
"""Label of an operations namespace: the namespace in which its WorkerPool and Worker live."""
PROTECTED: Final = f"{GROUP}/protected"
"""Label of an operation's pod while the disruption budget of its namespace holds for it: "true"."""
MANAGED_BY: Final = "app.kubernetes.io/managed-by"
PROGRAM: Final = "gitops-worker"

_LONGEST = 63


def operations_namespace(pool: WorkerPool) -> str:
    """The namespace in which a pool's pods run: as the pool says, or `<namespace>-<pool>-ops`, hash-shortened to 63."""
    if pool.spec.namespace:
        return pool.spec.namespace
    name = f"{pool.metadata.namespace}-{pool.metadata.name}-ops"
    if len(name) <= _LONGEST:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:8]
    return f"{name[: _LONGEST - len(digest) - 1].rstrip('-')}-{digest}"


def pod_account(pool: WorkerPool) -> str:
    """The ServiceAccount a pool's pods run under, in the operations namespace."""
    return pool.spec.service_account.name or pool.metadata.name


def reconciler_account(worker: Worker) -> str:
    """The ServiceAccount of the reconciler, in the worker's namespace; also the name of its Deployment."""
    name = worker.metadata.name
    return name if worker.spec.topology is Topology.EMBEDDED else f"{name}-reconciler"


def worker_account(worker: Worker) -> str:
    """The ServiceAccount of the worker, in the worker's namespace; also the name of its Deployment."""
    name = worker.metadata.name
    return name if worker.spec.topology is Topology.EMBEDDED else f"{name}-worker"


def credential_secret(worker: Worker) -> str:
    """The Secret for Git that an installation makes; the reconciler may read it without a GitSync in Git naming it."""
    return f"{worker.metadata.name}-git"
