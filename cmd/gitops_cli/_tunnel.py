"""One HTTP GET through a stream somebody else opened: a pod's loopback port, reached by the API server.

The answer is read as it comes, chunk by chunk, for it may be a log that is still being written.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Protocol

from gitops import errors

OK = 200
NOT_FOUND = 404
BLOCK = 65536
LONGEST_HEADER = 65536


class Reader(Protocol):
    """What `asyncio.StreamReader` has."""

    async def readline(self) -> bytes: ...

    async def readexactly(self, n: int, /) -> bytes: ...

    async def read(self, n: int = -1, /) -> bytes: ...


class Writer(Protocol):
    """What `asyncio.StreamWriter` has."""

    def write(self, data: bytes, /) -> None: ...

    async def drain(self) -> None: ...


async def get(reader: Reader, writer: Writer, path: str, *, what: str) -> AsyncGenerator[bytes, None]:
    """The body of the answer to `GET path`.

    Raises:
        ObjectMissing: 404.
        ClusterUnavailable: another status, or the answer broke off.
    """
    writer.write(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nAccept: */*\r\nConnection: close\r\n\r\n".encode())
    await writer.drain()
    try:
        status, headers = await _head(reader, what)
        if status == NOT_FOUND:
            raise errors.ObjectMissing(f"cannot {what}", cause="the worker has no such log")
        if status != OK:
            raise errors.ClusterUnavailable(f"cannot {what}", cause=f"the worker answers {status}")
        if headers.get("transfer-encoding", "").lower() == "chunked":
            async for block in _chunks(reader):
                yield block
        else:
            async for block in _sized(reader, headers.get("content-length")):
                yield block
    except (EOFError, ValueError, ConnectionError) as error:
        # IncompleteReadError is an EOFError.
        raise errors.ClusterUnavailable(f"cannot {what} to its end", cause=f"the answer broke off: {error}") from error


async def _head(reader: Reader, what: str) -> tuple[int, dict[str, str]]:
    first = (await reader.readline()).split(b" ", 2)
    if not first[0].startswith(b"HTTP/") or len(first) < 2:  # noqa: PLR2004
        raise errors.ClusterUnavailable(f"cannot {what}", cause="whoever listens there is no worker of ours")
    headers: dict[str, str] = {}
    size = 0
    while (line := await reader.readline()).strip():
        size += len(line)
        if size > LONGEST_HEADER:
            raise ValueError("its header does not end")
        name, _, value = line.decode("latin-1").partition(":")
        headers[name.strip().lower()] = value.strip()
    return int(first[1]), headers


async def _chunks(reader: Reader) -> AsyncGenerator[bytes, None]:
    while size := int((await reader.readline()).partition(b";")[0], 16):
        left = size
        while left:
            block = await reader.read(min(left, BLOCK))
            if not block:
                raise EOFError("in the middle of a chunk")
            left -= len(block)
            yield block
        await reader.readline()


async def _sized(reader: Reader, length: str | None) -> AsyncGenerator[bytes, None]:
    if length is None:
        while block := await reader.read(BLOCK):
            yield block
        return
    left = int(length)
    while left:
        block = await reader.read(min(left, BLOCK))
        if not block:
            raise EOFError(f"{left} bytes are missing")
        left -= len(block)
        yield block
