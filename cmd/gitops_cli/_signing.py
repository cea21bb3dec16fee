"""Saved plans signed with SSH keys, as `ssh-keygen -Y` does it: FILE.sig beside FILE.

Signing is left to ssh-keygen, which knows agents, passphrases and security keys; verifying needs no program.
"""

from __future__ import annotations

import shutil
import subprocess
from datetime import datetime
from pathlib import Path

from gitops import errors
from gitops.location import Location
from gitops.source import known_hosts, signers, sshsig

NAMESPACE = "gitops-plan"
"""What the signature is for: one made for Git, or anything else, does not count."""


def signature_of(file: Path) -> Path:
    """Where the signature of a file is."""
    return file.with_name(f"{file.name}.sig")


def sign(file: Path, key: Path) -> None:
    """Sign a file.

    Raises:
        ConfigError: no ssh-keygen, or no such key.
    """
    program = shutil.which("ssh-keygen")
    if program is None:
        raise errors.ConfigError("there is no ssh-keygen to sign with", hint="install OpenSSH's client")
    signature_of(file).unlink(missing_ok=True)
    command = [program, "-Y", "sign", "-q", "-f", str(key.expanduser()), "-n", NAMESPACE, str(file)]
    done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False)  # noqa: S603
    if done.returncode:
        raise errors.ConfigError(
            f"cannot sign with {key}", cause=done.stderr.strip(), hint="--sign takes a private key"
        )


def verify(file: Path, allowed: Path, *, now: datetime) -> str:
    """Who signed a file.

    Raises:
        Refused: it is not signed, not as it is, or by a key that does not count.
        ConfigError: the list of signers cannot be read.
    """
    try:
        known = signers.allowed(allowed.read_text(), where=str(allowed), namespace=NAMESPACE)
    except (OSError, UnicodeDecodeError) as error:
        raise errors.ConfigError(f"cannot read {allowed}", cause=str(error)) from error
    try:
        found = sshsig.read(signature_of(file).read_bytes())
    except OSError:
        raise _refused(file, "it is not signed", f"gitops plan --out {file.name} --sign KEY") from None
    except sshsig.Malformed as error:
        raise _refused(file, f"its signature cannot be read: {error}", "sign it again") from error
    key = f"{known_hosts.kind(found.key)} {known_hosts.fingerprint(found.key)}"
    if not sshsig.holds(found, file.read_bytes(), namespace=NAMESPACE):
        raise _refused(file, f"{key} signed something else: the file was changed since", "make a new plan")
    counting = [one for one in known if one.key == found.key and one.counts_at(int(now.timestamp()))]
    if not counting:
        raise _refused(file, f"{key} does not count", f"{allowed} lists who does")
    return f"{counting[0].name} ({key})"


def _refused(file: Path, why: str, hint: str) -> errors.Refused:
    return errors.Refused("the plan is not applied", cause=why, hint=hint, location=Location(str(file)))
