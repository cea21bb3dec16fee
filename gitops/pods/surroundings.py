"""What a pool gives every script of its: the way out through a proxy, and whom to trust at the other end."""

from __future__ import annotations

from typing import Any, Final

from gitops.api.workerpool import WorkerPoolSpec

CA: Final = "/opt/gitops/ca"
_FILE: Final = "ca.crt"
_VOLUME: Final = "gitops-ca"
_PROXIES: Final = ("https_proxy", "http_proxy", "no_proxy")
_TRUST: Final = (
    "SSL_CERT_FILE",
    "CURL_CA_BUNDLE",
    "REQUESTS_CA_BUNDLE",
    "GIT_SSL_CAINFO",
    "AWS_CA_BUNDLE",
    "NODE_EXTRA_CA_CERTS",
)
"""OpenSSL and Go, curl, Python's requests, Git, the AWS tools, Node.js."""


def environment(pool: WorkerPoolSpec) -> list[dict[str, Any]]:
    """Variables; those of the proxy in both spellings, for programs disagree about which one they read."""
    proxies = [(name, key) for key in _PROXIES for name in (key.upper(), key)] if pool.proxy is not None else []
    trust = _TRUST if pool.ca is not None else ()
    return [
        *({"name": name, "valueFrom": {"secretKeyRef": _key(pool, key)}} for name, key in proxies),
        *({"name": name, "value": f"{CA}/{_FILE}"} for name in trust),
    ]


def masks(pool: WorkerPoolSpec) -> list[str]:
    """Names of the variables that may hold a password."""
    return [] if pool.proxy is None else ["HTTPS_PROXY", "HTTP_PROXY"]


def mounts(pool: WorkerPoolSpec) -> list[dict[str, Any]]:
    """Where the certificates are."""
    return [] if pool.ca is None else [{"name": _VOLUME, "mountPath": CA, "readOnly": True}]


def volumes(pool: WorkerPoolSpec) -> list[dict[str, Any]]:
    """The certificates."""
    if pool.ca is None:
        return []
    items = [{"key": pool.ca.key, "path": _FILE}]
    return [{"name": _VOLUME, "configMap": {"name": pool.ca.name, "items": items}}]


def _key(pool: WorkerPoolSpec, key: str) -> dict[str, Any]:
    name = "" if pool.proxy is None else pool.proxy.name
    # One key must be there, so that a Secret that is missing is said and not passed over.
    optional = {} if key == _PROXIES[0] else {"optional": True}
    return {"name": name, "key": key, **optional}
