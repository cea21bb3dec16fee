"""Where the API server is, whom to trust, and as whom to ask: values only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Trust:
    """Which server certificates are believed. `authority` is PEM; empty means the system's roots."""

    authority: bytes = field(default=b"", repr=False)
    server_name: str = ""
    insecure: bool = False


@dataclass(frozen=True, slots=True)
class Token:
    """A bearer token written in the kubeconfig."""

    value: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class TokenFile:
    """A bearer token in a file that is rotated under us."""

    path: str


@dataclass(frozen=True, slots=True)
class Plugin:
    """A user whose credentials a program or an auth provider makes: a kubeconfig of just this cluster and user."""

    kubeconfig: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """A client certificate and its key, both PEM."""

    certificate: bytes
    key: bytes = field(repr=False)


Bearer = Token | TokenFile | Plugin | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Impersonation:
    """Act as another user; the server checks the verb `impersonate`."""

    user: str
    groups: tuple[str, ...] = ()
    uid: str = ""
    extra: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterConfig:
    """One cluster and one user. `origin` says in words where this was read; error messages repeat it."""

    server: str
    origin: str
    context: str = ""
    namespace: str = "default"
    trust: Trust = field(default_factory=Trust)
    bearer: Bearer = None
    certificate: Certificate | None = None
    impersonate: Impersonation | None = None
    proxy: str = ""
