"""A person's desk in front of a real API server and a real Git server: a clone, a kubeconfig, the program."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from gitops import api, cluster
from gitops.git import site
from gitops.git.mirror import Mirror
from gitops.objects import Manifest
from gitops.reconcile import turn
from gitops.sync import status
from gitops_cli import _wiring
from tests.cluster.bare import BareApiServer
from tests.cluster.gitserver import LocalGitServer

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """What the program did."""

    code: int
    output: str
    errors: str

    @property
    def json(self) -> Any:
        return json.loads(self.output)


@dataclass(slots=True, kw_only=True)
class Desk:
    """`namespace` holds the GitSync `main`, which follows the clone's branch `main`."""

    server: BareApiServer
    git: LocalGitServer
    clone: Path
    cache: Path
    namespace: str
    kubeconfig: Path
    extra: dict[str, str] = field(default_factory=dict)

    def gitops(self, *arguments: str, timeout: float = 120) -> Ran:
        environment = {
            **os.environ,
            "KUBECONFIG": str(self.kubeconfig),
            "GITOPS_CACHE": str(self.cache),
            "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "cmd")]),
            **self.extra,
        }
        done = subprocess.run(
            [sys.executable, "-m", "gitops_cli", *arguments],
            cwd=self.clone,
            env=environment,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
        assert "Traceback" not in done.stderr
        assert self.git.token not in done.stdout + done.stderr
        return Ran(code=done.returncode, output=done.stdout, errors=done.stderr)

    def sync(self, verb: str, *more: str) -> Ran:
        """A verb on the GitSync."""
        return self.gitops(verb, "main", "-n", self.namespace, *more)

    def write(self, **files: str) -> None:
        for name, text in files.items():
            (self.clone / f"{name}.yaml").write_text(text)

    def kustomization(self, *resources: str) -> None:
        lines = "".join(f"  - {name}.yaml\n" for name in resources)
        self.write(kustomization=f"namespace: {self.namespace}\nresources:\n{lines}")

    def push(self, message: str = "change") -> str:
        self.run_git("add", "--all")
        self.run_git("commit", "--quiet", "--allow-empty", "--message", message)
        self.run_git("push", "--quiet", "--force", self.git.url(self.clone.name), "HEAD:main")
        return self.run_git("rev-parse", "HEAD").strip()

    def run_git(self, *arguments: str) -> str:
        identity = ["-c", "user.name=Pat", "-c", "user.email=pat@example.com"]
        helper = f'credential.helper=!f() {{ echo username=git; echo "password=$(cat {self.git.token_file})"; }}; f'
        environment = {**os.environ, "GIT_SSL_CAINFO": str(self.git.ca_file), "GIT_CONFIG_GLOBAL": os.devnull}
        done = subprocess.run(
            ["git", *identity, "-c", helper, *arguments],
            cwd=self.clone,
            env=environment,
            check=True,
            capture_output=True,
            text=True,
        )
        return done.stdout

    def follow(self) -> None:
        """The objects `gitops install` would make."""
        source = {
            "url": self.git.url(self.clone.name),
            "credentials": {"name": "git"},
            "ca": {"name": "git-ca", "key": "ca.crt"},
        }
        marks = {"app.kubernetes.io/managed-by": "gitops-worker", "app.kubernetes.io/part-of": "gitops-worker"}

        def named(name: str) -> dict[str, Any]:
            return {"name": name, "namespace": self.namespace, "labels": marks}

        secret = {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": named("git"),
            "stringData": {"token": self.git.token},
        }
        bundle = {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": named("git-ca"),
            "data": {"ca.crt": self.git.ca_file.read_text()},
        }
        sync = {
            "apiVersion": api.API_VERSION,
            "kind": "GitSync",
            "metadata": named("main"),
            "spec": {"source": source, "timeout": "20s"},
        }
        self.server.apply([secret, bundle, sync])

    def get(self, kind: str, name: str, namespace: str = "") -> Manifest:
        """An object as it lives."""
        text = self.server.kubectl("get", kind, name, "-n", namespace or self.namespace, "-o", "json")
        found: Manifest = json.loads(text)
        return found

    def exists(self, kind: str, name: str, namespace: str = "") -> bool:
        where = namespace or self.namespace
        return bool(self.server.kubectl("get", kind, name, "-n", where, "--ignore-not-found", "-o", "name"))

    async def turn(self) -> status.Verdict:
        """One turn of the reconciler, its verdict written to the status as its loop does."""
        config = cluster.load(kubeconfig=str(self.server.kubeconfig))
        async with cluster.connect(config, component="reconciler") as connection:
            sync = await self._read(connection)
            where = site.site(
                sync.spec.source.url,
                credentials=site.Credentials(password=self.git.token),
                ca=self.git.ca_file.read_text(),
            )
            async with (
                Mirror(self.cache / "reconciler", where) as mirror,
                _wiring.on_behalf(connection, sync) as means,
            ):
                opened = turn.Turn(sync=sync, repository=mirror, render=_wiring.render, means=means)
                verdict = await turn.run(opened)
            judged = await self._read(connection)
            await status.write(connection.objects, judged, status.after(judged, verdict, now=means.clock.now()))
            return verdict

    async def _read(self, connection: cluster.Cluster) -> api.GitSync:
        found = await connection.objects.get(status.GIT_SYNCS, self.namespace, "main")
        return msgspec.convert(found, api.GitSync)


def ran(done: Ran, *codes: int) -> Ran:
    """The same; it must have ended with one of these exit codes."""
    assert done.code in codes, f"{done.code}\n{done.output}\n{done.errors}"
    return done
