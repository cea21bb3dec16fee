"""Builds in a process of their own, with a memory limit and a deadline: hostile input cannot hurt the one that serves.

What was built last is kept, so that looking for drift once a minute renders nothing again.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import resource
import time
from collections import OrderedDict
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from typing import Any

from gitops import errors, runner
from gitops.git.tree import GitTree
from gitops.plan.change import Desired
from gitops.source import Tree
from gitops.sync import desired

KEPT = 4
"""Renderings: the one applied and the newest, of two GitSyncs."""
Rendering = tuple[Desired, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Of one build: bytes of address space, and seconds by the wall clock."""

    memory: int = 1 << 30
    seconds: float = 60.0


@dataclass(slots=True)
class Builder:
    """Renders trees; `render` is what a turn takes."""

    limits: Limits = field(default_factory=Limits)
    _kept: OrderedDict[tuple[str, str, str], Rendering] = field(default_factory=OrderedDict)

    async def render(self, tree: Tree, path: str) -> Rendering:
        """Everything the kustomization at `path` wants.

        Raises:
            BuildError: it cannot be built, or not within the limits.
        """
        key = (*tree.identity, path) if isinstance(tree, GitTree) else None
        if key is not None and key in self._kept:
            self._kept.move_to_end(key)
            return self._kept[key]
        made = await asyncio.to_thread(call, tree, path, self.limits)
        if key is not None:
            self._kept[key] = made
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        return made


def call(tree: Tree, path: str, limits: Limits) -> Rendering:
    """Build in a child and wait for it.

    Raises:
        BuildError: as the build says; or the child died, or did not end in time.
    """
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    child = context.Process(target=_child, args=(theirs, tree, path, limits), daemon=True)
    child.start()
    theirs.close()
    try:
        done, value = _receive(ours, limits)
    finally:
        child.kill()
        child.join()
        ours.close()
    if not done:
        raise value
    made: Rendering = value
    return made


def _receive(ours: Connection[Any, Any], limits: Limits) -> tuple[bool, Any]:
    deadline = time.monotonic() + limits.seconds
    while not ours.poll(0.1):
        if time.monotonic() > deadline:
            raise errors.BuildError(
                f"the build did not end within {limits.seconds:.0f} s", hint="is the kustomization far too large?"
            )
    try:
        answer: tuple[bool, Any] = ours.recv()
    except EOFError:
        raise errors.BuildError(
            "the build died", cause=f"it may have needed more than {limits.memory >> 20} MiB of memory"
        ) from None
    return answer


def _child(theirs: Connection[Any, Any], tree: Tree, path: str, limits: Limits) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (limits.memory, limits.memory))
    resource.setrlimit(resource.RLIMIT_CPU, (int(limits.seconds) + 1, int(limits.seconds) + 1))
    try:
        theirs.send((True, desired.render(tree, path, runner=runner.files())))
    except errors.GitOpsError as error:
        theirs.send((False, error))
    except MemoryError:
        why = f"it needs more than {limits.memory >> 20} MiB of memory"
        theirs.send((False, errors.BuildError("the build was stopped", cause=why)))
