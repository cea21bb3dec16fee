"""One turn of one GitSync: resolve, and if there is a new commit build, plan and apply it; otherwise look for drift.

Commits are taken one at a time: what arrives while one is being applied is seen by the next turn, which goes straight
to the newest. A commit a guard refused is pinned and not tried again until a newer one arrives or a person consents.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from gitops import api, errors
from gitops.api import duration
from gitops.api.gitsync import DriftMode, Mode
from gitops.plan.change import Desired
from gitops.plan.settle import Header
from gitops.ports.repository import Repository
from gitops.reconcile import correct
from gitops.source import Revision, Tree
from gitops.sync import consent, status, story
from gitops.sync.means import Means

Render = Callable[[Tree, str], Awaitable[tuple[Desired, ...]]]
"""Builds, validates and expands; may run elsewhere than in this process."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """A GitSync as read at the start of the turn, and what the turn works with."""

    sync: api.GitSync
    repository: Repository
    render: Render
    means: Means

    @property
    def header(self) -> Header:
        """What plans of this turn are for; the revision is filled in later."""
        return Header(name=self.sync.metadata.name, namespace=self.sync.metadata.namespace, revision="")


async def run(turn: Turn) -> status.Verdict:
    """Do one turn. Errors of the tree end in the verdict; anything else is a bug and escapes."""
    attempted = ""
    try:
        revision = await turn.repository.resolve(turn.sync.spec.source.ref)
        attempted = str(revision)
        if _is_new(turn.sync, attempted):
            await turn.repository.fetch(revision)
            return await _advance(turn, revision)
        return await _look(turn, revision)
    except errors.SourceError as error:
        return await _without_source(turn, error, attempted)
    except errors.GitOpsError as error:
        return status.failed(error, attempted=attempted)


def _is_new(sync: api.GitSync, revision: str) -> bool:
    """Not applied yet, or the GitSync itself says something else than when it was."""
    current = sync.status.observed_generation == sync.metadata.generation
    return revision != sync.status.last_applied_revision or not current


async def _advance(turn: Turn, revision: Revision) -> status.Verdict:
    if _pinned(turn.sync, str(revision)) or _rolled_back(turn.sync, revision):
        return await _pinned_verdict(turn, revision)
    desired = await _render(turn, revision)
    applied = turn.sync.status.last_applied_revision
    agreed = await consent.of_commits(turn.repository, revision, applied=applied)
    header = replace(turn.header, revision=str(revision))
    rules = replace(
        consent.rules_of(turn.sync, agreed),
        force=turn.sync.spec.drift is DriftMode.CORRECT,
    )
    planned = await story.plan(turn.means, desired, header=header, rules=rules)
    if turn.sync.spec.mode is not Mode.APPLY:
        return _reported(planned, revision)
    if planned.plan.writes and not planned.plan.blocked:
        await _announce(turn, revision)
    outcome = await story.carry_out(turn.means, planned)
    await turn.repository.keep(f"{header.namespace}.{header.name}", revision)
    conflicts = planned.plan.refused
    if conflicts:
        return _conflicted(planned, revision)
    return status.Verdict(
        ready=True,
        reason="Applied",
        message=f"applied {revision.short}: {outcome.moved} written, {outcome.deleted} deleted",
        attempted=str(revision),
        applied=str(revision),
        objects=len(planned.plan.entries),
        drifts=(),
        corrections=(),
    )


async def _render(turn: Turn, revision: Revision) -> tuple[Desired, ...]:
    tree = await turn.repository.tree(revision)
    return await turn.render(tree, turn.sync.spec.source.path)


def _pinned(sync: api.GitSync, revision: str) -> bool:
    return revision == sync.status.refused_revision and sync.status.observed_generation == sync.metadata.generation


def _rolled_back(sync: api.GitSync, revision: Revision) -> bool:
    """A person went back from this very commit: whatever else changes, only a newer one goes on."""
    done = sync.status.rollback
    return done is not None and Revision.parse(done.pinned).commit == revision.commit


async def _pinned_verdict(turn: Turn, revision: Revision) -> status.Verdict:
    """The refusal stands; what was applied before is still watched for drift."""
    known = next((one for one in turn.sync.status.conditions if one.type == "Ready"), None)
    drifts = await _drifts_if_known(turn)
    if turn.sync.status.rollback is not None and _rolled_back(turn.sync, revision):
        return status.rolled_back(turn.sync.status.rollback, drifts.drifts if drifts else None)
    return status.Verdict(
        ready=False,
        reason=known.reason if known else "Refused",
        message=known.message if known else f"{revision.short} was refused",
        attempted=str(revision),
        refused=str(revision),
        stalled=True,
        drifts=drifts.drifts if drifts else None,
    )


async def _announce(turn: Turn, revision: Revision) -> None:
    """Say what is being applied before it is: a reader of the status never has to guess."""
    patch = {"status": {"conditions": status.announced(turn.sync, revision.short, now=turn.means.clock.now())}}
    metadata = turn.sync.metadata
    await turn.means.objects.patch_status(status.GIT_SYNCS, metadata.namespace, metadata.name, patch)


def _reported(planned: story.Planned, revision: Revision) -> status.Verdict:
    count = len(planned.plan.changes)
    message = (
        f"{revision.short} would change {count} objects (mode: report)" if count else f"{revision.short} is applied"
    )
    return status.Verdict(
        ready=not count,
        reason="Pending" if count else "Applied",
        message=message,
        attempted=str(revision),
        applied="" if count else str(revision),
    )


def _conflicted(planned: story.Planned, revision: Revision) -> status.Verdict:
    first = planned.plan.refused[0]
    return status.Verdict(
        ready=False,
        reason=errors.FieldConflict.reason,
        message=f"applied {revision.short} but for {len(planned.plan.refused)} objects; {first.ref}: {first.why}",
        attempted=str(revision),
        objects=len(planned.plan.entries),
    )


async def _look(turn: Turn, revision: Revision) -> status.Verdict:
    """No new commit: compare live with what was applied, and correct it if that is wanted."""
    desired = await _applied(turn)
    found, done = await _compared(turn, desired, revision)
    if found.leftover and turn.sync.spec.prune and turn.sync.spec.mode is Mode.APPLY:
        await _tidy(turn, desired, revision)
    return _corrected(turn, revision, done) if done else _looked(turn, revision, found)


async def _compared(
    turn: Turn, desired: tuple[Desired, ...], revision: Revision
) -> tuple[story.Drifted, correct.Corrected | None]:
    """What drifted from a revision that was applied; after its correction, if that is wanted."""
    found = await _compare(turn, desired)
    # Applied and pinned at once: a rollback did not get to its end. To correct would be to undo it.
    unfinished = _rolled_back(turn.sync, revision)
    if turn.sync.spec.drift is not DriftMode.CORRECT or unfinished:
        return found, None
    header = replace(turn.header, revision=str(revision))
    done = await correct.correct(turn.means, turn.sync, desired, found, header=header, interval=interval(turn.sync))
    return done.found, done


async def _without_source(turn: Turn, error: errors.SourceError, attempted: str) -> status.Verdict:
    """The source does not answer: what was applied is in the mirror, so drift is seen and corrected all the same."""
    verdict = status.failed(error, attempted=attempted)
    if not turn.sync.status.last_applied_revision:
        return verdict
    try:
        desired = await _applied(turn)
        applied = Revision.parse(turn.sync.status.last_applied_revision)
        found, done = await _compared(turn, desired, applied)
    except errors.GitOpsError:
        return verdict  # what is wrong first is said first
    note = (done.note if done else "") + _expired(found)
    heats = done.heats if done else None
    return replace(verdict, drifts=found.drifts, ignored=len(found.ignored), note=note, corrections=heats)


def _looked(turn: Turn, revision: Revision, found: story.Drifted, note: str = "") -> status.Verdict:
    """What was found; what could not be read is never called in sync, and hides nothing that was."""
    verdict = status.Verdict(
        ready=True,
        reason="Applied",
        message=_applied_words(turn.sync, revision),
        attempted=str(revision),
        applied=str(revision),
    )
    if found.unreadable:
        ref, why = next(iter(found.unreadable.items()))
        denied = errors.ClusterDenied(f"{len(found.unreadable)} objects cannot be read, the first: {ref}", cause=why)
        verdict = status.failed(denied, attempted=str(revision))
    return replace(verdict, drifts=found.drifts, ignored=len(found.ignored), note=note + _expired(found))


def _corrected(turn: Turn, revision: Revision, done: correct.Corrected) -> status.Verdict:
    verdict = _looked(turn, revision, done.found, done.note)
    if done.judged.fights:
        said = status.fighting(done.judged.fights, applied=str(revision))
        verdict = replace(said, drifts=verdict.drifts, ignored=verdict.ignored, note=verdict.note)
    if done.error:
        said = status.failed(done.error, attempted=str(revision))
        verdict = replace(said, drifts=verdict.drifts, ignored=verdict.ignored, note=verdict.note, refused="")
    return replace(verdict, corrections=done.heats)


def _expired(found: story.Drifted) -> str:
    """The ignore rules that would still hide something, had they not expired."""
    rules = [rule for rule, count in found.expired if count]
    return "".join(f"; the ignore rule of {one.owner} expired on {one.expires}: {one.reason}" for one in rules)


def _applied_words(sync: api.GitSync, revision: Revision) -> str:
    """Keep what the turn that applied it said, so that a turn that finds nothing new writes nothing."""
    known = next((one for one in sync.status.conditions if one.type == "Ready"), None)
    return known.message if known and known.reason == "Applied" else f"applied {revision.short}"


async def _applied(turn: Turn) -> tuple[Desired, ...]:
    """The rendering of the revision last applied."""
    applied = Revision.parse(turn.sync.status.last_applied_revision)
    await turn.repository.fetch(applied)
    return await _render(turn, applied)


async def _compare(turn: Turn, desired: tuple[Desired, ...]) -> story.Drifted:
    rules = consent.rules_of(turn.sync, frozenset()).ignore
    return await story.find_drift(
        turn.means, desired, name=turn.header.name, namespace=turn.header.namespace, rules=rules
    )


async def _drifts_if_known(turn: Turn) -> story.Drifted | None:
    """None if nothing was applied, or what was is in no history any more (a force-push, and a new mirror)."""
    if not turn.sync.status.last_applied_revision:
        return None
    try:
        return await _compare(turn, await _applied(turn))
    except errors.SourceError:
        return None


async def _tidy(turn: Turn, desired: tuple[Desired, ...], revision: Revision) -> None:
    """Delete what is superseded and was still referred to when the revision was applied; nothing else is touched."""
    rules = consent.rules_of(turn.sync, frozenset())
    planned = await story.plan(turn.means, desired, header=replace(turn.header, revision=str(revision)), rules=rules)
    due = tuple(one for one in planned.plan.writes if one.superseded)
    await story.carry_out(turn.means, replace(planned, plan=replace(planned.plan, changes=due)), healthy=False)


def interval(sync: api.GitSync) -> int:
    """Seconds until the next turn, if nothing asks for one before."""
    return max(duration.seconds(sync.spec.interval), 5)
