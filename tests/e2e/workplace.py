"""An installation of our kinds on the real cluster, and worker processes that serve it from this machine."""

from __future__ import annotations

import json
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gitops import expand, runner
from gitops.api import API_VERSION, crds
from gitops.expand.worker import ARENAS
from gitops.runner import frames
from tests.cluster.cluster import Cluster

WORKER = "main"
FINAL = {"Succeeded", "Failed", "Cancelled", "Unknown"}
_FIRST = ("Namespace", "CustomResourceDefinition", "ClusterRole", "ServiceAccount")


@dataclass
class Workplace:
    """One namespace with a Worker and its pools, expanded and applied as a commit would be."""

    cluster: Cluster
    folder: Path
    pools: Mapping[str, Mapping[str, Any]]
    namespace: str = field(default_factory=lambda: f"e2e-{secrets.token_hex(3)}")
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)
    _made: list[Mapping[str, Any]] = field(default_factory=list)

    def install(self) -> None:
        worker = self._ours(
            "Worker", WORKER, {"pools": sorted(self.pools), "image": "gitops-worker:0.1.0", "replicas": 0}
        )
        authored = [worker, *(self._ours("WorkerPool", name, dict(spec)) for name, spec in self.pools.items())]
        made = expand.expand(authored, context=expand.Context(runner=runner.files()))
        home = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": self.namespace}}
        self._made = [home, *(one.manifest for one in made)]
        definitions = list(crds.crds())
        self.apply(definitions)
        crd_names = [f"crd/{definition['metadata']['name']}" for definition in definitions]
        self.cluster.kubectl("wait", "--for=condition=Established", *crd_names, "--timeout=30s")
        early = [one for one in self._made if one["kind"] in _FIRST and "namespace" not in one["metadata"]]
        self.apply(early)
        self.apply([one for one in self._made if one not in early])

    def _ours(self, kind: str, name: str, spec: dict[str, Any]) -> dict[str, Any]:
        metadata = {"name": name, "namespace": self.namespace}
        return {"apiVersion": API_VERSION, "kind": kind, "metadata": metadata, "spec": spec}

    def apply(self, manifests: Sequence[Mapping[str, Any]]) -> None:
        body = json.dumps({"apiVersion": "v1", "kind": "List", "items": list(manifests)})
        self.cluster.kubectl("apply", "--server-side", "--force-conflicts", "-f", "-", stdin=body)

    def remove(self) -> None:
        for process in self.processes:
            self.end(process)
        mine = [one for one in self._made if "namespace" not in one["metadata"]]
        body = json.dumps({"apiVersion": "v1", "kind": "List", "items": mine})
        self.cluster.kubectl("delete", "-f", "-", "--ignore-not-found", "--wait=false", stdin=body)

    def operations_namespace(self, pool: str) -> str:
        return f"{self.namespace}-{pool}-ops"

    @property
    def user(self) -> str:
        """Who the worker is to the API server: the account its pod would have."""
        return f"system:serviceaccount:{self.namespace}:{WORKER}"

    def start(
        self, logs: Path | None = None, server: str = "", bucket: Mapping[str, str] | None = None
    ) -> subprocess.Popen[bytes]:
        """A worker process under the worker's own account.

        `server` is another way to the API server; `bucket` where logs are kept instead of the directory `logs`.
        """
        groups = ("system:serviceaccounts", f"system:serviceaccounts:{self.namespace}", "system:authenticated")
        kubeconfig = self.cluster.user(self.user, groups=groups)
        if server:
            text = kubeconfig.read_text().replace(self.cluster.server, server)
            kubeconfig = self.folder / "kubeconfig"
            kubeconfig.write_text(text)
        main = Path(__file__).with_name("worker_process.py")
        logs = logs or self.folder / "logs"
        stderr = self._stderr()
        process = subprocess.Popen(
            [sys.executable, str(main), str(kubeconfig), self.namespace, WORKER, str(logs)],
            cwd=Path(__file__).parents[2],
            env={
                **os.environ,
                "MALLOC_ARENA_MAX": ARENAS,
                **({"GITOPS_TEST_BUCKET": json.dumps(bucket)} if bucket else {}),
            },
            stderr=stderr,
        )
        os.close(stderr)
        self.processes.append(process)
        return process

    def _stderr(self) -> int:
        return os.open(self.folder / f"worker-{len(self.processes)}.log", os.O_WRONLY | os.O_CREAT, 0o600)

    def end(self, process: subprocess.Popen[bytes], number: int = signal.SIGTERM) -> None:
        if process.poll() is None:
            os.kill(process.pid, number)
        process.wait(20)

    def submit(self, script: str, *, pool: str = "linux", name: str = "", **spec: Any) -> str:
        name = name or f"op-{secrets.token_hex(4)}"
        operation = self._ours("Operation", name, {"pool": pool, "script": script, **spec})
        self.cluster.kubectl("create", "-f", "-", stdin=json.dumps(operation))
        return name

    def status(self, name: str) -> dict[str, Any]:
        return dict(self.operation(name).get("status") or {})

    def operation(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(
            self.cluster.kubectl("get", "operations.gitops-worker.io", name, "-n", self.namespace, "-o", "json")
        )
        return found

    def until(self, name: str, phases: set[str] | None = None, seconds: float = 60) -> dict[str, Any]:
        """The status once its phase is one of these; final ones by default."""
        deadline = time.monotonic() + seconds
        while (status := self.status(name)).get("phase") not in (phases or FINAL):
            if time.monotonic() > deadline:
                raise AssertionError(f"{name} after {seconds} s: {status}\n{self.told()}")
            time.sleep(0.2)
        return status

    def told(self) -> str:
        """The end of what the worker processes logged."""
        return "\n".join(path.read_text()[-3000:] for path in sorted(self.folder.glob("worker-*.log")))

    def frames(self, name: str, logs: Path | None = None) -> list[frames.Frame]:
        """The stored frames of an operation; none missing, none twice."""
        decoder = frames.Decoder()
        stored = self.log(name, logs)
        found = decoder.feed(stored)
        assert (decoder.missing, len(found)) == (0, stored.count(b"\n"))
        return found

    def output(self, name: str, logs: Path | None = None) -> str:
        return frames.render(self.frames(name, logs)).decode()

    def log(self, name: str, logs: Path | None = None) -> bytes:
        """The stored frames of an operation, without time marks."""
        uid = self.operation(name)["metadata"]["uid"]
        stored = ((logs or self.folder / "logs") / f"{uid}.log").read_bytes()
        return b"".join(line for line in stored.splitlines(keepends=True) if not line.startswith(b"@"))
