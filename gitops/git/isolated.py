"""One exchange in a process of its own.

It is for a site whose certificate authorities this process must not trust, and to bound the memory that what arrives
may take.

It costs the start of a Python and the import of pygit2, a quarter of a second.
"""

from __future__ import annotations

import multiprocessing
import resource
import threading
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any, TypeVar

from gitops import errors
from gitops.git import failures, library
from gitops.git.site import Site

Result = TypeVar("Result")


def call(
    act: Callable[..., Result], site: Site, arguments: tuple[Any, ...], stop: threading.Event, *, memory: int = 0
) -> Result:
    """`act(*arguments, stop)` in a child that trusts the site's authorities alone, within so many bytes of memory.

    Raises:
        SourceUnavailable: the child died.
        Stopped: `stop` was set; the child is killed.
    """
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    child = context.Process(target=_child, args=(theirs, act, site, arguments, memory), daemon=True)
    child.start()
    theirs.close()
    try:
        result: Result = _receive(ours, site, stop)
        return result
    finally:
        child.kill()
        child.join()
        ours.close()


def _receive(ours: Connection[Any, Any], site: Site, stop: threading.Event) -> Any:
    while not ours.poll(0.05):
        if stop.is_set():
            raise failures.Stopped
    try:
        done, value = ours.recv()
    except EOFError:
        raise errors.SourceUnavailable(f"cannot read {site.name}", cause="the process that talks to it died") from None
    if done:
        return value
    raise value


def _child(
    theirs: Connection[Any, Any], act: Callable[..., Any], site: Site, arguments: tuple[Any, ...], memory: int
) -> None:
    if memory:
        # Mapped packs do not count as data, so a large repository is no reason to fail; what is unpacked does.
        resource.setrlimit(resource.RLIMIT_DATA, (memory, memory))
    try:
        answer: tuple[bool, Any] = (True, _acted(act, site, arguments))
    except errors.GitOpsError as error:
        answer = (False, error)
    finally:
        library.leave()
    theirs.send(answer)


def _acted(act: Callable[..., Any], site: Site, arguments: tuple[Any, ...]) -> Any:
    if not library.trust(site.ca):
        raise errors.SourceError(f"cannot read {site.name}", cause="a new process trusts an authority already")
    return act(*arguments, threading.Event())


def run(
    act: Callable[..., Result], site: Site, arguments: tuple[Any, ...], stop: threading.Event, *, memory: int = 0
) -> Result:
    """`act(*arguments, stop)` here if this process's trust is the site's and memory is not limited, else in a child."""
    # Files and ssh know no certificate authorities, so this process's trust is no matter to them.
    if not memory and (site.scheme != "https" or library.trust(site.ca)):
        return act(*arguments, stop)
    return call(act, site, arguments, stop, memory=memory)
