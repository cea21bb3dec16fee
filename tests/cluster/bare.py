"""A bare API server: etcd and kube-apiserver as two local processes, ready in a second or two.

No nodes and, unless asked for, no controllers: a pod stays Pending, a deleted namespace stays
Terminating, and nobody makes the service account `default`.
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import yaml

from tests.cluster import addresses, binary, control, kubeconfig, pki, ports, rights
from tests.cluster.access import Access
from tests.cluster.control import ControlPlane
from tests.cluster.errors import GroundError

READY_SECONDS = 30


class BareApiServer(Access):
    """A real API server for the length of a `with` block; many may run side by side.

    `directory` must be its own; data, certificates, kubeconfigs and logs are kept there. `controllers`
    names those of kube-controller-manager to run beside it.
    """

    def __init__(self, directory: Path, *, controllers: Sequence[str] = ()) -> None:
        api, etcd, peer = ports.free(3)
        self._plane = ControlPlane(
            pki=directory / "pki",
            data=directory / "etcd",
            audit_policy=directory / "audit-policy.yaml",
            audit_log=directory / "audit.log",
            # Endpoints may not be loopback addresses; nobody calls this one.
            advertised=addresses.FIRST.address,
            api_port=api,
            etcd_port=etcd,
            etcd_peer_port=peer,
            listen=addresses.LOOPBACK,
        )
        authority = pki.create_authority("bare API server")
        super().__init__(
            directory=directory,
            server=f"https://{addresses.LOOPBACK}:{api}",
            authority=authority,
            audit_log=self._plane.audit_log,
        )
        self._controllers = tuple(controllers)
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        control.write_certificates(self._plane.pki, authority, advertised=self._plane.advertised)
        self._plane.audit_policy.write_text(yaml.safe_dump(control.audit_policy()))

    @property
    def etcd(self) -> str:
        """Where the API server keeps everything; its own client certificate opens it."""
        return f"https://{addresses.LOOPBACK}:{self._plane.etcd_port}"

    def start(self) -> None:
        """Start the processes and wait until the API server is ready; data written before is there again."""
        self._run(self._plane.etcd())
        # An API server whose first attempt to reach etcd fails waits a whole second before the next.
        self._await("etcd", lambda: ports.answers(self._plane.etcd_port))
        self._run(self._plane.api_server())
        self._await("kube-apiserver", lambda: self.readiness() == "ok")
        if self._controllers:
            self._run(self._plane.controllers(self._controllers_kubeconfig(), only=self._controllers))

    def stop(self) -> None:
        """End the processes, the data stays: to clients the API server is unreachable until `start`."""
        for running in reversed(self._processes.values()):
            running.kill()
            running.wait()
        self._processes.clear()

    def __enter__(self) -> Self:
        try:
            self.start()
            self.apply(rights.manifests())
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _log(self, name: str) -> Path:
        return self.directory / f"{name}.log"

    def _run(self, command: list[str]) -> None:
        name = command[0]
        with self._log(name).open("ab") as log:
            self._processes[name] = subprocess.Popen(
                [binary.obtain() / name, *command[1:]],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def _await(self, name: str, ready: Callable[[], bool]) -> None:
        deadline = time.monotonic() + READY_SECONDS
        while not ready():
            ended = [each for each, running in self._processes.items() if running.poll() is not None]
            if not ended and time.monotonic() < deadline:
                time.sleep(0.02)
                continue
            self.stop()
            failed = ended[0] if ended else name
            why = "it ended while starting" if ended else f"it was not ready in {READY_SECONDS} s"
            raise GroundError(f"{failed} did not start", why=why, log=self._log(failed))

    def _controllers_kubeconfig(self) -> Path:
        name = "system:kube-controller-manager"
        path = self.directory / "controllers.kubeconfig"
        pair = self._authority.issue(name)
        return kubeconfig.write(path, server=self.server, authority=self._authority, user=name, pair=pair)
