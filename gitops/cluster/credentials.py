"""The Authorization header of each request: fixed, read again when its file was rotated, or made by a plugin."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol, assert_never

from gitops.cluster.settings import Bearer, Certificate, Plugin, Token, TokenFile
from gitops.errors import ClusterDenied, ConfigError

# A token this close to its end may expire on the way.
_MARGIN = timedelta(seconds=30)


class Credentials(Protocol):
    """Who we are to the API server."""

    async def header(self) -> str:
        """The Authorization header's value now; empty if the connection itself says who we are.

        Raises:
            ConfigError: the token file cannot be read.
            ClusterDenied: the plugin failed.
        """
        ...

    async def refresh(self) -> bool:
        """The server answered 401: get new credentials; False if there is no way to."""
        ...


@dataclass(frozen=True, slots=True)
class Fixed:
    """A token that never changes, or none."""

    token: str = ""

    async def header(self) -> str:
        """See `Credentials`."""
        return f"Bearer {self.token}" if self.token else ""

    async def refresh(self) -> bool:
        """See `Credentials`."""
        return False


class FromFile:
    """A projected token: the kubelet replaces the file about once an hour, so each use looks whether it changed."""

    def __init__(self, path: str) -> None:
        self._path = Path(path)
        self._seen: tuple[int, int, int] | None = None
        self._token = ""

    async def header(self) -> str:
        """See `Credentials`."""
        self._read()
        return f"Bearer {self._token}"

    async def refresh(self) -> bool:
        """See `Credentials`."""
        before, self._seen = self._token, None
        self._read()
        return self._token != before

    def _read(self) -> None:
        try:
            about = self._path.stat()
            seen = (about.st_ino, about.st_mtime_ns, about.st_size)
            if seen != self._seen:
                self._token = self._path.read_text(encoding="utf-8").strip()
                self._seen = seen
        except OSError as error:
            raise ConfigError("the token cannot be read", cause=f"{self._path}: {error.strerror}") from error
        if not self._token:
            raise ConfigError("the token file is empty", cause=str(self._path))


@dataclass(frozen=True, slots=True)
class _Grant:
    """What a plugin gave."""

    header: str
    certificate: Certificate | None = None
    expires: datetime | None = None


class FromPlugin:
    """An exec plugin or auth provider, run through the `kubernetes` package in a thread."""

    def __init__(self, plugin: Plugin, install: Callable[[Certificate], None]) -> None:
        self._kubeconfig = plugin.kubeconfig
        self._install = install
        self._grant: _Grant | None = None
        self._lock = asyncio.Lock()

    async def header(self) -> str:
        """See `Credentials`."""
        async with self._lock:
            grant = self._grant
            if grant is None or (grant.expires and grant.expires - _MARGIN <= datetime.now(UTC)):
                grant = await self._run()
            return grant.header

    async def refresh(self) -> bool:
        """See `Credentials`."""
        async with self._lock:
            await self._run()
        return True

    async def _run(self) -> _Grant:
        self._grant = await asyncio.to_thread(_ask, self._kubeconfig)
        if self._grant.certificate:
            self._install(self._grant.certificate)
        return self._grant


def of(bearer: Bearer, install: Callable[[Certificate], None]) -> Credentials:
    """The credentials for what the configuration says; `install` takes a certificate that a plugin made."""
    match bearer:
        case None:
            return Fixed()
        case Token(value):
            return Fixed(value)
        case TokenFile(path):
            return FromFile(path)
        case Plugin():
            return FromPlugin(bearer, install)
        case _:
            assert_never(bearer)


def _ask(kubeconfig: Mapping[str, Any]) -> _Grant:
    user = kubeconfig["users"][0]["user"]
    return _exec(kubeconfig, user["exec"]) if "exec" in user else _provider(kubeconfig, user["auth-provider"])


def _exec(kubeconfig: Mapping[str, Any], plugin: Mapping[str, Any]) -> _Grant:
    # A fifth of a second to import: only users of plugins pay for it.
    from kubernetes.config.config_exception import ConfigException  # noqa: PLC0415
    from kubernetes.config.exec_provider import ExecProvider  # noqa: PLC0415
    from kubernetes.config.kube_config import ConfigNode  # noqa: PLC0415

    cluster = ConfigNode("cluster", kubeconfig["clusters"][0]["cluster"])  # type: ignore[no-untyped-call]
    command = plugin.get("command", "")
    try:
        node = ConfigNode("exec", dict(plugin))  # type: ignore[no-untyped-call]
        provider = ExecProvider(node, "", cluster)  # type: ignore[no-untyped-call]
        status = provider.run()  # type: ignore[no-untyped-call]
    except (ConfigException, OSError) as error:
        hint = str(plugin.get("installHint") or "")
        raise ClusterDenied(f"the credential plugin {command!r} failed", cause=str(error), hint=hint) from error
    certificate = None
    if status.get("clientCertificateData") and status.get("clientKeyData"):
        pem, key = status["clientCertificateData"].encode(), status["clientKeyData"].encode()
        certificate = Certificate(certificate=pem, key=key)
    if not certificate and not status.get("token"):
        raise ClusterDenied(f"the credential plugin {command!r} gave neither token nor certificate")
    ends = status.get("expirationTimestamp")
    return _Grant(
        header=f"Bearer {status['token']}" if status.get("token") else "",
        certificate=certificate,
        expires=datetime.fromisoformat(ends) if ends else None,
    )


def _provider(kubeconfig: Mapping[str, Any], provider: Mapping[str, Any]) -> _Grant:
    from kubernetes import client, config  # noqa: PLC0415 - see _exec

    settings = client.Configuration()
    try:
        config.load_kube_config_from_dict(  # type: ignore[no-untyped-call]
            dict(kubeconfig), client_configuration=settings, persist_config=False
        )
    except (config.ConfigException, OSError) as error:
        name = provider.get("name", "")
        raise ClusterDenied(f"the auth provider {name!r} failed", cause=str(error)) from error
    header = settings.get_api_key_with_prefix("BearerToken") or ""
    if not header:
        raise ClusterDenied(
            f"the auth provider {provider.get('name', '')!r} gave no token",
            hint="replace it by an exec plugin: API servers and clients have dropped auth providers",
        )
    # The package tells no expiry: ask again after a while rather than wait for a 401.
    return _Grant(header=header, expires=datetime.now(UTC) + timedelta(minutes=5))
