"""Commits and tags signed with Git's own tools: SSH keys by ssh-keygen, OpenPGP keys by gpg."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

from gitops.git import site
from gitops.git.mirror import Mirror
from gitops.source import Revision, signers
from tests.contract.hosting import IDENTITY, Bare, git

OWNER = "Ada <ada@example.com>"


class Signing:
    """A repository on disk in which commits and tags are signed, and mirrors of it that verify."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.path = directory / "server.git"
        git("init", "--quiet", "--bare", "--initial-branch=main", self.path, cwd=directory)
        self.bare = Bare(self.path, self.mirror(None))

    def mirror(self, policy: signers.Policy | None) -> Mirror:
        return Mirror(self.directory / "mirrors", site.site(f"file://{self.path}"), verify=policy)

    def commit(self, files: Mapping[str, bytes], *, key: Path | str, message: str = "change") -> Revision:
        """Push a commit signed with an SSH key's file, or an OpenPGP key's fingerprint."""
        unsigned = self.bare.push(files, message=message)
        tree = git("rev-parse", f"{unsigned.commit}^{{tree}}", cwd=self.path)
        commit = self._git(key, "commit-tree", "-S", tree, "-m", message)
        git("update-ref", "refs/heads/main", commit, cwd=self.path)
        return Revision(commit=commit, reference="main")

    def tag(self, name: str, revision: Revision, *, key: Path | str) -> Revision:
        """Put a signed tag on a commit."""
        self._git(key, "tag", "--sign", "--message", "a tag", name, revision.commit)
        return Revision(commit=revision.commit, reference=name)

    def put(self, kind: str, raw: bytes) -> str:
        """Write an object as it is; returns its id."""
        return git("hash-object", "-t", kind, "-w", "--literally", "--stdin", cwd=self.path, stdin=raw)

    def raw(self, name: str) -> bytes:
        """An object as it is."""
        kind = git("cat-file", "-t", name, cwd=self.path)
        done = subprocess.run(["git", "cat-file", kind, name], cwd=self.path, check=True, capture_output=True)
        return done.stdout

    def point(self, name: str, commit: str) -> Revision:
        """Let a branch or tag stand for an object."""
        git("update-ref", f"refs/{name}", commit, cwd=self.path)
        return Revision(commit=commit, reference=name.rpartition("/")[2])

    def _git(self, key: Path | str, *arguments: str) -> str:
        form = "ssh" if isinstance(key, Path) else "openpgp"
        done = subprocess.run(
            ["git", "-c", f"gpg.format={form}", "-c", f"user.signingKey={key}", *arguments],
            cwd=self.path,
            env={**os.environ, **IDENTITY, "GNUPGHOME": str(self.directory / "gnupg")},
            check=True,
            capture_output=True,
        )
        return done.stdout.decode().strip()


class Gpg:
    """A person's keyring, without a passphrase."""

    def __init__(self, home: Path) -> None:
        self.home = home
        home.mkdir(mode=0o700)

    def make(self, owner: str = OWNER) -> str:
        """Make a key; returns its fingerprint."""
        self._run("--quick-generate-key", owner, "ed25519", "sign", "never")
        return self.fingerprints()[-1]

    def fingerprints(self) -> list[str]:
        """Of all keys, in the order they were made."""
        lines = self._run("--with-colons", "--list-keys").splitlines()
        return [line.split(":")[9] for line in lines if line.startswith("fpr:")]

    def public(self, *fingerprints: str) -> str:
        """Armored public keys."""
        return self._run("--armor", "--export", *fingerprints)

    def revoke(self, fingerprint: str) -> None:
        """Revoke a key with the certificate gpg made beside it."""
        certificate = (self.home / "openpgp-revocs.d" / f"{fingerprint}.rev").read_text()
        (self.home / "revoke").write_text(certificate.replace(":-----BEGIN", "-----BEGIN"))
        self._run("--import", str(self.home / "revoke"))

    def end(self) -> None:
        """End the agent that gpg started for this keyring."""
        subprocess.run(["gpgconf", "--homedir", self.home, "--kill", "all"], check=False, capture_output=True)

    def _run(self, *arguments: str) -> str:
        command = ["gpg", "--homedir", str(self.home), "--batch", "--yes", "--passphrase", "", *arguments]
        return subprocess.run(command, check=True, capture_output=True).stdout.decode()
