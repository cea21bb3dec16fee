"""Starting and stopping an aiohttp application on a port of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from gitops import errors


@asynccontextmanager
async def listening(application: web.Application, *, host: str | None, port: int) -> AsyncIterator[int]:
    """Serve while the block runs; gives the port, which matters for port 0. `host` None: every address.

    Raises:
        ConfigError: the port is taken, or may not be bound.
    """
    # Followers of a log sit in a handler for hours: it must end with its connection, and at once at the end.
    runner = web.AppRunner(application, handler_cancellation=True, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port)
        try:
            await site.start()
        except OSError as error:
            raise errors.ConfigError(f"cannot listen on port {port}", cause=str(error)) from error
        yield int(runner.addresses[0][1])
    finally:
        await runner.cleanup()
