"""Renderings of trees that did not change, kept on disk from one run of the program to the next.

An entry is found by what was asked for (program, tree, path, form) and opened by what the tree says: it is sealed with
a key made of the very files that went into it. So it opens for exactly the content it was made of, damage makes it
useless and never wrong, and no value, of a Secret or anything else, stands in it for whoever has not the files already.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import sys
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

import gitops
from gitops import errors
from gitops.source import Tree
from gitops.source.recorded import Asked, Recorded

WORTH = 0.05
"""Seconds. What is built faster than this is not worth a file."""
MOST_BYTES = 32 << 20
"""Of one entry."""
ALL_BYTES = 128 << 20
"""Of all together; the longest unused go first."""
_MAGIC = b"gitops-build 1\n"
_NONCE = 12
_LENGTH = 4


def home() -> Path:
    """Where everything that can be made again is kept: `GITOPS_CACHE`, else the user's cache directory."""
    named = os.environ.get("GITOPS_CACHE")
    if named:
        return Path(named)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "gitops-worker"


def kept(
    tree: Tree, *question: str, make: Callable[[Tree], bytes], folder: Path | None = None, worth: float = WORTH
) -> bytes:
    """What `make` makes of the tree, or made of one that answered all it asked in the same way.

    `question` says everything else that the result depends on. `make` must ask nothing but the tree.
    """
    folder = folder or home() / "builds"
    program = _program()
    file = folder / _digest([program, _place(tree).encode(), *(word.encode() for word in question)]).hex()
    found = _opened(file, tree, program)
    if found is not None:
        return found
    recorded = Recorded(tree)
    began = time.monotonic()
    made = make(recorded)
    if time.monotonic() - began >= worth and len(made) <= MOST_BYTES:
        # A disk that is full or read-only must not fail a build.
        with suppress(OSError, errors.GitOpsError):
            _store(file, _sealed(recorded.asked, tree, made, (file.name, program)))
    return made


def _place(tree: Tree) -> str:
    """What tells trees apart that are alternately looked at: a directory, or a commit. Content decides the rest."""
    identity = getattr(tree, "identity", None) or (getattr(tree, "root", ""),)
    return "\0".join(map(str, identity))


def _program() -> bytes:
    """What changes whenever the program does: its version, and its files' sizes and times."""
    state = [gitops.__version__, sys.version]
    for package in (Path(gitops.__file__).parent, *(Path(where) for where in _yaml())):
        state += sorted(_state(str(package)))
    return _digest(text.encode() for text in state)


def _yaml() -> Iterable[str]:
    """The folder of the reader, found without importing it."""
    from importlib.util import find_spec

    spec = find_spec("yaml")
    return (spec.submodule_search_locations or ()) if spec else ()


def _state(folder: str) -> Iterable[str]:
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name == "__pycache__":
                continue
            if entry.is_dir():
                yield from _state(entry.path)
            else:
                about = entry.stat()
                yield f"{entry.path} {about.st_size} {about.st_mtime_ns}"


def _digest(parts: Iterable[bytes]) -> bytes:
    found = hashlib.sha256()
    for part in parts:
        found.update(len(part).to_bytes(8, "big") + part)
    return found.digest()


def _key(asked: Asked, tree: Tree, program: bytes) -> bytes:
    return _digest([b"key", program, *asked.answers(tree)])


def _sealed(asked: Asked, tree: Tree, made: bytes, about: tuple[str, bytes]) -> bytes:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    name, program = about
    header = json.dumps(asdict(asked)).encode()
    nonce = secrets.token_bytes(_NONCE)
    box = AESGCM(_key(asked, tree, program)).encrypt(nonce, made, header + name.encode())
    return _MAGIC + len(header).to_bytes(_LENGTH, "big") + header + nonce + box


def _opened(file: Path, tree: Tree, program: bytes) -> bytes | None:
    """What is in an entry, if it was made of what the tree holds now."""
    try:
        if not _ours(file.parent):
            return None
        with file.open("rb") as stream:
            content = stream.read(2 * MOST_BYTES)
    except OSError:
        return None
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    start = len(_MAGIC) + _LENGTH
    end = start + int.from_bytes(content[len(_MAGIC) : start], "big")
    try:
        said = json.loads(content[start:end]) if content.startswith(_MAGIC) else {}
        asked = Asked(tuple(said["kinds"]), tuple(said["files"]), tuple(said["folders"]))
        box = AESGCM(_key(asked, tree, program))
        nonce, sealed = content[end : end + _NONCE], content[end + _NONCE :]
        made = box.decrypt(nonce, sealed, content[start:end] + file.name.encode())
    except (InvalidTag, ValueError, KeyError, TypeError, AttributeError, errors.GitOpsError):
        return None
    with suppress(OSError):
        os.utime(file)
    return made


def _ours(folder: Path) -> bool:
    """Whether nobody else can write there: who knows the files could make an entry that opens."""
    about = folder.stat()
    return about.st_uid == os.geteuid() and not about.st_mode & 0o022


def _store(file: Path, content: bytes) -> None:
    """Write an entry in one step, for its owner only, and make room for it."""
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not _ours(file.parent):
        return
    beside = file.with_suffix(f".{os.getpid()}-{secrets.token_hex(4)}")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(content)
        beside.replace(file)
    except OSError:
        beside.unlink(missing_ok=True)
        raise
    _make_room(file.parent)


def _make_room(folder: Path) -> None:
    found = []
    for file in folder.iterdir():
        with suppress(OSError):
            about = file.stat()
            found.append((about.st_mtime, about.st_size, file))
    total = sum(size for _, size, _ in found)
    for _, size, file in sorted(found)[:-1]:
        if total <= ALL_BYTES:
            return
        file.unlink(missing_ok=True)
        total -= size
