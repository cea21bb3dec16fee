"""Whether a host's key is one we know: OpenSSH's known_hosts, strictly (sshd(8), SSH_KNOWN_HOSTS FILE FORMAT)."""

from __future__ import annotations

import base64
import binascii
import fnmatch
import hashlib
import hmac
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

PORT = 22


class Standing(StrEnum):
    """What known_hosts says of a host's key."""

    KNOWN = "known"
    UNKNOWN = "unknown"
    CHANGED = "changed"
    REVOKED = "revoked"


@dataclass(frozen=True, slots=True)
class Line:
    """One line: whom it is for, the marker before it (`@revoked`), the key as it travels."""

    hosts: str
    marker: str
    key: bytes


def standing(text: str, host: str, port: int, key: bytes) -> Standing:
    """What the lines of a known_hosts file say of this key for this host.

    Certificate authorities are not followed: a host that shows a certificate is unknown.
    """
    lines = [line for line in _lines(text) if _names(line.hosts, host, port)]
    if any(line.key == key for line in lines if line.marker == "@revoked"):
        return Standing.REVOKED
    plain = [line for line in lines if not line.marker]
    if any(line.key == key for line in plain):
        return Standing.KNOWN
    return Standing.CHANGED if plain else Standing.UNKNOWN


def lines(text: str, host: str, port: int) -> tuple[str, ...]:
    """The lines for this host, spelled plainly: one `host type key` each, in their order."""
    name = written(host.lower(), port)
    named = (line for line in _lines(text) if not line.marker and _names(line.hosts, host, port))
    return tuple(f"{name} {kind(line.key)} {base64.b64encode(line.key).decode()}" for line in named)


def fingerprint(key: bytes) -> str:
    """As ssh-keygen -l prints it."""
    return "SHA256:" + base64.b64encode(hashlib.sha256(key).digest()).decode().rstrip("=")


def kind(key: bytes) -> str:
    """The key's type, the first string in it."""
    size = int.from_bytes(key[:4], "big")
    return key[4 : 4 + size].decode("ascii", "replace")


def written(host: str, port: int) -> str:
    """How known_hosts writes a host: in brackets if the port is not the usual one."""
    return host if port == PORT else f"[{host}]:{port}"


def _lines(text: str) -> Iterator[Line]:
    for raw in text.splitlines():
        words = raw.split()
        marker = words.pop(0) if words and words[0].startswith("@") else ""
        if len(words) < 3 or words[0].startswith("#"):  # noqa: PLR2004  # hosts, type, key
            continue
        try:
            key = base64.b64decode(words[2], validate=True)
        except (binascii.Error, ValueError):
            continue
        if kind(key) == words[1]:
            yield Line(words[0], marker, key)


def _names(hosts: str, host: str, port: int) -> bool:
    """Whether a line is for the host: hashed, or a list of patterns of which `!` takes out."""
    wanted = written(host.lower(), port)
    if hosts.startswith("|1|"):
        return _hashed(hosts, wanted)
    found = False
    for pattern in hosts.lower().split(","):
        # Brackets are characters of a name here, never a set.
        literal = pattern.removeprefix("!").replace("[", "[[]")
        if fnmatch.fnmatchcase(wanted, literal):
            if pattern.startswith("!"):
                return False
            found = True
    return found


def _hashed(hosts: str, wanted: str) -> bool:
    try:
        _, _, salt, digest = hosts.split("|")
        made = hmac.digest(base64.b64decode(salt), wanted.encode(), "sha1")
        return hmac.compare_digest(made, base64.b64decode(digest))
    except (binascii.Error, ValueError):
        return False
