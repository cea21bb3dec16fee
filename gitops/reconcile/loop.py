"""Every GitSync of a namespace, each in a task of its own: a turn at its interval, sooner when it changes or is asked.

A turn is asked for by the annotation `gitops-worker.io/requested-at`: any new value starts one. Errors that pass by
themselves are tried again with growing pauses, never more often than the interval would after the first few.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field

import msgspec

from gitops import api, errors
from gitops.objects import Manifest
from gitops.ports.watch import Gone, Put, Synced, Watch
from gitops.reconcile import turn
from gitops.sync import status
from gitops.sync.means import Means

REQUESTED = "gitops-worker.io/requested-at"
FIRST_RETRY = 2.0

log = logging.getLogger(__name__)

Open = Callable[[api.GitSync], AbstractAsyncContextManager[turn.Turn]]
"""Opens what a turn works with: reads the credentials, opens the mirror."""


@dataclass(slots=True)
class _Follower:
    """One GitSync's task and what wakes it."""

    fingerprint: tuple[str, int, str]
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    task: asyncio.Task[None] | None = None


async def serve(watch: Watch, means: Means, *, namespace: str, open_turn: Open) -> None:
    """Follow all GitSyncs of the namespace until cancelled.

    Raises:
        ClusterDenied: the account may not watch GitSyncs.
    """
    followers: dict[str, _Follower] = {}
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
                _note(followers, item, group, lambda name: _follow(followers, name, means, namespace, open_turn))


def _note(
    followers: dict[str, _Follower],
    item: Manifest,
    group: asyncio.TaskGroup,
    follow: Callable[[str], object],
) -> None:
    """Start following a new GitSync; wake the follower of one that says something new."""
    metadata = item["metadata"]
    name = metadata["name"]
    requested = (metadata.get("annotations") or {}).get(REQUESTED, "")
    fingerprint = (metadata["uid"], metadata.get("generation") or 0, requested)
    known = followers.get(name)
    if known is None:
        followers[name] = _Follower(fingerprint=fingerprint)
        followers[name].task = group.create_task(follow(name), name=f"sync {name}")  # type: ignore[arg-type]
    elif known.fingerprint != fingerprint:
        known.fingerprint = fingerprint
        known.wake.set()


def _stop(followers: dict[str, _Follower], name: str) -> None:
    follower = followers.pop(name, None)
    if follower and follower.task:
        follower.task.cancel()


async def _follow(followers: dict[str, _Follower], name: str, means: Means, namespace: str, open_turn: Open) -> None:
    follower = followers[name]
    failures = 0
    while True:
        follower.wake.clear()
        pause, failed = await _turn(means, namespace, name, open_turn)
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


async def _turn(means: Means, namespace: str, name: str, open_turn: Open) -> tuple[float, bool]:
    """Do a turn and write its status; gives the seconds to pause, and whether to come back sooner."""
    try:
        found = await means.objects.get(status.GIT_SYNCS, namespace, name)
        if found is None:
            return 60.0, False
        sync = _read(found)
        pause = float(turn.interval(sync))
        if sync.spec.suspend:
            return pause, False
        return pause, await _judged(means, sync, open_turn)
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


async def _judged(means: Means, sync: api.GitSync, open_turn: Open) -> bool:
    try:
        async with open_turn(sync) as opened:
            verdict = await turn.run(opened)
    except errors.GitOpsError as error:
        verdict = status.failed(error)
    level = logging.INFO if verdict.ready else logging.WARNING
    log.log(level, "sync %s: %s: %s", sync.metadata.name, verdict.reason, verdict.message)
    current = await means.objects.get(status.GIT_SYNCS, sync.metadata.namespace, sync.metadata.name)
    if current is not None and current["metadata"]["uid"] == sync.metadata.uid:
        latest = _read(current)
        judged = msgspec.structs.replace(latest, metadata=sync.metadata)
        await status.write(means.objects, judged, status.after(judged, verdict, now=means.clock.now()))
    return not verdict.ready and not verdict.stalled
