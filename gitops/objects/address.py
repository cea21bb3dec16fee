"""Addresses of files (URLs), read strictly: what is judged here is exactly what is asked for.

Programs read the same unusual text differently, and who gets past a list of allowed addresses uses that. So only one
plain form is an address: a scheme, a host that is a name or an IP address as it is usually written, a port, a path
without anything that servers resolve, a query.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote, urljoin

LONGEST: Final = 8192
_PORTS: Final = {"https": 443, "http": 80}
_FORM: Final = re.compile(
    r"(?P<scheme>https?)://(?P<host>\[[0-9a-f:.]+\]|[a-z0-9.-]+)(:(?P<port>[1-9][0-9]{0,4}))?"
    r"(?P<path>(/[A-Za-z0-9._~!$&'()*+,;=:@%-]*)*)(\?(?P<query>[A-Za-z0-9._~!$&'()*+,;=:@%/?\[\]-]*))?"
)
_LABEL: Final = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_PERCENT: Final = re.compile(r"%(?![0-9A-Fa-f]{2})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where a file is; `query` may be a secret (a signature), and is in nothing a person reads."""

    scheme: str
    host: str
    port: int
    path: str
    query: str | None = None

    @property
    def shown(self) -> str:
        """Without the query."""
        port = "" if self.port == _PORTS[self.scheme] else f":{self.port}"
        return f"{self.scheme}://{self.host}{port}{self.path}"

    @property
    def target(self) -> str:
        """All of it, to ask for."""
        return self.shown if self.query is None else f"{self.shown}?{self.query}"


def parse(text: str) -> Address:
    """Read an address.

    Raises:
        ValueError: it has another form. The message repeats nothing of it, for it may hold a secret.
    """
    if len(text) > LONGEST:
        raise ValueError(f"it is longer than {LONGEST} characters")
    head, slashes, rest = text.partition("://")
    authority = re.split(r"[/?#]", rest, maxsplit=1)[0]
    if "@" in authority:
        raise ValueError("it has a user name or password in it")
    form = _FORM.fullmatch(f"{head.lower()}{slashes}{authority.lower()}{rest[len(authority) :]}")
    if form is None:
        raise ValueError("it is not of the form https://host[:port]/path[?query], in characters that need no escape")
    port = int(form["port"] or _PORTS[form["scheme"]])
    if port > 65535:  # noqa: PLR2004 - TCP's
        raise ValueError("there is no such port")
    _check_host(form["host"])
    _check_path(form["path"])
    return Address(scheme=form["scheme"], host=form["host"], port=port, path=form["path"] or "/", query=form["query"])


def follow(base: Address, location: str) -> Address:
    """Where a redirect leads.

    Raises:
        ValueError: as `parse`.
    """
    return parse(urljoin(base.target, location.strip()).partition("#")[0])


def allows(entries: Iterable[str], address: Address) -> bool:
    """Whether one of these entries means this address.

    An entry is an address without query. It means itself, or everything below it if it ends in a slash; a `*` in its
    path stands for anything without a slash. Scheme, host and port are the same or it does not count.
    """
    return any(_means(entry, address) for entry in entries)


def _means(entry: str, address: Address) -> bool:
    try:
        known = parse(entry)
    except ValueError:
        return False
    if (known.scheme, known.host, known.port) != (
        address.scheme,
        address.host,
        address.port,
    ) or known.query is not None:
        return False
    pattern = "[^/]*".join(re.escape(part) for part in known.path.split("*"))
    return re.fullmatch(f"{pattern}.*" if known.path.endswith("/") else pattern, address.path) is not None


def _check_host(host: str) -> None:
    if host.startswith("["):
        try:
            usual = f"[{ipaddress.IPv6Address(host[1:-1])}]" == host
        except ValueError:
            usual = False
        if not usual:
            raise ValueError("its host is an IPv6 address in an unusual form")
        return
    labels = host.split(".")
    if not all(_LABEL.fullmatch(label) for label in labels):
        raise ValueError("its host is no name")
    # What ends in a number is read as an IPv4 address by some programs: 127.1, 0x7f000001, 2130706433.
    if labels[-1].isdigit() or labels[-1].startswith("0x"):
        try:
            ipaddress.IPv4Address(host)
        except ValueError:
            raise ValueError("its host is an IPv4 address in an unusual form") from None


def _check_path(path: str) -> None:
    if _PERCENT.search(path):
        raise ValueError("a % in its path escapes nothing")
    for segment in path.split("/"):
        # Some servers decode twice, or cut off what follows a semicolon.
        plain, before = segment, ""
        while plain != before:
            plain, before = unquote(plain), plain
        if plain.partition(";")[0] in {".", ".."} or re.search(r"[/\\\x00-\x1f\x7f]", plain):
            raise ValueError("its path has parts that servers resolve: . or .., or escaped / or \\")
