"""Our kinds as msgspec Structs: `WorkerPool`, `Worker`, `GitSync`, `Operation`.

Structs are tolerant (an old replica must read a newer object); the strict reader is the validator that walks the
structural schema generated from these same types.
"""

from gitops.api.gitsync import GitSync
from gitops.api.meta import API_VERSION, FIELD_MANAGER, GROUP, VERSION, Condition, LocalReference, Metadata
from gitops.api.operation import Operation
from gitops.api.worker import Worker
from gitops.api.workerpool import WorkerPool

__all__ = [
    "API_VERSION",
    "FIELD_MANAGER",
    "GROUP",
    "VERSION",
    "Condition",
    "GitSync",
    "LocalReference",
    "Metadata",
    "Operation",
    "Worker",
    "WorkerPool",
]
