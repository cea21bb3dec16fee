"""A repository somewhere: its address, who we are there, whom we trust there. The one place that judges URLs."""

from __future__ import annotations

import hashlib
import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

from gitops import errors
from gitops.git.credentials import Credentials, Login, SshKey
from gitops.report import redact

__all__ = ["Credentials", "Proxy", "Site", "site"]

SCHEMES = ("https", "ssh", "file")
PORTS = {"https": 443, "ssh": 22}
SCP = re.compile(r"^[A-Za-z0-9._-]+@[A-Za-z0-9.-]+:(?!//)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Proxy:
    """An HTTP proxy that tunnels (CONNECT), and who we are there; what it is told never includes the site's token."""

    address: str
    username: str = ""
    password: str = field(default="", repr=False)

    @property
    def url(self) -> str:
        """With the user and the password in it: for the library alone, never to show."""
        if not self.username:
            return self.address
        scheme, _, rest = self.address.partition("://")
        return f"{scheme}://{quote(self.username, safe='')}:{quote(self.password, safe='')}@{rest}"

    @classmethod
    def from_secret(cls, data: Mapping[str, bytes]) -> Proxy:
        """Read the data of a Secret: `address`, and `username` and `password` if the proxy wants them.

        Raises:
            ConfigError: no address, one that cannot be read, or credentials in it.
        """
        text = {key: value.decode("utf-8", "replace").strip() for key, value in data.items()}
        address = text.get("address", "").rstrip("/")
        try:
            parsed = urlsplit(address)
            usable = parsed.scheme in {"http", "https"} and parsed.hostname and (parsed.port or True)
        except ValueError:
            usable = False
        if not usable or "@" in address:
            raise errors.ConfigError(
                "the Secret with the proxy has no usable address",
                cause=f"its keys: {', '.join(sorted(text)) or 'none'}",
                hint="address: http://proxy.example:3128, with `username` and `password` beside it, not in it",
            )
        return cls(address=address, username=text.get("username", ""), password=text.get("password", ""))


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """Where a repository is. `ca` is PEM text, trusted for this site beside the system's authorities."""

    url: str
    credentials: Login | None = None
    ca: str = ""
    proxy: Proxy | None = None

    @property
    def host(self) -> str:
        """`host:port` as in the URL; empty for a directory."""
        return urlsplit(self.url).netloc.rpartition("@")[2]

    @property
    def scheme(self) -> str:
        """`https`, `ssh` or `file`."""
        return urlsplit(self.url).scheme

    @property
    def origin(self) -> tuple[str, str, int]:
        """Scheme, host and port; what credentials are bound to."""
        return origin(self.url)

    @property
    def local(self) -> Path | None:
        """The directory of a file:// URL."""
        parsed = urlsplit(self.url)
        return Path(unquote(parsed.path)) if parsed.scheme == "file" else None

    @property
    def name(self) -> str:
        """What errors call it."""
        return redact.plain(self.url)

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must never be shown."""
        ours = self.credentials.secrets if self.credentials else ()
        return (*ours, self.proxy.password) if self.proxy and self.proxy.password else ours

    def scrub(self, text: str) -> str:
        """Text of the library or the server, made fit to show."""
        redactor = redact.Redactor(self.secrets)
        return redact.plain(redactor.clean(text)).strip()

    def directory_name(self, scope: str) -> str:
        """Name of the mirror's directory. `scope` separates readers who may have different rights on the server."""
        digest = hashlib.sha256(f"{self.url}\n{scope}".encode()).hexdigest()[:32]
        return f"{digest}.git"


def origin(url: str) -> tuple[str, str, int]:
    """Scheme, host and port of a URL."""
    parsed = urlsplit(url)
    return parsed.scheme, parsed.hostname or "", parsed.port or PORTS.get(parsed.scheme, 0)


def site(url: str, *, credentials: Login | None = None, ca: str = "", proxy: Proxy | None = None) -> Site:
    """A site whose URL has been checked.

    Raises:
        ConfigError: another scheme than https, ssh or file, credentials in the URL (which is then not repeated),
            credentials of a kind the scheme does not take, a relative or foreign file:// path, a shallow repository
            on disk, a CA that is no PEM.
    """
    checked = Site(url=url.strip(), credentials=credentials, ca=ca, proxy=proxy)
    _check_address(checked)
    if checked.local is not None:
        _check_local(checked.local)
    if ca:
        _check_pem(ca)
    _check_login(checked)
    return checked


def _check_login(where: Site) -> None:
    """The credentials fit the scheme."""
    if where.scheme == "ssh" and not isinstance(where.credentials, SshKey):
        raise errors.ConfigError(
            f"{where.name} needs an SSH key and the host's keys",
            hint="a Secret with `identity` and `known_hosts`, named in spec.source.credentials",
        )
    if where.scheme == "https" and isinstance(where.credentials, SshKey):
        raise errors.ConfigError(
            f"{where.name} cannot be read with an SSH key",
            hint="write ssh://git@host/path.git, or name a Secret with `token`",
        )
    if where.scheme == "ssh" and where.proxy:
        raise errors.ConfigError(f"{where.name} cannot be reached through a proxy", hint="proxies go with https://")


def _check_address(where: Site) -> None:
    try:
        parsed = urlsplit(where.url)
        parsed.port  # noqa: B018  # reading it is the check
    except ValueError as error:
        raise errors.ConfigError("the Git URL cannot be read", cause=str(error)) from None
    if parsed.password is not None or (parsed.scheme in {"https", "file"} and parsed.username is not None):
        raise errors.ConfigError(
            f"the URL of {parsed.hostname or 'the repository'} holds credentials",
            cause="a URL is shown in status, events and logs",
            hint="put them into a Secret and name it in spec.source.credentials (gitops install: --git-token-file)",
        )
    if parsed.scheme not in SCHEMES or (parsed.scheme != "file" and not parsed.hostname):
        raise errors.ConfigError(
            f"not a usable Git URL: {_without_user(where.url)!r}",
            cause=_why_not(where.url, parsed.scheme),
            hint="write https://host/path.git, ssh://git@host/path.git, or file:///path for a repository on disk",
        )


def _why_not(url: str, scheme: str) -> str:
    if SCP.match(url):
        return "host:path is ssh's short form"
    match scheme:
        case "http":
            return "http would send the token, and accept the configuration, unprotected"
        case "":
            return "it names no scheme"
        case _:
            return f"{scheme} is not supported"


def _without_user(url: str) -> str:
    """A URL to show: what stands before `@` may be a token."""
    return redact.plain(url if SCP.match(url) else re.sub(r"^([a-z+]*://)[^/@]*@", r"\1", url))


def _check_pem(ca: str) -> None:
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=ca)
    except (ssl.SSLError, ValueError) as error:
        raise errors.ConfigError(
            "the CA for the Git server is not a list of PEM certificates",
            cause=str(error),
            hint="it begins with -----BEGIN CERTIFICATE-----",
        ) from error


def _check_local(path: Path) -> None:
    if not path.is_absolute():
        raise errors.ConfigError(f"not an absolute path: {path}", hint="write file:///path, with three slashes")
    for shallow in (path / "shallow", path / ".git" / "shallow"):
        if shallow.is_file():
            raise errors.ConfigError(
                f"{path} is a shallow clone",
                cause="its history was cut off, so it cannot be mirrored",
                hint=f"git -C {path} fetch --unshallow",
            )
