"""Kubeconfig files: one user each, certificates inside, the server verified by our authority."""

from __future__ import annotations

import base64
from pathlib import Path

import yaml

from tests.cluster.pki import Authority, Pair


def write(path: Path, *, server: str, authority: Authority, user: str, pair: Pair) -> Path:
    """Write a kubeconfig with a client certificate, readable by its owner only; returns its path."""
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [
            {
                "name": "test",
                "cluster": {"server": server, "certificate-authority-data": _encode(authority.pem)},
            }
        ],
        "users": [
            {
                "name": user,
                "user": {
                    "client-certificate-data": _encode(pair.certificate),
                    "client-key-data": _encode(pair.key),
                },
            }
        ],
        "contexts": [{"name": "test", "context": {"cluster": "test", "user": user}}],
        "current-context": "test",
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)
    path.write_text(yaml.safe_dump(content, sort_keys=False))
    return path


def _encode(content: bytes) -> str:
    return base64.b64encode(content).decode()
