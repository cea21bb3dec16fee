"""A real HTTP server on 127.0.0.1 that misbehaves on purpose: what a client must survive, one behaviour each.

Not imported by `gitops.testing` itself: it needs aiohttp, the fakes do not.
"""

from __future__ import annotations

import asyncio
import json as text
import socket
import struct
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Self

from aiohttp import web

Behaviour = Callable[[web.Request], Awaitable[web.StreamResponse]]
Ending = Callable[[web.Request], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One request as it arrived."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes


class Stub:
    """The server. Use as an async context manager; `url` is valid inside."""

    def __init__(self) -> None:
        self.requests: list[Seen] = []
        self.url = ""
        self._answers: list[tuple[Callable[[Seen], bool], list[Behaviour]]] = []
        self._runner: web.AppRunner | None = None

    def on(self, *behaviours: Behaviour, method: str = "", path: str = "", watch: bool | None = None) -> None:
        """Answer matching requests with these behaviours in turn, then with the last for ever.

        An empty method or path matches any; `path` matches by its end; the newest `on` that matches wins.
        """

        def matches(seen: Seen) -> bool:
            return (
                method in {"", seen.method}
                and seen.path.endswith(path)
                and watch in {None, seen.query.get("watch") == "1"}
            )

        self._answers.insert(0, (matches, list(behaviours)))

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=1 << 30)
        app.router.add_route("*", "/{path:.*}", self._handle)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.05, handler_cancellation=True)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        host, port = self._runner.addresses[0][:2]
        self.url = f"http://{host}:{port}"
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._runner:
            await self._runner.cleanup()

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        seen = Seen(
            method=request.method,
            path=request.path,
            query=dict(request.query),
            headers=dict(request.headers),
            body=await request.read(),
        )
        self.requests.append(seen)
        for matches, behaviours in self._answers:
            if matches(seen):
                behaviour = behaviours.pop(0) if len(behaviours) > 1 else behaviours[0]
                return await behaviour(request)
        return await status(404, "NotFound", "the server could not find the requested resource")(request)


def json(body: Any, code: int = 200, headers: Mapping[str, str] | None = None) -> Behaviour:
    """A plain answer."""

    async def behave(_: web.Request) -> web.StreamResponse:
        return web.json_response(body, status=code, headers=headers)

    return behave


def status(code: int, reason: str, message: str, *, retry_after: str = "", **details: Any) -> Behaviour:
    """A Status object, as the API server refuses."""
    body = status_object(code, reason, message, **details)
    return json(body, code, {"Retry-After": retry_after} if retry_after else None)


def status_object(code: int, reason: str, message: str, **details: Any) -> dict[str, Any]:
    """The Status object itself: also the object of a watch's ERROR event."""
    return {
        "apiVersion": "v1",
        "kind": "Status",
        "status": "Failure",
        "code": code,
        "reason": reason,
        "message": message,
        "details": details,
    }


def stream(chunks: Iterable[bytes], *, then: Ending | None = None) -> Behaviour:
    """A chunked answer; without `then` it ends properly."""
    pieces = tuple(chunks)

    async def behave(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        response.enable_chunked_encoding()
        await response.prepare(request)
        for piece in pieces:
            await response.write(piece)
        if then:
            await then(request)
        await response.write_eof()
        return response

    return behave


def events(*pairs: tuple[str, Mapping[str, Any]], then: Ending | None = None) -> Behaviour:
    """A watch that tells these events: type and object."""
    return stream((text.dumps({"type": kind, "object": item}).encode() + b"\n" for kind, item in pairs), then=then)


async def hang(_: web.Request) -> None:
    """Say nothing more, and keep the connection."""
    await asyncio.Event().wait()


async def break_off(request: web.Request) -> None:
    """Drop the connection with a reset."""
    transport = request.transport
    if transport is not None:
        raw: socket.socket = transport.get_extra_info("socket")
        # Linger for no time: the kernel sends RST in place of FIN.
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()
    await asyncio.sleep(0)


def reset() -> Behaviour:
    """No answer: the connection is reset after the request was read."""

    async def behave(request: web.Request) -> web.StreamResponse:
        await break_off(request)
        return web.Response()

    return behave


def silent() -> Behaviour:
    """No answer, ever."""

    async def behave(request: web.Request) -> web.StreamResponse:
        await hang(request)
        return web.Response()

    return behave


def slow(seconds: float, behaviour: Behaviour) -> Behaviour:
    """The same, but late."""

    async def behave(request: web.Request) -> web.StreamResponse:
        await asyncio.sleep(seconds)
        return await behaviour(request)

    return behave


def guarded(token: Callable[[], str], behaviour: Behaviour) -> Behaviour:
    """Only for who shows the token that is valid now."""

    async def behave(request: web.Request) -> web.StreamResponse:
        if request.headers.get("Authorization") != f"Bearer {token()}":
            return await status(401, "Unauthorized", "Unauthorized")(request)
        return await behaviour(request)

    return behave
