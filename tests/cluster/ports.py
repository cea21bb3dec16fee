"""Ports on the loopback interface that nobody uses now."""

from __future__ import annotations

import contextlib
import random
import socket

from tests.cluster import addresses

# Below the range from which Linux takes ports for outgoing connections (ip_local_port_range), so that none
# of those takes a server's port while the server is stopped for a moment.
LOWEST, HIGHEST = 20_000, 32_000


def free(count: int) -> list[int]:
    """Return that many different free ports, drawn at random: runs side by side rarely draw the same."""
    drawn = random.SystemRandom()
    found: list[int] = []
    with contextlib.ExitStack() as held:
        while len(found) < count:
            candidate = drawn.randrange(LOWEST, HIGHEST)
            probe = held.enter_context(socket.socket())
            with contextlib.suppress(OSError):
                probe.bind((addresses.LOOPBACK, candidate))
                found.append(candidate)
    return found


def answers(port: int) -> bool:
    """Tell whether something on this host accepts connections on that port."""
    with socket.socket() as probe:
        return probe.connect_ex((addresses.LOOPBACK, port)) == 0
