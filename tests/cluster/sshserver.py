"""A Git server over ssh: Debian's own sshd, as a process on this host that nothing is installed for.

sshd and the one library it may lack are taken from their packages. Run as root it needs an account `sshd` and a
directory in /run, so it gets both in a mount namespace of its own; run by anybody else it needs neither.
"""

from __future__ import annotations

import os
import pwd
import shlex
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.cluster import addresses, cache, machine, ports, process
from tests.cluster.errors import GroundError

PACKAGES = ("openssh-server", "libwrap0")
START_SECONDS = 20
KEY_TYPES = ("ed25519", "ecdsa", "rsa")
ACCOUNTS = """\
root:x:0:0:root:/root:/bin/sh
sshd:x:101:65534::/run/sshd:/usr/sbin/nologin
git:x:0:0::{home}:/bin/sh
"""
CONFIG = """\
ListenAddress {address}
Port {port}
{host_keys}
AuthorizedKeysFile {home}/authorized_keys
ForceCommand cd {home}/repositories && git-shell -c "$SSH_ORIGINAL_COMMAND"
PidFile none
UsePAM no
StrictModes no
PermitRootLogin yes
PasswordAuthentication no
KbdInteractiveAuthentication no
"""


class LocalSshServer:
    """Bare repositories behind sshd, for as long as the `with` block lasts.

    `authorize` lets a key in; `host_keys` are the types it has, and `known_hosts` the lines that pin them.
    """

    def __init__(self, home: Path, *, host_keys: tuple[str, ...] = KEY_TYPES) -> None:
        self.home = home
        self.host_keys = host_keys
        self.port = ports.free(1)[0]
        self.user = "git" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
        self.repositories = home / "repositories"
        self._process: subprocess.Popen[bytes] | None = None

    def url(self, repository: str) -> str:
        """Return the URL of a repository."""
        return f"ssh://{self.user}@{addresses.LOOPBACK}:{self.port}/{self.repositories}/{repository}.git"

    def known_hosts(self, *types: str) -> str:
        """Return the lines for the host's keys of these types, or of all."""
        name = f"[{addresses.LOOPBACK}]:{self.port}"
        return "".join(f"{name} {self.host_key(kind)}\n" for kind in types or self.host_keys)

    def host_key(self, kind: str) -> str:
        """Return the public half of a host key: type and base64."""
        return " ".join((self.home / f"host_{kind}.pub").read_text().split()[:2])

    def fingerprint(self, kind: str) -> str:
        """Return the fingerprint of a host key, by ssh-keygen."""
        return process.output(["ssh-keygen", "-l", "-f", self.home / f"host_{kind}.pub"]).split()[1]

    def create_repo(self, name: str) -> Path:
        """Make an empty bare repository; returns its directory."""
        path = self.repositories / f"{name}.git"
        process.output(["git", "init", "--quiet", "--bare", "--initial-branch=main", path])
        return path

    def authorize(self, public: str) -> None:
        """Let this key in, to fetch and nothing else."""
        with (self.home / "authorized_keys").open("a") as file:
            file.write(f"restrict {public.strip()}\n")

    def start(self) -> None:
        """Serve; on the same port, with the same keys."""
        machine.need({"ssh-keygen": "openssh-client", "git": "git"})
        self.repositories.mkdir(parents=True, exist_ok=True)
        (self.home / "authorized_keys").touch()
        for kind in self.host_keys:
            make_key(self.home / f"host_{kind}", kind=kind)
        lines = "\n".join(f"HostKey {self.home}/host_{kind}" for kind in self.host_keys)
        config = CONFIG.format(address=addresses.LOOPBACK, port=self.port, host_keys=lines, home=self.home)
        (self.home / "sshd_config").write_text(config)
        log = self.home / "sshd.log"
        with log.open("ab") as file:
            self._process = subprocess.Popen(
                self._command(), stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.STDOUT, env=_environment()
            )
        deadline = time.monotonic() + START_SECONDS
        while not ports.answers(self.port):
            if time.monotonic() > deadline or self._process.poll() is not None:
                raise GroundError("sshd does not listen", why=f"port {self.port}", log=log)
            time.sleep(0.02)

    def _command(self) -> list[str]:
        serve = [str(_sshd()), "-D", "-e", "-f", str(self.home / "sshd_config")]
        if os.geteuid() != 0:
            return serve
        accounts = self.home / "passwd"
        accounts.write_text(ACCOUNTS.format(home=self.home))
        inside = (
            f"mount --bind {shlex.quote(str(accounts))} /etc/passwd && mount -t tmpfs none /run"
            f" && mkdir /run/sshd && exec {shlex.join(serve)}"
        )
        return ["unshare", "--mount", "sh", "-c", inside]

    def stop(self) -> None:
        """End the process; connections of its children end with theirs."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(timeout=10)
            self._process = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def make_key(path: Path, *, kind: str = "ed25519", passphrase: str = "", comment: str = "") -> str:
    """Make a key pair, once; returns the public line."""
    if not path.exists():
        process.output(["ssh-keygen", "-q", "-t", kind, "-N", passphrase, "-C", comment, "-f", path])
    return path.with_suffix(".pub").read_text().strip()


def _sshd() -> Path:
    """Find sshd on this machine, else in its package."""
    found = shutil.which("sshd") or shutil.which("sshd", path="/usr/sbin:/usr/local/sbin")
    return Path(found) if found else _unpacked() / "usr" / "sbin" / "sshd"


def _unpacked() -> Path:
    """Return the directory the packages were unpacked to."""
    if not shutil.which("apt-get"):
        raise GroundError(
            "this machine has no sshd",
            why="only on Debian or Ubuntu can it be taken from its package",
            hint="install the OpenSSH server; it need not run",
        )
    return cache.obtain("sshd", cache.key(*PACKAGES, os.uname().machine), _unpack)


def _unpack(target: Path) -> None:
    target.mkdir()
    if os.geteuid() == 0:
        process.run(["apt-get", "update"], name="apt-update", hint="is the network up, and the mirror reachable?")
    with tempfile.TemporaryDirectory() as scratch:
        for package in PACKAGES:
            process.run(
                ["apt-get", "download", package], name="sshd-download", cwd=Path(scratch), hint="apt-get update"
            )
        for archive in Path(scratch).glob("*.deb"):
            process.output(["dpkg-deb", "--extract", archive, target])


def _environment() -> dict[str, str]:
    libraries = [] if shutil.which("sshd", path="/usr/sbin:/usr/local/sbin") else _library_directories()
    return {**os.environ, **({"LD_LIBRARY_PATH": ":".join(libraries)} if libraries else {})}


def _library_directories() -> list[str]:
    return sorted({str(path.parent) for path in _unpacked().rglob("*.so.*")})
