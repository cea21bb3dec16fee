"""The Docker engine: the one that runs, or one started here on a socket and a data directory of its own."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import docker
from docker.errors import DockerException

from tests.cluster import cache, machine
from tests.cluster.errors import GroundError
from tests.cluster.progress import step

RUN = Path("/run/gitops-worker-engine")
SOCKET = f"unix://{RUN}/docker.sock"
START_SECONDS = 40


@contextmanager
def session() -> Iterator[docker.DockerClient]:
    """Give a client of an engine that answers, starting one (as root) if none does.

    The engine found is also put into DOCKER_HOST, where testcontainers and the docker command look. What
    it refuses inside the block becomes a GroundError with its words.
    """
    client = find()
    if client is None:
        with cache.lock("engine"):
            client = find() or _start()
    with contextlib.closing(client):
        try:
            yield client
        except DockerException as error:
            log = cache.logs() / "dockerd.log"
            raise GroundError("the Docker engine refused", why=str(error), log=log) from error


def answers() -> bool:
    """Tell whether an engine answers now."""
    client = find()
    if client is not None:
        client.close()
    return client is not None


def find() -> docker.DockerClient | None:
    """Return a client, for the caller to close, of an engine that answers now, or None."""
    for host in (os.environ.get("DOCKER_HOST"), "unix:///var/run/docker.sock", SOCKET):
        client = _answering(host) if host else None
        if host and client:
            os.environ["DOCKER_HOST"] = host
            return client
    return None


def stop() -> bool:
    """End the engine that this program started; tells whether there was one."""
    pidfile = RUN / "docker.pid"
    if not pidfile.is_file():
        return False
    pid = int(pidfile.read_text())
    try:
        os.kill(pid, signal.SIGTERM)
    except ProcessLookupError:
        return False
    deadline = time.monotonic() + START_SECONDS
    while Path(f"/proc/{pid}").exists() and time.monotonic() < deadline:
        time.sleep(0.1)
    return True


def _answering(host: str) -> docker.DockerClient | None:
    if not _connects(host):
        return None
    client = None
    try:
        client = docker.DockerClient(base_url=host, timeout=120)
        client.ping()
    except DockerException:
        if client is not None:
            client.close()
        return None
    return client


def _connects(host: str) -> bool:
    # Asked first because docker-py leaks the socket of a connection that is refused.
    if not host.startswith("unix://"):
        return True
    with socket.socket(socket.AF_UNIX) as probe:
        return probe.connect_ex(host.removeprefix("unix://")) == 0


def _start() -> docker.DockerClient:
    if os.geteuid() != 0:
        raise GroundError(
            "no Docker engine answers", why="only root can start one", hint="start Docker, or set DOCKER_HOST"
        )
    machine.need({"dockerd": "docker.io", "containerd": "containerd", "runc": "runc", "iptables": "iptables"})
    # Where there is an init system, installing the package has started it.
    installed = find()
    if installed is not None:
        return installed
    data = cache.root() / "docker"
    data.mkdir(exist_ok=True)
    RUN.mkdir(parents=True, exist_ok=True)
    (RUN / "docker.pid").unlink(missing_ok=True)
    log = cache.logs() / "dockerd.log"
    with step("start a Docker engine"), log.open("wb") as file:
        engine = subprocess.Popen(
            [
                "dockerd",
                "--log-level=warn",
                f"--host={SOCKET}",
                f"--data-root={data}",
                f"--exec-root={RUN}/exec",
                f"--pidfile={RUN}/docker.pid",
            ],
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env={**os.environ, "PATH": f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"},
        )
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and engine.poll() is None:
            client = find()
            if client is not None:
                engine.returncode = 0  # it outlives this process on purpose: no one waits for it
                return client
            time.sleep(0.2)
    raise GroundError(
        "the Docker engine did not start",
        why=f"exit code {engine.returncode}" if engine.poll() is not None else f"no answer in {START_SECONDS} s",
        log=log,
        hint="dockerd needs iptables and cgroups; an engine of your own can be named in DOCKER_HOST",
    )
