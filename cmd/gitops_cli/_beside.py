"""A directory rendered by a second process, while this one imports and connects what it needs for the cluster.

Both take a few tenths of a second, and most machines have another processor. The child answers as a build here would,
mistakes included; if it dies without an answer (a limit of the system), whoever asked builds for himself and is told.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from gitops import errors
from gitops.git import checkout
from gitops.location import Location
from gitops.plan.change import Desired
from gitops.ref import ResourceRef
from gitops.sync.desired import Places
from gitops_cli import _render


class Beside:
    """A rendering under way, and afterwards the one who knows where each of its fields stands."""

    def __init__(self, answers: Connection[Any, Any]) -> None:
        self._answers = answers

    def rendering(self) -> tuple[Desired, ...] | None:
        """Everything the directory wants; None if the child died. Waits for it.

        Raises:
            ConfigError: as `gitops.sync.desired.render`.
        """
        found = self._received()
        return None if found is None else _render.decoded(found)

    def place(self, ref: ResourceRef, pointer: str) -> Location | None:
        """As `gitops.sync.desired.Places`; None also if the child has died since."""
        with suppress(OSError):
            self._answers.send((ref, pointer))
            found: Location | None = self._received()
            return found
        return None

    def _received(self) -> Any:
        try:
            done, value = self._answers.recv()
        except (EOFError, OSError):
            return None
        if not done:
            raise value
        return value


@contextmanager
def rendering(argument: str) -> Iterator[Beside | None]:
    """Begin to render a directory; None if there is none, or nobody to do it.

    Only a process without threads may be doubled, and only Linux does it safely.
    """
    if sys.platform != "linux" or threading.active_count() > 1 or len(os.sched_getaffinity(0)) == 1:
        yield None
        return
    if not argument or not Path(argument).is_dir():
        yield None
        return
    context = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe()
    child = context.Process(target=_child, args=(ours, theirs, argument), daemon=True)
    with ours:
        with theirs:
            started = _started(child)
        try:
            yield Beside(ours) if started else None
        finally:
            if started:
                child.kill()
                child.join()


def _started(child: BaseProcess) -> bool:
    try:
        child.start()
    except OSError:  # no memory for another process, or no right to one
        return False
    return True


def _child(ours: Connection[Any, Any], theirs: Connection[Any, Any], argument: str) -> None:
    ours.close()  # or the end of the other process would go unnoticed
    # Whatever ends this process, a limit, a signal or a fault, the other one notices, and says it better.
    with suppress(BaseException):
        opened = checkout.open_path(argument, describe=False)
        places = Places(opened.tree, opened.path)
        _answer(theirs, lambda: _render.encoded(opened.tree, opened.path, places))
        while True:
            ref, pointer = theirs.recv()
            _answer(theirs, lambda ref=ref, pointer=pointer: places(ref, pointer))


def _answer(theirs: Connection[Any, Any], question: Any) -> None:
    try:
        theirs.send((True, question()))
    except errors.GitOpsError as error:
        theirs.send((False, error))
