"""A real S3 server over https, on loopback: versitygw, built from its Go module, with a directory as its disk."""

from __future__ import annotations

import secrets
import shutil
import signal
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.cluster import addresses, binary, cache, pki, ports, process
from tests.cluster.errors import GroundError
from tests.cluster.progress import step

SOURCE = Path(__file__).parent / "gateway"
PACKAGE = "github.com/versity/versitygw/cmd/versitygw"
START_SECONDS = 20
BUCKET = "operation-logs"


def obtain() -> Path:
    """Return the server's program at the version in `gateway/go.mod`, building it if absent (2 min)."""

    def make(made: Path) -> None:
        with step("build the S3 server from its Go module (2 minutes, once)"):
            process.run(
                [binary.go(), "build", "-trimpath", "-ldflags", "-s -w", "-o", made, PACKAGE],
                name="go-build-versitygw",
                cwd=SOURCE,
                env={"CGO_ENABLED": "0", "GOFLAGS": "-mod=readonly -buildvcs=false"},
                hint="the Go module proxy must be reachable, and 2 GB free for the build cache",
            )

    return cache.obtain("versitygw", cache.key(PACKAGE, SOURCE / "go.mod", SOURCE / "go.sum"), make)


class ObjectStore:
    """The server as a process, for as long as the `with` block lasts, on a port chosen at construction.

    `credentials` is a directory as a mounted Secret would be; `ca_file` is the authority nobody else trusts.
    """

    def __init__(self, home: Path) -> None:
        self.home = home
        self.port = ports.free(1)[0]
        self.ca_file = home / "tls" / "ca.crt"
        self.credentials = home / "credentials"
        self.buckets = home / "buckets"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def endpoint(self) -> str:
        """Where clients on this host reach it."""
        return f"https://{addresses.LOOPBACK}:{self.port}"

    @property
    def secret(self) -> str:
        """The secret key, which must never be seen anywhere."""
        return (self.credentials / "AWS_SECRET_ACCESS_KEY").read_text()

    def make_bucket(self, name: str) -> None:
        """Make a bucket: a directory, for this server."""
        (self.buckets / name).mkdir()

    def keys(self, bucket: str) -> list[str]:
        """What lies in a bucket, read from its disk."""
        root = self.buckets / bucket
        return sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())

    def prepare(self) -> None:
        """Make the directories, an authority, a certificate and credentials, once."""
        if self.credentials.exists():
            return
        self.buckets.mkdir(parents=True)
        (self.home / "metadata").mkdir()
        authority = pki.create_authority("test S3 server")
        authority.issue("s3", addresses=[addresses.LOOPBACK, "localhost"]).write(self.home / "tls", "s3")
        self.ca_file.write_bytes(authority.pem)
        self.credentials.mkdir(mode=0o700)
        (self.credentials / "AWS_ACCESS_KEY_ID").write_text("writer")
        (self.credentials / "AWS_SECRET_ACCESS_KEY").write_text(secrets.token_urlsafe(24))

    def start(self) -> None:
        """Serve."""
        self.prepare()
        log = self.home / "server.log"
        tls = self.home / "tls"
        with log.open("ab") as file:
            self._process = subprocess.Popen(
                [
                    *(obtain(), "--quiet", "--port", f"{addresses.LOOPBACK}:{self.port}"),
                    *("--cert", tls / "s3.crt", "--key", tls / "s3.key", "--keep-alive"),
                    *("posix", "--sidecar", self.home / "metadata", self.buckets),
                ],
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                env={"ROOT_ACCESS_KEY_ID": "writer", "ROOT_SECRET_ACCESS_KEY": self.secret, "HOME": str(self.home)},
            )
        deadline = time.monotonic() + START_SECONDS
        while not ports.answers(self.port):
            if time.monotonic() > deadline or self._process.poll() is not None:
                raise GroundError("the S3 server does not listen", why=f"port {self.port}", log=log)
            time.sleep(0.02)

    def hang(self) -> None:
        """Stand still: connections are accepted, and never answered."""
        if self._process is not None:
            self._process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """Go on after `hang`."""
        if self._process is not None:
            self._process.send_signal(signal.SIGCONT)

    def stop(self) -> None:
        """End the process at once; what it had acknowledged stays on its disk."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(timeout=10)
            self._process = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        shutil.rmtree(self.buckets, ignore_errors=True)
