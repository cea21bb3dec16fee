"""A server of files over https with an authority of its own, which can be slow, broken or wrong."""

from __future__ import annotations

import http.server
import ssl
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.cluster import pki

BLOCK = 1 << 18


@dataclass
class Files:
    """What is served: `/NAME` is the file of that name, `/slow/NAME` the same at 20 MB/s, `/once/NAME` after a 503."""

    folder: Path
    url: str = ""
    authority: bytes = b""
    asked: Counter[str] = field(default_factory=Counter)
    sent: Counter[str] = field(default_factory=Counter)


class _Handler(http.server.BaseHTTPRequestHandler):
    files: Files

    def do_GET(self) -> None:
        path, files = self.path.partition("?")[0], self.files
        files.asked[path] += 1
        how, _, name = path.removeprefix("/").rpartition("/")
        file = files.folder / name
        if how == "away":
            self.send_response(302)
            self.send_header("Location", "https://169.254.169.254/latest/meta-data?token=s3cret")
            self.end_headers()
            return
        if how == "once" and files.asked[path] == 1:
            self.send_error(503)
            return
        if not file.is_file():
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(file.stat().st_size))
        self.end_headers()
        with file.open("rb") as content:
            while block := content.read(BLOCK):
                self.wfile.write(block)
                files.sent[path] += len(block)
                if how == "slow":
                    time.sleep(BLOCK / 20e6)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that leaves is what some tests are about."""


@contextmanager
def serving(folder: Path) -> Iterator[Files]:
    """Serve a folder of this machine on loopback."""
    authority = pki.create_authority("files")
    authority.issue("files", addresses=["127.0.0.1"]).write(folder / "tls", "files")
    trust = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trust.load_cert_chain(folder / "tls" / "files.crt", folder / "tls" / "files.key")
    files = Files(folder, authority=authority.pem)
    handler = type("Handler", (_Handler,), {"files": files})
    with _Server(("127.0.0.1", 0), handler) as server:
        server.socket = trust.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        files.url = f"https://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield files
        server.shutdown()
        thread.join()
