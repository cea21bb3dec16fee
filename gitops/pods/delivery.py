"""Files from URLs: what the worker says to the runner that waits for them, and in which form it sends them.

The other side is `gitops/runner/src/receive.c`. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from gitops import api, runner
from gitops.api import duration
from gitops.api.workerpool import Allow, WorkerPoolSpec
from gitops.objects import address, quantity
from gitops.objects.address import Address
from gitops.pods import command

UNWRITTEN: Final = 12
"""Exit code: the file has no place in the pod, for lack of room or because of its path. Every other one is a stream
that broke or was changed on its way, and is worth another try.
"""
END: Final = bytes(4)
"""What follows the last block. Without it the runner keeps nothing."""
BEHIND: Final = 120
"""Seconds by which the runner gives up after the worker: it is the second line, for when no worker lives."""
_START: Final = ("/bin/sh", f"{command.RUNNER}/{runner.START}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """One file from a URL; `number` is its place among them."""

    number: int
    path: str
    url: str
    digest: str
    executable: bool = False

    @property
    def address(self) -> Address:
        """Where it is.

        Raises:
            ValueError: in no form that is followed; the message repeats nothing of it.
        """
        return address.parse(self.url)

    @property
    def shown(self) -> str:
        """Where it is, for people: without the query, which may be a secret."""
        try:
            return self.address.shown
        except ValueError:
            return f"the url of {self.path}"


def fetched(operation: api.Operation | None) -> list[Fetched]:
    """The files an operation has from URLs."""
    found = [one for one in operation.spec.files_from if one.url is not None] if operation is not None else []
    return [
        Fetched(
            number=number,
            path=one.path,
            url=one.url or "",
            digest=(one.digest or "").removeprefix("sha256:"),
            executable=one.executable,
        )
        for number, one in enumerate(found)
    ]


def options(operation: api.Operation, pool: WorkerPoolSpec) -> list[str]:
    """What the runner that has the script is told."""
    count = len(fetched(operation))
    if not count:
        return []
    return ["--awaited", str(count), "--await-timeout", str(duration.seconds(pool.timeouts.files) + BEHIND)]


def limit(allow: Allow) -> int:
    """The most bytes a file may have."""
    most = quantity.parse(allow.max_file_size)
    return int(most) if most is not None else 0


def missing(count: int) -> list[str]:
    """The command that says which of so many files the runner still waits for, a number on each line."""
    return [*_START, "--missing", str(count), "--spool", command.SPOOL]


def receive(one: Fetched) -> list[str]:
    """The command that takes a file from its standard input."""
    options = {
        "--receive": str(one.number),
        "--path": one.path,
        "--digest": one.digest,
        "--mode": "755" if one.executable else "644",
        "--spool": command.SPOOL,
    }
    return [*_START, *(part for pair in options.items() for part in pair)]


def block(content: bytes) -> bytes:
    """A part of a file as it is sent: its size in front of it."""
    return len(content).to_bytes(4, "big") + content


def refusals(operation: api.Operation, allow: Allow) -> Iterator[str]:
    """The URLs a pool does not allow, in words without their queries."""
    for one in fetched(operation):
        try:
            known = one.address
        except ValueError as error:
            yield f"the url of the file {one.path}: {error}"
            continue
        if not address.allows(allow.urls, known):
            yield f"url {known.shown} (allowed: {', '.join(allow.urls) or 'none'})"
