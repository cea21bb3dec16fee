"""Every GitSync of a namespace, each in a task of its own: a turn at its interval, sooner when it changes or is asked.

A turn is asked for by the annotation `gitops-worker.io/requested-at`: any new value starts one. Errors that pass by
themselves are tried again with growing pauses, never more often than the interval would after the first few. A GitSync
whose spec changes, or that is deleted, ends the turn it is in, which is no more than a crash would do: a turn may wait
for minutes until something is healthy, and what it is told then (to be suspended, for one) holds at once.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any

import msgspec

from gitops import api, errors
from gitops.objects import Manifest
from gitops.ports.watch import Gone, Put, Synced, Watch
from gitops.reconcile import finalize, turn
from gitops.sync import consent, status
from gitops.sync import finalize as finalizer
from gitops.sync.means import Means

REQUESTED = "gitops-worker.io/requested-at"
FIRST_RETRY = 2.0

log = logging.getLogger(__name__)

Open = Callable[[api.GitSync], AbstractAsyncContextManager[turn.Turn]]
"""Opens what a turn works with: reads the credentials, opens the mirror."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Doors:
    """How turns come to what they work with: of a GitSync that lives, and of one that was deleted."""

    turn: Open
    on_behalf: finalize.OnBehalf


@dataclass(frozen=True, slots=True, kw_only=True)
class _Said:
    """What of a GitSync asks for a turn when it changes."""

    wanted: tuple[str, int, bool]
    """UID, generation, and whether it is being deleted: another turn than the one that runs."""
    asked: tuple[str, str]
    """A turn asked for, and consent given: one more turn."""


@dataclass(slots=True, kw_only=True)
class _Follower:
    """One GitSync's task and what wakes it."""

    said: _Said
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    task: asyncio.Task[None] | None = None


_Follow = Callable[[_Follower, str, asyncio.Task[None] | None], Coroutine[Any, Any, None]]


async def serve(watch: Watch, means: Means, *, namespace: str, doors: Doors) -> None:
    """Follow all GitSyncs of the namespace until cancelled.

    Raises:
        ClusterDenied: the account may not watch GitSyncs.
    """
    followers: dict[str, _Follower] = {}

    def follow(follower: _Follower, name: str, before: asyncio.Task[None] | None) -> Coroutine[Any, Any, None]:
        return _follow(follower, name, before, means, namespace, doors)

    async with asyncio.TaskGroup() as group:
        async for event in watch.watch(status.GIT_SYNCS, namespace):
            match event:
                case Synced(items=items):
                    names = {one["metadata"]["name"] for one in items}
                    for name in followers.keys() - names:
                        _stop(followers, name)
                    changed = list(items)
                case Put(object=item):
                    changed = [item]
                case Gone(object=item):
                    _stop(followers, item["metadata"]["name"])
                    changed = []
            for item in changed:
                _note(followers, item, group, follow)


def _note(
    followers: dict[str, _Follower],
    item: Manifest,
    group: asyncio.TaskGroup,
    follow: _Follow,
) -> None:
    """Start following a new GitSync; wake the follower of one that says something new."""
    name = item["metadata"]["name"]
    said = _said(item["metadata"])
    known = followers.get(name)
    if known is not None and known.said == said:
        return
    if known is not None and known.said.wanted == said.wanted:
        known.said = said
        known.wake.set()
        return
    before = _stop(followers, name)
    new = followers[name] = _Follower(said=said)
    new.task = group.create_task(follow(new, name, before), name=f"sync {name}")


def _said(metadata: Manifest) -> _Said:
    marks = metadata.get("annotations") or {}
    return _Said(
        wanted=(metadata["uid"], metadata.get("generation") or 0, bool(metadata.get("deletionTimestamp"))),
        asked=(marks.get(REQUESTED, ""), marks.get(consent.ANNOTATION, "")),
    )


def _stop(followers: dict[str, _Follower], name: str) -> asyncio.Task[None] | None:
    follower = followers.pop(name, None)
    if follower is None or follower.task is None:
        return None
    follower.task.cancel()
    return follower.task


async def _follow(
    follower: _Follower, name: str, before: asyncio.Task[None] | None, means: Means, namespace: str, doors: Doors
) -> None:
    """Turn after turn, the first when the task that followed the GitSync `before` has come to its end."""
    if before is not None:
        await asyncio.wait({before})
    failures = 0
    while True:
        follower.wake.clear()
        pause, failed = await _turn(means, namespace, name, doors)
        failures = failures + 1 if failed else 0
        if failed:
            pause = min(pause, FIRST_RETRY * 2 ** min(failures - 1, 10))
        await _pause(means, follower.wake, pause)


async def _pause(means: Means, wake: asyncio.Event, seconds: float) -> None:
    """Sleep on the port's clock, or until woken."""
    sleeping = asyncio.ensure_future(means.clock.sleep(seconds))
    waking = asyncio.ensure_future(wake.wait())
    try:
        await asyncio.wait({sleeping, waking}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        sleeping.cancel()
        waking.cancel()


async def _turn(means: Means, namespace: str, name: str, doors: Doors) -> tuple[float, bool]:
    """Do a turn and write its status; gives the seconds to pause, and whether to come back sooner."""
    try:
        found = await means.objects.get(status.GIT_SYNCS, namespace, name)
        if found is None:
            return 60.0, False
        sync = _read(found)
        pause = float(turn.interval(sync))
        if finalizer.is_leaving(sync):
            verdict = await finalize.run(means, sync, doors.on_behalf)
            return pause, verdict is not None and await _tell(means, sync, verdict)
        if sync.spec.suspend:
            await status.rest(means.objects, sync)
            return pause, False
        return pause, await _tell(means, sync, await _judged(means, sync, doors.turn))
    except errors.GitOpsError as error:
        # The API server itself does not answer, or refuses the status: nothing to write it to but the log.
        log.warning("sync %s: %s", name, error)
        return 30.0, True


def _read(found: Manifest) -> api.GitSync:
    try:
        return msgspec.convert(found, api.GitSync)
    except msgspec.ValidationError as error:
        name = f"{found['metadata']['namespace']}/{found['metadata']['name']}"
        raise errors.ConfigError(f"GitSync {name} cannot be read", cause=str(error)) from error


async def _judged(means: Means, sync: api.GitSync, open_turn: Open) -> status.Verdict:
    try:
        await finalizer.hold(means, sync)
        async with open_turn(sync) as opened:
            return await turn.run(opened)
    except errors.GitOpsError as error:
        return status.failed(error)


async def _tell(means: Means, sync: api.GitSync, verdict: status.Verdict) -> bool:
    """Write the verdict into the status; gives whether to come back sooner."""
    level = logging.INFO if verdict.ready else logging.WARNING
    log.log(level, "sync %s: %s: %s", sync.metadata.name, verdict.reason, verdict.message)
    current = await means.objects.get(status.GIT_SYNCS, sync.metadata.namespace, sync.metadata.name)
    if current is not None and current["metadata"]["uid"] == sync.metadata.uid:
        latest = _read(current)
        judged = msgspec.structs.replace(latest, metadata=sync.metadata)
        await status.write(means.objects, judged, status.after(judged, verdict, now=means.clock.now()))
    return not verdict.ready and not verdict.stalled
