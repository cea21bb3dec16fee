"""OpenPGP signatures, by the `gpg` program: a keyring made for one check, no network, no agent, no configuration."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from gitops import errors

SECONDS = 20
OPTIONS = (
    "--batch",
    "--no-tty",
    "--no-options",
    "--no-autostart",
    "--disable-dirmngr",
    "--no-auto-key-retrieve",
    "--trust-model=always",
    "--status-fd=1",
)
BAD = {
    "BADSIG": "it was made for other content",
    "ERRSIG": "its key is not one of those that count",
    "EXPSIG": "it has expired",
    "EXPKEYSIG": "its key has expired",
    "REVKEYSIG": "its key is revoked",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What gpg says: the key, the name on it, and why the signature does not count (empty if it does)."""

    key: str
    name: str = ""
    wrong: str = ""


def installed() -> bool:
    """Whether OpenPGP signatures can be verified here."""
    return shutil.which("gpg") is not None


def verify(signature: bytes, payload: bytes, keys: Sequence[str]) -> Finding:
    """Verify a detached signature with these armored public keys and no others.

    Raises:
        ConfigError: gpg is not installed, or cannot read the keys.
    """
    program = shutil.which("gpg")
    if program is None:
        raise errors.ConfigError(
            "an OpenPGP signature cannot be verified: gpg is not installed",
            hint="use an image with gnupg in it, or sign with SSH keys (git config gpg.format ssh)",
        )
    with tempfile.TemporaryDirectory(prefix="gitops-gpg-") as home:
        for name, content in (("keys", "\n".join(keys).encode()), ("signature", signature), ("payload", payload)):
            (Path(home) / name).write_bytes(content)
        if keys and not any(line[0] == "IMPORT_OK" for line in _run(program, home, "--import", "keys")):
            raise errors.ConfigError("gpg cannot read the OpenPGP public keys", hint="gpg --armor --export KEY")
        return _judge(_run(program, home, "--verify", "signature", "payload"))


def _run(program: str, home: str, *arguments: str) -> list[list[str]]:
    """The words of gpg's status lines (doc/DETAILS in its source)."""
    try:
        done = subprocess.run(  # noqa: S603  # data goes in by files, never on the command line
            [program, f"--homedir={home}", *OPTIONS, *arguments],
            cwd=home,
            env={"PATH": os.environ.get("PATH", ""), "LC_ALL": "C"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            timeout=SECONDS,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise errors.SourceError("gpg did not verify a signature", cause=type(error).__name__) from error
    told = done.stdout.decode("utf-8", "replace").splitlines()
    return [line.split()[1:] for line in told if line.startswith("[GNUPG:] ") and len(line.split()) > 1]


def _judge(told: list[list[str]]) -> Finding:
    """Good only if there is one signature, and gpg finds it good and valid and says nothing else of it."""
    said = {words[0]: words[1:] for words in told}
    valid = said.get("VALIDSIG", [])
    for word, wrong in BAD.items():
        if word in said:
            # ERRSIG ends in the fingerprint if the signature names one; a key ID always stands first.
            details = said[word]
            key = valid[0] if valid else next((one for one in reversed(details) if len(one) >= 40), details[0])  # noqa: PLR2004
            return Finding(key=key, name=" ".join(details[1:]) if word != "ERRSIG" else "", wrong=wrong)
    once = sum(words[0] == "NEWSIG" for words in told) == 1
    if not (once and valid and "GOODSIG" in said):
        return Finding(key="", wrong="gpg cannot read it" if not valid else "it is more than one signature")
    return Finding(key=valid[0], name=" ".join(said["GOODSIG"][1:]))
