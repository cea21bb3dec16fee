"""The cache outside the clone: artefacts named by the hash of what they were made from."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

KEPT_PER_NAME = 3


def root() -> Path:
    """Return the cache directory, made if absent: $GITOPS_CACHE, else below $XDG_CACHE_HOME."""
    named = os.environ.get("GITOPS_CACHE")
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    path = Path(named) if named else Path(base) / "gitops-worker"
    path.mkdir(parents=True, exist_ok=True)
    return path.resolve()


def artefacts() -> Path:
    """Return the directory that holds everything built, also seen (read-only) by the nodes."""
    path = root() / "artefacts"
    path.mkdir(exist_ok=True)
    return path


def logs() -> Path:
    """Return the directory for logs of build steps."""
    path = root() / "logs"
    path.mkdir(exist_ok=True)
    return path


def key(*inputs: str | bytes | Path) -> str:
    """Hash inputs, in order, to 16 hexadecimal digits; a path stands for the file's content."""
    digest = hashlib.sha256()
    for item in inputs:
        content = item.read_bytes() if isinstance(item, Path) else item
        data = content.encode() if isinstance(content, str) else content
        digest.update(len(data).to_bytes(8, "big") + data)
    return digest.hexdigest()[:16]


@contextmanager
def lock(name: str) -> Iterator[None]:
    """Hold the machine-wide lock of that name; the kernel frees it when its holder dies."""
    directory = root() / "locks"
    directory.mkdir(exist_ok=True)
    with (directory / name).open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def obtain(name: str, key: str, make: Callable[[Path], None], *, suffix: str = "") -> Path:
    """Return the artefact of that name and key, making it first if it is absent.

    `make` writes a file or directory at the path it is given; only what it finished appears in the
    cache. Older artefacts of the same name are removed, the newest few stay.
    """
    path = artefacts() / f"{name}-{key}{suffix}"
    if path.exists():
        os.utime(path)
        return path
    with lock(name):
        if path.exists():
            return path
        with tempfile.TemporaryDirectory(dir=root(), prefix=".making-") as scratch:
            made = Path(scratch) / "made"
            make(made)
            made.rename(path)
        _forget_older(name, suffix)
    return path


def _forget_older(name: str, suffix: str) -> None:
    hashed = "[0-9a-f]" * 16
    found = sorted(artefacts().glob(f"{name}-{hashed}{suffix}"), key=lambda path: path.stat().st_mtime)
    for path in found[:-KEPT_PER_NAME]:
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()
