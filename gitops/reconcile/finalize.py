"""The last turns of a GitSync that was deleted: what it owns goes or stays, as `deletionPolicy` says. Git is not asked.

Nothing is deleted while it is suspended, or in `mode: report`: it waits, and says so. Letting go of everything
(`deletionPolicy: Orphan`) is always done at once.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import replace

import msgspec

from gitops import api, errors
from gitops.api import names
from gitops.api.gitsync import DeletionPolicy, Mode
from gitops.ports.objects import Resource
from gitops.review import rbac
from gitops.sync import finalize, status
from gitops.sync.means import Means

WORKERS = Resource(group=api.GROUP, version=api.VERSION, kind="Worker", plural="workers", namespaced=True)
PATIENCE = 30.0
"""For one turn to wait, in seconds: what is waited for is then said, and the next turn goes on."""

log = logging.getLogger(__name__)

OnBehalf = Callable[[api.GitSync], AbstractAsyncContextManager[Means]]
"""The rights a GitSync is applied with: the reconciler's, or those of the account it names."""


async def run(means: Means, sync: api.GitSync, on_behalf: OnBehalf) -> status.Verdict | None:
    """Do one turn; None if nothing of ours holds the GitSync any more. Errors of the tree end in the verdict."""
    if not finalize.is_held(sync):
        return None
    try:
        if sync.spec.deletion_policy is DeletionPolicy.DELETE:
            if waits := _waits(sync):
                return waits
            await _delete(means, sync, on_behalf)
        await finalize.release(means, sync)
    except errors.GitOpsError as error:
        return replace(status.failed(error), leaving=True)
    return None


def _waits(sync: api.GitSync) -> status.Verdict | None:
    if sync.spec.suspend:
        why, what = "it is suspended", f"gitops resume {sync.metadata.name}"
    elif sync.spec.mode is not Mode.APPLY:
        why, what = f"mode: {sync.spec.mode} writes nothing", "set mode: apply"
    else:
        return None
    message = f"being deleted, and what it owns is not yet: {why} ({what}; deletionPolicy: Orphan keeps everything)"
    return status.Verdict(ready=False, reason="DeletionHeld", message=message, stalled=True, leaving=True)


async def _delete(means: Means, sync: api.GitSync, on_behalf: OnBehalf) -> None:
    async def announce(count: int) -> None:
        metadata, words = sync.metadata, f"deleting {count} objects"
        patch = {"status": {"conditions": status.going(sync, words, now=means.clock.now())}}
        await means.objects.patch_status(status.GIT_SYNCS, metadata.namespace, metadata.name, patch)

    accounts = await _accounts(means, sync)
    async with on_behalf(sync) as rights:
        patient = replace(rights, patience=min(rights.patience, PATIENCE))
        ended = await finalize.finish(patient, sync, accounts=accounts, announce=announce)
    kept = f", kept {', '.join(str(ref) for ref in ended.kept)}" if ended.kept else ""
    log.info("sync %s: deleted with %d objects%s", sync.metadata.name, ended.deleted, kept)


async def _accounts(means: Means, sync: api.GitSync) -> frozenset[rbac.Account]:
    """Who has to be able to finish: the reconcilers of the namespace, and the account whose rights are used."""
    home, named = sync.metadata.namespace, sync.spec.service_account
    workers = (await means.objects.list(WORKERS, home)).items
    found = {names.reconciler_account(msgspec.convert(one, api.Worker)) for one in workers}
    return frozenset(rbac.Account("ServiceAccount", home, name) for name in found | ({named.name} if named else set()))
