"""What the pools and workers of one namespace form together, decoded once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gitops import api
from gitops.api import names
from gitops.objects import Manifest
from gitops.ref import ResourceRef


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """A WorkerPool as authored and as read; `workers` are those that serve it."""

    ref: ResourceRef
    manifest: Manifest
    value: api.WorkerPool
    workers: tuple[api.Worker, ...]

    @property
    def name(self) -> str:
        """The pool's name."""
        return self.value.metadata.name

    @property
    def operations(self) -> str:
        """The operations namespace."""
        return names.operations_namespace(self.value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """A Worker as authored and as read."""

    ref: ResourceRef
    manifest: Manifest
    value: api.Worker


@dataclass(frozen=True, slots=True, kw_only=True)
class Installation:
    """All pools and workers of one namespace, and the Secrets and accounts its GitSyncs name."""

    namespace: str
    pools: tuple[Pool, ...]
    programs: tuple[Program, ...]
    credentials: tuple[str, ...]
    accounts: tuple[str, ...]

    @property
    def anchor(self) -> ResourceRef:
        """The authored object to which shared objects are counted: the first worker, else the first pool."""
        return self.programs[0].ref if self.programs else self.pools[0].ref

    @property
    def reconcilers(self) -> tuple[str, ...]:
        """Names of the reconcilers' ServiceAccounts."""
        return tuple(names.reconciler_account(program.value) for program in self.programs)

    @property
    def workers(self) -> tuple[str, ...]:
        """Names of the workers' ServiceAccounts."""
        return tuple(names.worker_account(program.value) for program in self.programs)

    @property
    def secrets(self) -> tuple[str, ...]:
        """Names of the Secrets the reconcilers may read."""
        made = {names.credential_secret(program.value) for program in self.programs}
        return tuple(sorted(made | set(self.credentials)))


def labels(installation: str, *, pool: str = "", inherited: Mapping[str, str] | None = None) -> dict[str, str]:
    """The labels of an expanded object: those of the object in Git (kustomize `labels:` goes there), then ours."""
    ours = {
        names.MANAGED_BY: names.PROGRAM,
        "app.kubernetes.io/part-of": names.PROGRAM,
        names.INSTALLATION: installation,
    }
    if pool:
        ours[names.POOL] = pool
    return {**(inherited or {}), **ours}
