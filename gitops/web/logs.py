"""Operation logs, on loopback only: who may read them is decided by the right to `pods/portforward`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from datetime import UTC, datetime

from aiohttp import web

from gitops import errors
from gitops.ports.logstore import LogStore, Span
from gitops.runner import frames
from gitops.web.server import listening

LOOPBACK = "127.0.0.1"


@asynccontextmanager
async def serve_logs(store: LogStore, port: int) -> AsyncIterator[int]:
    """Serve `/logs/<uid>?follow=1&tail=<lines>&since=<RFC 3339>&after=<frame>` while the block runs; gives the port.

    200 with the output as the script wrote it (`raw=1`: the runner's frames), 404 without such a log, 503 when the
    store does not answer, 400 for a parameter that cannot be read.
    """

    async def log(request: web.Request) -> web.StreamResponse:
        try:
            span = _span(request)
        except ValueError as error:
            return web.Response(status=400, text=f"{error}\n")
        return await _send(request, store, span)

    application = web.Application()
    application.router.add_get("/logs/{uid}", log)
    async with listening(application, host=LOOPBACK, port=port) as bound:
        yield bound


def _span(request: web.Request) -> Span:
    tail, since, after = (request.query.get(name, "") for name in ("tail", "since", "after"))
    if not (tail + after or "0").isdigit():
        raise ValueError(f"tail={tail!r} and after={after!r} are numbers")
    when = datetime.fromisoformat(since) if since else None
    if when is not None and when.tzinfo is None:
        when = when.replace(tzinfo=UTC)
    follow = request.query.get("follow", "") not in {"", "0"}
    return Span(follow=follow, tail=int(tail) if tail else None, since=when, after=int(after or 0))


async def _send(request: web.Request, store: LogStore, span: Span) -> web.StreamResponse:
    raw = request.query.get("raw", "") not in {"", "0"}
    response = web.StreamResponse(headers={"Content-Type": "text/plain; charset=utf-8", "Cache-Control": "no-store"})
    async with aclosing(store.read(request.match_info["uid"], span)) as batches:
        try:
            async for batch in batches:
                if not response.prepared:
                    await response.prepare(request)
                await response.write(b"".join(frame.line + b"\n" for frame in batch) if raw else frames.render(batch))
        except errors.ObjectMissing as error:
            return web.Response(status=404, text=f"{error}\n")
        except errors.LogStoreUnavailable as error:
            # An answer that has begun is broken off: the reader must not take it for whole.
            if response.prepared:
                raise
            return web.Response(status=503, text=f"{error}\n")
    if not response.prepared:
        await response.prepare(request)
    await response.write_eof()
    return response
