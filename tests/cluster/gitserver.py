"""A real Git server over https: as a local process, or as a container that pods reach."""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from docker.models.containers import Container
from testcontainers.core.container import DockerContainer

from tests.cluster import addresses, cache, engine, nodes, pki, ports, process
from tests.cluster.errors import GroundError
from tests.cluster.images import PATH
from tests.cluster.progress import step

PROGRAM = Path(__file__).with_name("githttp.py")
START_SECONDS = 20
BRANCH = "main"


class GitServer(ABC):
    """A directory of bare repositories behind TLS and a token.

    `home` holds everything: `repositories/`, the certificates, the token. The server's own authority is
    none that a machine trusts, so clients need `ca_file`; any user name will do, with `token` as password.
    """

    def __init__(self, home: Path, *, port: int) -> None:
        self.home = home
        self.port = port
        self.repositories = home / "repositories"
        self.ca_file = home / "tls" / "ca.crt"
        self.token_file = home / "token"

    @property
    def base_url(self) -> str:
        """Where clients on this host reach it."""
        return f"https://{addresses.LOOPBACK}:{self.port}"

    @property
    def token(self) -> str:
        """The password that opens every repository."""
        return self.token_file.read_text().strip()

    def url(self, repository: str) -> str:
        """Return the URL of a repository for clients on this host, without credentials."""
        return f"{self.base_url}/{repository}.git"

    def create_repo(self, name: str) -> Path:
        """Make an empty bare repository that accepts pushes; returns its directory."""
        path = self.repositories / f"{name}.git"
        process.output(["git", "init", "--quiet", "--bare", f"--initial-branch={BRANCH}", path])
        process.output(["git", "-C", path, "config", "http.receivepack", "true"])
        return path

    @abstractmethod
    def start(self) -> None:
        """Serve; on the same port as before."""

    @abstractmethod
    def stop(self) -> None:
        """Stop serving; repositories stay."""

    def prepare(self) -> None:
        """Make the directory, an authority, a certificate for both addresses, and a token, once."""
        if self.token_file.exists():
            return
        self.repositories.mkdir(parents=True, exist_ok=True)
        authority = pki.create_authority("test git server")
        names = [addresses.LOOPBACK, addresses.GIT_ADDRESS, "localhost"]
        authority.issue("git", addresses=names).write(self.home / "tls", "git")
        self.ca_file.write_bytes(authority.pem)
        self.token_file.touch(mode=0o600)
        self.token_file.write_text(secrets.token_urlsafe(24))

    def await_listening(self, log: Path | None = None) -> None:
        """Wait until the port accepts connections."""
        deadline = time.monotonic() + START_SECONDS
        while not ports.answers(self.port):
            if time.monotonic() > deadline:
                raise GroundError("the Git server does not listen", why=f"port {self.port}", log=log)
            time.sleep(0.02)


class LocalGitServer(GitServer):
    """The Git server as a process on this host, for as long as the `with` block lasts."""

    def __init__(self, home: Path) -> None:
        super().__init__(home, port=ports.free(1)[0])
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Serve on a port chosen at construction, so that a restarted server has the same URL."""
        self.prepare()
        log = self.home / "server.log"
        with log.open("ab") as file:
            self._process = subprocess.Popen(
                _command(sys.executable, self.home, PROGRAM, bind=addresses.LOOPBACK, port=self.port),
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                env={**os.environ, "GIT_CONFIG_NOSYSTEM": "1"},
            )
        self.await_listening(log)

    def stop(self) -> None:
        """End the process."""
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


class ClusterGitServer(GitServer):
    """The Git server as a container at a fixed address of the cluster's network."""

    @property
    def cluster_base_url(self) -> str:
        """Where pods reach it."""
        return f"https://{addresses.GIT_ADDRESS}:{addresses.GIT_PORT}"

    def cluster_url(self, repository: str) -> str:
        """Return the URL of a repository for pods."""
        return f"{self.cluster_base_url}/{repository}.git"

    def ensure(self, image: str) -> None:
        """Make sure the container runs with the present program and certificates; repositories stay."""
        self.prepare()
        inputs = cache.key(image, PROGRAM, self.home / "tls" / "git.crt")
        with engine.session() as client:
            found = nodes.find(client, addresses.GIT_CONTAINER)
            if found is not None and found.status == "running" and found.labels.get(nodes.INPUTS_LABEL) == inputs:
                return
            if found is not None:
                found.remove(force=True, v=True)
        with step("start the Git server"):
            self._create(image, inputs)

    def _create(self, image: str, inputs: str) -> None:
        shutil.copy(PROGRAM, self.home / PROGRAM.name)
        inside = Path("/git")
        command = _command(
            "python3",
            inside,
            inside / PROGRAM.name,
            bind="0.0.0.0",  # noqa: S104 - inside the container; published on 127.0.0.1 only
            port=addresses.GIT_PORT,
        )
        container = (
            DockerContainer(image)
            .with_name(addresses.GIT_CONTAINER)
            .with_command(command)
            .with_env("PATH", PATH["PATH"])
            .with_volume_mapping(self.home, str(inside), "rw")
            .with_kwargs(**nodes.attachment(addresses.GIT_ADDRESS, inputs=inputs), hostname="git")
        )
        nodes.publish(container, addresses.GIT_PORT, self.port)
        nodes.launch(container)
        self.await_listening()

    def start(self) -> None:
        """Start the stopped container again."""
        with self._container() as container:
            container.start()
        self.await_listening()

    def stop(self) -> None:
        """Stop the container; its address and port stay its own."""
        with self._container() as container:
            container.kill()

    @contextmanager
    def _container(self) -> Iterator[Container]:
        with engine.session() as client:
            found = nodes.find(client, addresses.GIT_CONTAINER)
            if found is None:
                raise GroundError("there is no Git server container", hint="python -m tests.cluster up")
            yield found


def _command(python: str, home: Path, program: Path, *, bind: str, port: int) -> list[str]:
    return [
        python,
        str(program),
        f"--root={home}/repositories",
        f"--certificate={home}/tls/git.crt",
        f"--key={home}/tls/git.key",
        f"--token-file={home}/token",
        f"--bind={bind}",
        f"--port={port}",
    ]
