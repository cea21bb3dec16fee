"""/healthz, /readyz and /metrics."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

from aiohttp import web
from prometheus_client import CollectorRegistry, exposition

from gitops.web.server import listening


@asynccontextmanager
async def serve_probes(
    port: int, *, waiting_for: Callable[[], Sequence[str]], registry: CollectorRegistry, host: str | None = None
) -> AsyncIterator[int]:
    """Serve probes and metrics while the block runs; gives the port.

    /healthz says that the event loop turns. /readyz fails while `waiting_for` names anything, and says what. An
    operation that goes wrong is no reason to restart the program: neither probe looks at one.
    """

    async def healthy(_: web.Request) -> web.Response:
        return web.Response(text="ok\n")

    async def ready(_: web.Request) -> web.Response:
        missing = waiting_for()
        if missing:
            return web.Response(status=503, text="".join(f"waiting for {name}\n" for name in missing))
        return web.Response(text="ok\n")

    async def metrics(request: web.Request) -> web.Response:
        encode, content_type = exposition.choose_encoder(request.headers.get("Accept", ""))
        return web.Response(body=encode(registry), headers={"Content-Type": content_type})

    application = web.Application()
    application.router.add_get("/healthz", healthy)
    application.router.add_get("/readyz", ready)
    application.router.add_get("/metrics", metrics)
    async with listening(application, host=host, port=port) as bound:
        yield bound
