"""A registry that refuses in every way there is, run by a pod on its node's loopback: containerd speaks http there.

The first part of an image's path says how it answers. Standard library only: it runs in the worker-tools image.
"""

from __future__ import annotations

import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

INDEX = "application/vnd.oci.image.index.v1+json"
FOREIGN = {
    "schemaVersion": 2,
    "mediaType": INDEX,
    "manifests": [
        {
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "digest": "sha256:" + "0" * 64,
            "size": 2,
            "platform": {"os": "linux", "architecture": "s390x"},
        }
    ],
}
REFUSALS = {
    "missing": (404, "MANIFEST_UNKNOWN", "manifest unknown"),
    "nobody": (404, "NAME_UNKNOWN", "repository name not known to registry"),
    "private": (401, "UNAUTHORIZED", "authentication required"),
    "denied": (403, "DENIED", "requested access to the resource is denied"),
    "busy": (429, "TOOMANYREQUESTS", "You have reached your pull rate limit."),
    "broken": (500, "UNKNOWN", "unknown error"),
    "away": (503, "UNAVAILABLE", "service unavailable"),
}


class Handler(BaseHTTPRequestHandler):
    """Answers `/v2/<how>/...`."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """A manifest, or why not."""
        how = [*self.path.split("/"), "", ""][2]
        if how == "foreign" and "/manifests/" in self.path:
            self._answer(200, FOREIGN, INDEX)
        elif how in REFUSALS:
            status, code, message = REFUSALS[how]
            self._answer(status, {"errors": [{"code": code, "message": message}]}, "application/json")
        else:
            self._answer(200, {}, "application/json")

    do_HEAD = do_GET  # noqa: N815 - the base class's name

    def _answer(self, status: int, content: object, kind: str) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        if status == 401:
            self.send_header("WWW-Authenticate", 'Basic realm="registry"')
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


if __name__ == "__main__":
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
