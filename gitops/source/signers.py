"""Whose signatures count.

Keys are lines of an SSH allowed signers file (ssh-keygen(1), ALLOWED SIGNERS), SSH public keys, and armored OpenPGP
public keys, mixed as a person likes.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from gitops import errors
from gitops.api.gitsync import VerifyMode
from gitops.source import known_hosts

TYPES = (
    "ssh-ed25519",
    "ssh-rsa",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "sk-ssh-ed25519@openssh.com",
    "sk-ecdsa-sha2-nistp256@openssh.com",
)
PGP = re.compile(r"-----BEGIN PGP PUBLIC KEY BLOCK-----.*?-----END PGP PUBLIC KEY BLOCK-----", re.DOTALL)
WORD = re.compile(r'(?:[^\s"]|"[^"]*")+')
OPTION = re.compile(r'([a-z-]+)(?:="([^"]*)")?(?:,|$)')
NAMESPACE = "git"


@dataclass(frozen=True, slots=True, kw_only=True)
class Signer:
    """One SSH key that counts, and when; `name` is its principals, or its comment. Times in seconds since 1970."""

    name: str
    key: bytes
    after: int | None = None
    before: int | None = None

    def counts_at(self, moment: int) -> bool:
        """Whether the key counts for something signed then."""
        return (self.after is None or moment >= self.after) and (self.before is None or moment < self.before)


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What must be signed, and by whom."""

    mode: VerifyMode
    signers: tuple[Signer, ...]
    openpgp: tuple[str, ...]
    """Armored public keys."""


def policy(mode: VerifyMode, files: Mapping[str, str], *, where: str) -> Policy:
    """Read keys: name to text. `where` names the object they are in, for errors.

    Raises:
        ConfigError: a line is no key, or there is no key at all.
    """
    signers: list[Signer] = []
    openpgp: list[str] = []
    for name, text in sorted(files.items()):
        openpgp += PGP.findall(text)
        # The blocks are blanked out line by line, so that what remains keeps its line numbers.
        rest = PGP.sub(lambda match: "\n" * match[0].count("\n"), text)
        signers += _signers(rest, f"{where}, {name}")
    if not signers and not openpgp:
        raise errors.ConfigError(
            f"{where} holds no key to verify signatures with",
            hint="a value with lines like `ada@example.com ssh-ed25519 AAAA…`, or an armored OpenPGP public key",
        )
    return Policy(mode=mode, signers=tuple(signers), openpgp=tuple(openpgp))


def allowed(text: str, *, where: str, namespace: str) -> tuple[Signer, ...]:
    """The signers of an allowed-signers file (ssh-keygen(1)) whose signatures count for a purpose.

    Raises:
        ConfigError: a line is no key.
    """
    return tuple(_signers(text, where, namespace))


def _signers(text: str, where: str, namespace: str = NAMESPACE) -> Iterator[Signer]:
    for number, line in enumerate(text.splitlines(), start=1):
        words = WORD.findall(line)
        if not words or words[0].startswith("#"):
            continue
        found = _signer(words, f"{where}, line {number}", namespace)
        if found is not None:
            yield found


def _signer(words: list[str], where: str, namespace: str) -> Signer | None:
    """The key of a line; None if it is for something else."""
    at = next((index for index, word in enumerate(words[:3]) if word in TYPES), None)
    if at is None or len(words) < at + 2:
        raise _wrong(where, "no key of a known type", f"types: {', '.join(TYPES)}")
    try:
        key = base64.b64decode(words[at + 1], validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if known_hosts.kind(key) != words[at]:
        raise _wrong(where, "the key cannot be read", "copy the whole line of the .pub file")
    name = words[0].strip('"') if at else " ".join(words[2:])
    options = {found[1]: found[2] or "" for found in OPTION.finditer(words[1])} if at > 1 else {}
    if "cert-authority" in options:
        raise _wrong(where, "certificate authorities are not followed", "list the keys themselves")
    namespaces = options.get("namespaces")
    if namespaces is not None and namespace not in namespaces.split(","):
        return None
    after, before = (_time(options[key], where) if key in options else None for key in ("valid-after", "valid-before"))
    return Signer(name=name, key=key, after=after, before=before)


def _time(text: str, where: str) -> int:
    """YYYYMMDD, with HHMM or HHMMSS; in UTC, whatever the machine's clock says."""
    digits = text.removesuffix("Z")
    form = {8: "%Y%m%d", 12: "%Y%m%d%H%M", 14: "%Y%m%d%H%M%S"}.get(len(digits))
    try:
        return int(datetime.strptime(digits, form or "").replace(tzinfo=UTC).timestamp())
    except ValueError:
        raise _wrong(where, f"not a time: {text!r}", "write 20260131 or 202601311200") from None


def _wrong(where: str, what: str, hint: str) -> errors.ConfigError:
    return errors.ConfigError(f"{where}: {what}", hint=hint)
