"""The mirror's directory: made, guarded by a lock, swept after a crash, rebuilt when broken.

Nothing in it is precious: all of it can be fetched again, so whatever is doubtful is removed.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pygit2

from gitops import errors
from gitops.git import library
from gitops.source import heads

LAYOUT = "1"
KEPT = "refs/gitops/kept/"
LOCK_SECONDS = 120.0
PACK_SUFFIXES = {".pack", ".idx", ".rev", ".keep"}

library.prepare()


@contextmanager
def locked(directory: Path, check: Callable[[], None]) -> Iterator[None]:
    """Be the only process that writes to the mirror. `check` is called while waiting and may raise.

    Raises:
        SourceUnavailable: another process kept the lock for two minutes.
    """
    directory.parent.mkdir(parents=True, exist_ok=True)
    lock = os.open(directory.with_suffix(".lock"), os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        _acquire(lock, directory, check)
        yield
    finally:
        os.close(lock)


def _acquire(lock: int, directory: Path, check: Callable[[], None]) -> None:
    give_up = time.monotonic() + LOCK_SECONDS
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            check()
            if time.monotonic() > give_up:
                raise errors.SourceUnavailable(
                    f"the mirror {directory} is in use", cause="another process is fetching into it"
                ) from None
            time.sleep(0.05)
        else:
            return


def ready(directory: Path, url: str) -> pygit2.Repository:
    """The mirror, made or mended. Call it under the lock."""
    if not _whole(directory, url):
        shutil.rmtree(directory, ignore_errors=True)
        _make(directory, url)
    _sweep(directory)
    return pygit2.Repository(str(directory))


def _whole(directory: Path, url: str) -> bool:
    """Whether the mirror was made completely, for this URL, and its last fetch can be read."""
    try:
        if (directory / "gitops-mirror").read_text() != _mark(url):
            return False
        repository = pygit2.Repository(str(directory))
        for name in repository.references:
            if name == heads.FETCHED or name.startswith(KEPT):
                repository.references[name].peel()
    except (OSError, ValueError, KeyError, pygit2.GitError):
        return False
    return True


def _mark(url: str) -> str:
    return f"{LAYOUT}\n{url}\n"


def _make(directory: Path, url: str) -> None:
    """Build it under another name, so that a directory of the right name is always a whole one."""
    building = directory.with_suffix(".new")
    shutil.rmtree(building, ignore_errors=True)
    repository = pygit2.init_repository(str(building), bare=True)
    # Tags would come along uninvited, and a redirect could lead anywhere.
    repository.config["http.followRedirects"] = "false"
    repository.config["gc.auto"] = "0"
    (building / "gitops-mirror").write_text(_mark(url))
    building.rename(directory)


def _sweep(directory: Path) -> None:
    """Remove what a killed process left: locks of references, and packs it had not finished."""
    for lock in directory.rglob("*.lock"):
        lock.unlink(missing_ok=True)
    for left in (directory / "objects" / "pack").glob("*"):
        if not (left.name.startswith("pack-") and left.suffix in PACK_SUFFIXES):
            with suppress(OSError):
                left.unlink()
