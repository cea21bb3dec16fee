"""One HTTP GET through a stream somebody else opened: a pod's loopback port, reached by the API server.

HTTP/1.1 with chunks, so that an answer that broke off is never taken for one that ended. It is read as it comes, for it
may be a log that is still being written.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Protocol

from gitops import errors

OK = 200
NOT_FOUND = 404
LONGEST_LINE = 16_384
MOST_HEADERS = 200


class Stream(Protocol):
    """Bytes both ways; `read` gives what came next, and nothing at the end."""

    async def read(self) -> bytes: ...

    async def write(self, data: bytes, /) -> None: ...


class Broken(Exception):
    """The answer is not what HTTP says it is."""


class Reader:
    """A stream read by lines and blocks."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._buffer = b""

    async def line(self) -> bytes:
        """A line without its end."""
        while b"\n" not in self._buffer:
            more = await self._stream.read()
            if not more or len(self._buffer) > LONGEST_LINE:
                raise Broken("it broke off")
            self._buffer += more
        line, _, self._buffer = self._buffer.partition(b"\n")
        return line.removesuffix(b"\r")

    async def block(self, most: int | None = None) -> bytes:
        """What there is, at most so much; nothing at the end."""
        found = self._buffer or await self._stream.read()
        self._buffer = b"" if most is None else found[most:]
        return found if most is None else found[:most]


async def get(stream: Stream, path: str, *, what: str) -> AsyncGenerator[bytes, None]:
    """The body of the answer to `GET path`.

    Raises:
        ObjectMissing: 404.
        ClusterUnavailable: another status, or the answer broke off.
    """
    head = f"GET {path} HTTP/1.1\r\nHost: localhost\r\nAccept: */*\r\nConnection: close\r\n\r\n"
    await stream.write(head.encode())
    reader = Reader(stream)
    try:
        status, headers = await _head(reader)
        if status == NOT_FOUND:
            raise errors.ObjectMissing(f"cannot {what}", cause="the worker has no such log")
        if status != OK:
            raise errors.ClusterUnavailable(f"cannot {what}", cause=f"the worker answers {status}")
        chunked = headers.get("transfer-encoding", "").lower() == "chunked"
        async for block in _chunks(reader) if chunked else _sized(reader, headers.get("content-length")):
            yield block
    except (Broken, ValueError) as error:
        raise errors.ClusterUnavailable(f"cannot {what} to its end", cause=f"the worker's answer: {error}") from error


async def _head(reader: Reader) -> tuple[int, dict[str, str]]:
    first = (await reader.line()).split(b" ", 2)
    if not first[0].startswith(b"HTTP/1.") or len(first) < 2:  # noqa: PLR2004
        raise Broken("it is not HTTP")
    headers: dict[str, str] = {}
    while line := await reader.line():
        name, _, value = line.decode("latin-1").partition(":")
        headers[name.strip().lower()] = value.strip()
        if len(headers) > MOST_HEADERS:
            raise Broken("its header does not end")
    return int(first[1]), headers


async def _chunks(reader: Reader) -> AsyncGenerator[bytes, None]:
    while size := int((await reader.line()).partition(b";")[0], 16):
        async for block in _sized(reader, str(size)):
            yield block
        await reader.line()


async def _sized(reader: Reader, length: str | None) -> AsyncGenerator[bytes, None]:
    if length is None:
        while block := await reader.block():
            yield block
        return
    left = int(length)
    while left:
        block = await reader.block(left)
        if not block:
            raise Broken(f"it broke off, {left} bytes are missing")
        left -= len(block)
        yield block
