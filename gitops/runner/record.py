"""The end record: what the runner knows when the script has ended.

It comes twice, as the container's termination message (with the pod's status) and as the log's last frame.
"""

from __future__ import annotations

import msgspec


class EndRecord(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Times are RFC 3339; a usage of -1 is unknown; usage is that of the pod's container, files in memory included."""

    version: int
    exit_code: int
    signal: int = 0
    terminated: bool = False
    """SIGTERM or SIGINT came while the script still ran."""
    timed_out: bool = False
    start_error: int = 0
    """errno; 0 means that the script did start."""
    left_behind: int = 0
    last_seq: int = 0
    lines: int = 0
    bytes: int = 0
    sha256: str = ""
    started: str = ""
    finished: str = ""
    cpu_ms: int = -1
    throttled_ms: int = -1
    memory_peak: int = -1
    oom_kills: int = -1
    files_error: int = 0
    """errno of a file that could not be written; the script was not started then."""
    files_awaited: bool = False
    """The end came while files were waited for that the worker fetches: the script was not started."""
    dropped: int = 0
    """Lines beyond the log's limit: not among `lines`, and in no frame."""
    docker_asked: bool = False
    """The script called a docker that is not there."""
    noexec: bool = False
    """The working directory is mounted noexec: nothing in it can be executed."""


_decoder = msgspec.json.Decoder(EndRecord)


def read(text: str | bytes) -> EndRecord | None:
    """The record in a termination message or an end frame; None if it is none (the kubelet also writes there)."""
    try:
        return _decoder.decode(text)
    except msgspec.DecodeError:
        return None
