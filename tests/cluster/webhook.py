"""A real admission webhook over https, for as long as the `with` block lasts."""

from __future__ import annotations

import base64
import json
import ssl
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from gitops.objects import Manifest
from tests.cluster import addresses, pki

Review = dict[str, Any]
Answer = Callable[[Review], Review]
"""The request of an AdmissionReview in, its response out; `uid` is added."""


KIND = "ValidatingWebhookConfiguration"


def configuration(name: str, client: dict[str, str], **more: Any) -> Manifest:
    """One webhook, of ConfigMaps of the namespace `name` that are labelled for it."""
    rule = {
        "apiGroups": [""],
        "apiVersions": ["v1"],
        "operations": ["CREATE", "UPDATE", "DELETE"],
        "resources": ["configmaps"],
    }
    hook = {
        "name": "teams.example.org",
        "clientConfig": client,
        "rules": [rule],
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": name}},
        "objectSelector": {"matchLabels": {"checked": "yes"}},
        "sideEffects": "None",
        "admissionReviewVersions": ["v1"],
        "failurePolicy": "Fail",
        "timeoutSeconds": 1,
        **more,
    }
    version = "admissionregistration.k8s.io/v1"
    return {"apiVersion": version, "kind": KIND, "metadata": {"name": name}, "webhooks": [hook]}


def allow(_: Review) -> Review:
    """Let everything pass."""
    return {"allowed": True}


def deny(words: str, code: int = 0) -> Answer:
    """Refuse everything with these words; without a code as most webhooks do."""
    return lambda _: {"allowed": False, "status": {"message": words, **({"code": code} if code else {})}}


def patch(*operations: dict[str, Any]) -> Answer:
    """Let everything pass, changed by these operations of a JSON Patch."""
    text = base64.b64encode(json.dumps(operations).encode()).decode()
    return lambda _: {"allowed": True, "patchType": "JSONPatch", "patch": text}


class Webhook:
    """The server. `answer` may be changed at any time; `asked` holds the requests it got.

    `address` is where the API server finds this machine: loopback, unless it runs elsewhere.
    """

    def __init__(self, directory: Path, answer: Answer = allow, address: str = addresses.LOOPBACK) -> None:
        self._address = address
        self.answer = answer
        self.asked: list[Review] = []
        self.authority = pki.create_authority("webhook")
        self.authority.issue("webhook", addresses=[address]).write(directory, "webhook")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(directory / "webhook.crt", directory / "webhook.key")
        self._server = ThreadingHTTPServer((address, 0), self._handler())
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def client_config(self) -> dict[str, str]:
        """What a webhook configuration says of it."""
        port = self._server.server_address[1]
        authority = base64.b64encode(self.authority.pem).decode()
        return {"url": f"https://{self._address}:{port}/review", "caBundle": authority}

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        webhook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                request = body["request"]
                webhook.asked.append(request)
                response = {"uid": request["uid"], **webhook.answer(request)}
                text = json.dumps({"apiVersion": body["apiVersion"], "kind": body["kind"], "response": response})
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(text.encode())))
                self.end_headers()
                self.wfile.write(text.encode())

            def log_message(self, *_: object) -> None:
                """Nobody reads it."""

        return Handler
