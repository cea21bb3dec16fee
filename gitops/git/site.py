"""A repository somewhere: its address, who we are there, whom we trust there. The one place that judges URLs."""

from __future__ import annotations

import hashlib
import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlsplit

from gitops import errors
from gitops.report import redact

DEFAULT_USERNAME = "git"
"""GitHub, GitLab and Gitea take any user name beside a token; for one that does not, the Secret says `username`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """A user name and a password or token; the password never shows in `repr`."""

    username: str = DEFAULT_USERNAME
    password: str = field(repr=False)

    @classmethod
    def from_secret(cls, data: Mapping[str, bytes]) -> Credentials:
        """Read the data of a Secret: `token`, or `username` and `password`; `username` may go with `token` too.

        Raises:
            ConfigError: it has neither.
        """
        text = {key: value.decode("utf-8", "replace").strip() for key, value in data.items()}
        password = text.get("token") or text.get("password")
        if not password:
            raise errors.ConfigError(
                "the Secret with the Git credentials has no token",
                cause=f"its keys: {', '.join(sorted(text)) or 'none'}",
                hint="give it `token`, or `username` and `password`",
            )
        return cls(username=text.get("username") or DEFAULT_USERNAME, password=password)


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """Where a repository is. `ca` is PEM text, trusted for this site beside the system's authorities."""

    url: str
    credentials: Credentials | None = None
    ca: str = ""

    @property
    def host(self) -> str:
        """`host:port` as in the URL; empty for a directory."""
        return urlsplit(self.url).netloc

    @property
    def local(self) -> Path | None:
        """The directory of a file:// URL."""
        parsed = urlsplit(self.url)
        return Path(unquote(parsed.path)) if parsed.scheme == "file" else None

    @property
    def name(self) -> str:
        """What errors call it."""
        return redact.plain(self.url)

    def scrub(self, text: str) -> str:
        """Text of the library or the server, made fit to show."""
        redactor = redact.Redactor([self.credentials.password] if self.credentials else [])
        return redact.plain(redactor.clean(text)).strip()

    def directory_name(self, scope: str) -> str:
        """Name of the mirror's directory. `scope` separates readers who may have different rights on the server."""
        digest = hashlib.sha256(f"{self.url}\n{scope}".encode()).hexdigest()[:32]
        return f"{digest}.git"


def site(url: str, *, credentials: Credentials | None = None, ca: str = "") -> Site:
    """A site whose URL has been checked.

    Raises:
        ConfigError: another scheme than https or file, credentials in the URL (which is then not repeated), a relative
            or foreign file:// path, a shallow repository on disk, a CA that is no PEM.
    """
    checked = Site(url=url.strip(), credentials=credentials, ca=ca)
    _check_address(checked)
    if checked.local is not None:
        _check_local(checked.local)
    if ca:
        _check_pem(ca)
    return checked


def _check_address(where: Site) -> None:
    try:
        parsed = urlsplit(where.url)
        parsed.port  # noqa: B018  # reading it is the check
    except ValueError as error:
        raise errors.ConfigError("the Git URL cannot be read", cause=str(error)) from None
    if parsed.password is not None or (parsed.scheme == "https" and parsed.username is not None):
        raise errors.ConfigError(
            f"the URL of {parsed.hostname or 'the repository'} holds credentials",
            cause="a URL is shown in status, events and logs",
            hint="put them into a Secret and name it in spec.source.credentials (gitops install: --git-token-file)",
        )
    if parsed.scheme not in {"https", "file"} or (parsed.scheme == "https" and not parsed.hostname):
        raise errors.ConfigError(
            f"not a usable Git URL: {_without_user(where.url)!r}",
            cause=_why_not(parsed.scheme),
            hint="write https://host/path.git, or file:///path for a repository on disk",
        )


def _why_not(scheme: str) -> str:
    match scheme:
        case "http":
            return "http would send the token, and accept the configuration, unprotected"
        case "":
            return "it names no scheme"
        case _:
            return f"{scheme} is not supported"


def _without_user(url: str) -> str:
    """A URL to show: what stands before `@` may be a token."""
    return redact.plain(re.sub(r"^([a-z+]*://)[^/@]*@", r"\1", url))


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
