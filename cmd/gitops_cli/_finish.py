"""What a person's sync leaves in the GitSync: the revision applied, so that the reconciler does not apply it again."""

from __future__ import annotations

from dataclasses import replace

import msgspec

from gitops import api
from gitops.api.gitsync import Rollback
from gitops.source import Revision
from gitops.sync import status, story
from gitops.sync.execute import Outcome
from gitops.sync.means import Means
from gitops_cli._target import Target


async def tell(
    means: Means, target: Target, planned: story.Planned, outcome: Outcome, *, rollback: Rollback | None = None
) -> None:
    """Write the status of the target's GitSync, if it has one and everything of the plan was done."""
    if target.sync is None or planned.plan.refused:
        return
    metadata = target.sync.metadata
    current = await means.objects.get(status.GIT_SYNCS, metadata.namespace, metadata.name)
    if current is None or current["metadata"]["uid"] != metadata.uid:
        return
    sync = msgspec.convert(current, api.GitSync)
    revision = Revision.parse(planned.plan.revision)
    moved = outcome.moved or outcome.deleted
    words = f"applied {revision.short}: {outcome.moved} written, {outcome.deleted} deleted"
    known = next((one.message for one in sync.status.conditions if one.type == "Ready" and one.status == "True"), "")
    same = not moved and sync.status.last_applied_revision == str(revision)
    verdict = status.Verdict(
        ready=True,
        reason="Applied",
        message=known if same and known else words,
        attempted=str(revision),
        applied=str(revision),
        objects=len(planned.plan.entries),
        drifts=(),
    )
    if rollback is not None:
        told = status.rolled_back(rollback, ())
        verdict = replace(told, applied=str(revision), objects=len(planned.plan.entries), rollback=rollback)
    await status.write(means.objects, sync, status.after(sync, verdict, now=means.clock.now()))
