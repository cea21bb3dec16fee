"""A Git server over https: `git http-backend` behind TLS and a token.

Runs by itself with the standard library only, here and in a container that has Python and Git:

    python3 githttp.py --root REPOSITORIES --certificate CRT --key KEY --token-file FILE --port PORT

Any user name is accepted, the password (basic) or the bearer token must be the token file's content,
which is read at each request. Prints one line when it listens.
"""

from __future__ import annotations

import argparse
import base64
import binascii
import contextlib
import hmac
import http.server
import os
import socket
import ssl
import subprocess
import sys
import urllib.parse
from http import HTTPStatus
from pathlib import Path
from typing import IO, Any

BLOCK = 1 << 16
IDLE_SECONDS = 60
CLOSING_SECONDS = 2


class Server(http.server.ThreadingHTTPServer):
    """Listens, with the settings each request needs."""

    daemon_threads = True

    def __init__(self, address: tuple[str, int], *, root: Path, token_file: Path, tls: ssl.SSLContext) -> None:
        self.root = root
        self.token_file = token_file
        self.tls = tls
        super().__init__(address, Handler)

    def finish_request(self, request: Any, client_address: Any) -> None:
        """Do the TLS handshake in the request's own thread, so that no slow client holds up another."""
        request.settimeout(IDLE_SECONDS)
        with self.tls.wrap_socket(request, server_side=True) as secure:
            super().finish_request(secure, client_address)
            with contextlib.suppress(OSError):
                secure.settimeout(CLOSING_SECONDS)
                secure.unwrap()

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002 - the base class's signature
        """Say in one line what went wrong with a connection: a refused certificate, a client that left."""
        sys.stderr.write(f"{client_address[0]}: {sys.exc_info()[1]!r}\n")


class Handler(http.server.BaseHTTPRequestHandler):
    """Hands each request to git http-backend by its CGI contract (git-http-backend(1))."""

    server: Server
    protocol_version = "HTTP/1.1"
    server_version = "git"

    def do_GET(self) -> None:
        """Answer a read."""
        self._serve()

    def do_POST(self) -> None:
        """Answer a fetch or a push."""
        self._serve()

    def _serve(self) -> None:
        user = self._user()
        if user is None:
            # Its body stays unread, so nothing else can follow on this connection.
            self.close_connection = True
            self.send_response(HTTPStatus.UNAUTHORIZED)
            self.send_header("WWW-Authenticate", 'Basic realm="git"')
            self.send_header("Content-Length", "0")
            self.send_header("Connection", "close")
            self.end_headers()
            return
        backend = subprocess.Popen(
            ["git", "http-backend"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, **self._variables(user)},
        )
        with backend:
            if backend.stdin is None or backend.stdout is None:
                raise RuntimeError("no pipes to git http-backend")
            try:
                self._send_body(backend.stdin)
                backend.stdin.close()
            except BrokenPipeError:
                self.close_connection = True
            self._answer(backend.stdout)

    def _user(self) -> str | None:
        scheme, _, credential = self.headers.get("Authorization", "").partition(" ")
        name, password = "bearer", credential.strip()
        if scheme.lower() == "basic":
            try:
                text = base64.b64decode(credential, validate=True).decode()
            except (binascii.Error, UnicodeDecodeError):
                return None
            name, _, password = text.partition(":")
        elif scheme.lower() != "bearer":
            return None
        token = self.server.token_file.read_text().strip()
        return (name or "git") if hmac.compare_digest(password.encode(), token.encode()) else None

    def _variables(self, user: str) -> dict[str, str]:
        target = urllib.parse.urlsplit(self.path)
        variables = {
            "GIT_PROJECT_ROOT": str(self.server.root),
            "GIT_HTTP_EXPORT_ALL": "1",
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": "safe.directory",
            "GIT_CONFIG_VALUE_0": "*",
            "PATH_INFO": urllib.parse.unquote(target.path),
            "QUERY_STRING": target.query,
            "REQUEST_METHOD": self.command,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "REMOTE_USER": user,
            "REMOTE_ADDR": self.client_address[0],
            "SERVER_PROTOCOL": self.request_version,
            "GATEWAY_INTERFACE": "CGI/1.1",
        }
        optional = {
            "CONTENT_LENGTH": self.headers.get("Content-Length"),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding"),
            "GIT_PROTOCOL": self.headers.get("Git-Protocol"),
        }
        return variables | {name: value for name, value in optional.items() if value}

    def _send_body(self, backend: IO[bytes]) -> None:
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            while size := int(self.rfile.readline().partition(b";")[0], 16):
                self._copy(backend, size)
                self.rfile.readline()
            self.rfile.readline()
        else:
            self._copy(backend, int(self.headers.get("Content-Length", "0")))

    def _copy(self, backend: IO[bytes], size: int) -> None:
        while size and (block := self.rfile.read(min(size, BLOCK))):
            backend.write(block)
            size -= len(block)

    def _answer(self, backend: IO[bytes]) -> None:
        status, headers = HTTPStatus.OK.value, []
        while (line := backend.readline().strip()) != b"":
            name, _, value = line.decode().partition(": ")
            if name.lower() == "status":
                status = int(value.split()[0])
            else:
                headers.append((name, value))
        if not headers:
            status = max(status, HTTPStatus.INTERNAL_SERVER_ERROR.value)
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        while block := backend.read(BLOCK):
            self.wfile.write(b"%x\r\n%b\r\n" % (len(block), block))
        self.wfile.write(b"0\r\n\r\n")


def main() -> None:
    """Serve until ended."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--root", type=Path, required=True)
    parser.add_argument("--certificate", required=True)
    parser.add_argument("--key", required=True)
    parser.add_argument("--token-file", type=Path, required=True)
    parser.add_argument("--bind", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parsed = parser.parse_args()
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(parsed.certificate, parsed.key)
    Server.address_family = socket.AF_INET
    with Server((parsed.bind, parsed.port), root=parsed.root, token_file=parsed.token_file, tls=tls) as server:
        sys.stdout.write(f"listening on {parsed.bind}:{parsed.port}\n")
        sys.stdout.flush()
        server.serve_forever()


if __name__ == "__main__":
    main()
