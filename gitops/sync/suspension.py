"""Suspending and resuming a GitSync: one field, and beside it who set it, when and why."""

from __future__ import annotations

from gitops import api
from gitops.objects import Manifest
from gitops.sync import edit
from gitops.sync.means import Means

SUSPENDED_BY = f"{api.GROUP}/suspended-by"


async def suspend(means: Means, sync: api.GitSync, *, reason: str = "") -> bool:
    """Let the reconciler do nothing; False if it does nothing already.

    Raises:
        ObjectMissing: the GitSync is gone.
        VersionConflict: somebody writes it again and again.
    """
    who = await means.who()
    note = f"{who}, {means.clock.now().strftime('%Y-%m-%dT%H:%M:%SZ')}{f': {reason}' if reason else ''}"

    def change(manifest: Manifest) -> bool:
        if manifest["spec"].get("suspend"):
            return False
        manifest["spec"]["suspend"] = True
        manifest["metadata"].setdefault("annotations", {})[SUSPENDED_BY] = note
        return True

    return await edit.edit(means.objects, sync, change)


async def resume(means: Means, sync: api.GitSync) -> bool:
    """Let the reconciler go on; False if nothing kept it."""

    def change(manifest: Manifest) -> bool:
        (manifest["metadata"].get("annotations") or {}).pop(SUSPENDED_BY, None)
        return bool(manifest["spec"].pop("suspend", False))

    return await edit.edit(means.objects, sync, change)
