"""Who we are to a Git server: a password or token, an SSH key, a GitHub App. What is secret never shows in `repr`."""

from __future__ import annotations

import base64
import binascii
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from gitops import errors
from gitops.source import known_hosts

DEFAULT_USERNAME = "git"
"""GitHub, GitLab and Gitea take any user name beside a token; for one that does not, the Secret says `username`."""
GITHUB_API = "https://api.github.com"
OPENSSH = "-----BEGIN OPENSSH PRIVATE KEY-----"


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """A user name and a password or token, for https."""

    username: str = DEFAULT_USERNAME
    password: str = field(repr=False)

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must never be shown."""
        return (self.password,)


@dataclass(frozen=True, slots=True, kw_only=True)
class SshKey:
    """A private key, its passphrase if it has one, and the keys of the hosts it may be used with."""

    identity: str = field(repr=False)
    known_hosts: str
    passphrase: str = field(default="", repr=False)

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must never be shown."""
        return tuple(value for value in (self.identity, self.passphrase) if value)

    @property
    def fingerprint(self) -> str:
        """Of the public half; empty for formats that do not carry it in the clear."""
        return _fingerprint(self.identity)


@dataclass(frozen=True, slots=True, kw_only=True)
class App:
    """A GitHub App's installation: its key is exchanged for a token that lives an hour."""

    app: str
    installation: str
    key: str = field(repr=False)
    api: str = GITHUB_API

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must never be shown."""
        return (self.key,)


Login: TypeAlias = Credentials | SshKey | App


def from_secret(data: Mapping[str, bytes]) -> Login:
    """Read the data of a Secret.

    One of: `token`; `username` and `password` (`username` may go with `token` too); `identity` and `known_hosts`, with
    `password` for the key's passphrase; `githubAppID`, `githubAppInstallationID` and `githubAppPrivateKey`, with
    `githubAppBaseURL` for another server than github.com. (Flux reads the same keys.)

    Raises:
        ConfigError: it has none of these, or half of one.
    """
    text = {key: value.decode("utf-8", "replace").strip() for key, value in data.items()}
    if "identity" in text:
        return _ssh(text)
    if any(key.startswith("githubApp") for key in text):
        return _app(text)
    password = text.get("token") or text.get("password")
    if not password:
        raise errors.ConfigError(
            "the Secret with the Git credentials has no token",
            cause=f"its keys: {', '.join(sorted(text)) or 'none'}",
            hint="give it `token`; `username` and `password`; `identity` and `known_hosts`; or a GitHub App's keys",
        )
    return Credentials(username=text.get("username") or DEFAULT_USERNAME, password=password)


def _ssh(text: Mapping[str, str]) -> SshKey:
    if not text.get("known_hosts"):
        raise errors.ConfigError(
            "the Secret with the SSH key has no known_hosts",
            cause="without it any server could pose as yours",
            hint="ssh-keyscan HOST prints the lines; compare their fingerprints with those the server's owner tells",
        )
    if "PRIVATE KEY-----" not in text["identity"]:
        raise errors.ConfigError(
            "`identity` in the Secret with the SSH key is no private key",
            hint="it begins with -----BEGIN OPENSSH PRIVATE KEY-----",
        )
    # libssh2 reads nothing that does not end in a line break.
    return SshKey(
        identity=f"{text['identity']}\n", known_hosts=text["known_hosts"], passphrase=text.get("password", "")
    )


def _app(text: Mapping[str, str]) -> App:
    wanted = ("githubAppID", "githubAppInstallationID", "githubAppPrivateKey")
    missing = [key for key in wanted if not text.get(key)]
    if missing:
        raise errors.ConfigError(f"the Secret with the GitHub App lacks {', '.join(missing)}")
    app, installation, key = (text[name] for name in wanted)
    if not (app.isalnum() and installation.isdecimal()):
        raise errors.ConfigError(
            "the Secret with the GitHub App has an ID that is none",
            hint="githubAppInstallationID is the number at the end of the installation's settings page",
        )
    api = text.get("githubAppBaseURL") or GITHUB_API
    if not api.startswith("https://") or "@" in api:
        raise errors.ConfigError("githubAppBaseURL must be an https:// URL without credentials")
    return App(app=app, installation=installation, key=key, api=api.rstrip("/"))


def _fingerprint(identity: str) -> str:
    """PROTOCOL.key of OpenSSH: magic, cipher, kdf and its options, then the public keys, all before what is secret."""
    if not identity.startswith(OPENSSH):
        return ""
    try:
        data = base64.b64decode("".join(identity.strip().splitlines()[1:-1]))
        at = len(b"openssh-key-v1\0")
        for _ in range(3):
            at += 4 + struct.unpack_from(">I", data, at)[0]
        at += 4
        size = struct.unpack_from(">I", data, at)[0]
    except (binascii.Error, struct.error, ValueError):
        return ""
    return known_hosts.fingerprint(data[at + 4 : at + 4 + size])
