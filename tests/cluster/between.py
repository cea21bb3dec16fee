"""What may stand between a client and a Git server: a proxy, a line that breaks, and GitHub's token service."""

from __future__ import annotations

import base64
import contextlib
import http.server
import json
import select
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any

from tests.cluster import addresses

BLOCK = 65_536


@dataclass
class Line:
    """What passes: `limit` bytes from the server to the client of each connection, then it breaks."""

    limit: int | None = None
    connections: int = 0


def _pump(client: socket.socket, server: socket.socket, line: Line) -> None:
    """Carry bytes both ways until one side ends, or the line breaks."""
    left = line.limit
    while True:
        for source in select.select([client, server], [], [], 30)[0]:
            block = source.recv(BLOCK)
            if source is server and left is not None:
                block, left = block[:left], left - len(block[:left])
            if not block:
                return
            (server if source is client else client).sendall(block)


@contextmanager
def line_to(port: int) -> Iterator[tuple[int, Line]]:
    """Listen on a port of this host and carry everything to another; gives the port, and what to break it with."""
    line = Line()

    def serve(client: socket.socket) -> None:
        line.connections += 1
        with client, socket.create_connection((addresses.LOOPBACK, port)) as server, contextlib.suppress(OSError):
            _pump(client, server, line)

    with _listening(serve) as own:
        yield own, line


@contextmanager
def _listening(serve: Callable[[socket.socket], None]) -> Iterator[int]:
    """Call `serve` in a thread of its own for each connection."""
    with socket.create_server((addresses.LOOPBACK, 0)) as listener:
        over = threading.Event()

        def accept() -> None:
            while not over.is_set():
                if select.select([listener], [], [], 0.05)[0]:
                    client, _ = listener.accept()
                    threading.Thread(target=serve, args=(client,), daemon=True).start()

        acceptor = threading.Thread(target=accept)
        acceptor.start()
        try:
            yield listener.getsockname()[1]
        finally:
            over.set()
            acceptor.join()


@dataclass
class Proxied:
    """What a proxy saw: every request line and header in the clear. Without `user` it lets anybody through."""

    port: int = 0
    user: str = ""
    password: str = ""
    seen: list[str] = field(default_factory=list)
    let_through: int = 0


@contextmanager
def proxy(*, user: str = "", password: str = "") -> Iterator[Proxied]:
    """Serve CONNECT (RFC 9110 §9.3.6), with basic credentials if a user is given."""
    state = Proxied(user=user, password=password)
    wanted = "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()

    def serve(client: socket.socket) -> None:
        with client, contextlib.suppress(OSError), client.makefile("rb") as reader:
            while request := reader.readline():
                headers = dict(_headers(reader))
                state.seen += [request.decode(), *(f"{name}: {value}" for name, value in headers.items())]
                if user and headers.get("proxy-authorization") != wanted:
                    client.sendall(
                        b"HTTP/1.1 407 Proxy Authentication Required\r\n"
                        b'Proxy-Authenticate: Basic realm="proxy"\r\nContent-Length: 0\r\n\r\n'
                    )
                    continue
                host, _, port = request.split()[1].decode().rpartition(":")
                with socket.create_connection((host, int(port))) as server:
                    state.let_through += 1
                    client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
                    _pump(client, server, Line())
                return

    with _listening(serve) as port:
        state.port = port
        yield state


def _headers(reader: Any) -> Iterator[tuple[str, str]]:
    while line := reader.readline().strip():
        name, _, value = line.decode().partition(":")
        yield name.lower(), value.strip()


@dataclass
class GitHub:
    """A token service: `answer` decides what it says; `asked` holds the paths and the claims it was asked with."""

    url: str = ""
    token: Callable[[], str] = str
    life: timedelta = timedelta(hours=1)
    status: int = HTTPStatus.CREATED
    asked: list[tuple[str, Mapping[str, str]]] = field(default_factory=list)

    def answer(self) -> tuple[int, dict[str, Any]]:
        """Return status and body of the next answer."""
        if self.status != HTTPStatus.CREATED:
            return self.status, {"message": "A JSON web token could not be decoded"}
        return self.status, {"token": self.token(), "expires_at": f"{datetime.now(UTC) + self.life:%Y-%m-%dT%H:%M:%SZ}"}


@contextmanager
def github(tls: ssl.SSLContext) -> Iterator[GitHub]:
    """Serve GitHub's endpoint for installation tokens over https."""
    state = GitHub()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", "0")))
            state.asked.append((self.path, dict(self.headers.items())))
            status, body = state.answer()
            content = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_arguments: Any) -> None:
            """Say nothing."""

    server = http.server.ThreadingHTTPServer((addresses.LOOPBACK, 0), Handler)
    server.socket = tls.wrap_socket(server.socket, server_side=True)
    serving = threading.Thread(target=server.serve_forever)
    serving.start()
    state.url = f"https://{addresses.LOOPBACK}:{server.server_port}"
    try:
        yield state
    finally:
        server.shutdown()
        serving.join()
        server.server_close()
