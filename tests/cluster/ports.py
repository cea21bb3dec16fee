"""Ports on the loopback interface that nobody uses now."""

from __future__ import annotations

import contextlib
import socket

from tests.cluster import addresses


def free(count: int) -> list[int]:
    """Return that many different free ports; another process may still take one before it is used."""
    with contextlib.ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind((addresses.LOOPBACK, 0))
        return [each.getsockname()[1] for each in sockets]
