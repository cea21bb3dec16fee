"""What a person reads when something is wrong; and that nothing was half done."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.cluster.bare import BareApiServer
from tests.cluster.gitserver import LocalGitServer

pytestmark = pytest.mark.integration

ROOT = Path(__file__).resolve().parents[2]
NAMESPACE = "bad-input"

KUSTOMIZATION = "namespace: bad-input\nresources:\n  - settings.yaml\n"
SETTINGS = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: settings\ndata:\n  colour: blue\n"
POOL = """\
apiVersion: gitops-worker.io/v1alpha1
kind: WorkerPool
metadata:
  name: linux
spec:
  image: worker-tools:1
  maxOperation: 4
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    code: int
    output: str
    errors: str


@dataclass(slots=True, kw_only=True)
class Desk:
    """A person's desk: a clone, a kubeconfig, the program."""

    server: BareApiServer
    git: LocalGitServer
    clone: Path
    kubeconfig: Path
    cache: Path

    def gitops(self, *arguments: str, kubeconfig: Path | None = None) -> Ran:
        environment = {
            **os.environ,
            "KUBECONFIG": str(kubeconfig or self.kubeconfig),
            "GITOPS_CACHE": str(self.cache),
            "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "cmd")]),
        }
        done = subprocess.run(
            [sys.executable, "-m", "gitops_cli", *arguments],
            cwd=self.clone,
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert "Traceback" not in done.stderr
        assert self.git.token not in done.stdout + done.stderr
        return Ran(code=done.returncode, output=done.stdout, errors=done.stderr)

    def write(self, **files: str) -> None:
        for name, text in files.items():
            (self.clone / f"{name}.yaml").write_text(text)

    def push(self, message: str = "change") -> None:
        self._git("add", "--all")
        self._git("commit", "--quiet", "--allow-empty", "--message", message)
        self._git("push", "--quiet", "--force", self.git.url(self.clone.name), "HEAD:main")

    def _git(self, *arguments: str) -> None:
        identity = ["-c", "user.name=Pat", "-c", "user.email=pat@example.com"]
        helper = f'credential.helper=!f() {{ echo username=git; echo "password=$(cat {self.git.token_file})"; }}; f'
        environment = {**os.environ, "GIT_SSL_CAINFO": str(self.git.ca_file), "GIT_CONFIG_GLOBAL": os.devnull}
        subprocess.run(
            ["git", *identity, "-c", helper, *arguments],
            cwd=self.clone,
            env=environment,
            check=True,
            capture_output=True,
        )

    def colour(self) -> str:
        return self.server.kubectl(
            "get", "configmap", "settings", "-n", NAMESPACE, "--ignore-not-found", "-o", "jsonpath={.data.colour}"
        )


@pytest.fixture(scope="module")
def cluster_with_sync(bare: BareApiServer) -> BareApiServer:
    """The API server with our definitions and a namespace."""
    for definition in sorted((ROOT / "base" / "crds").glob("*.yaml")):
        bare.kubectl("apply", "--server-side", "-f", str(definition))
    bare.kubectl("wait", "--for=condition=Established", "crd", "--all", "--timeout=30s")
    bare.kubectl("create", "namespace", NAMESPACE)
    return bare


@pytest.fixture
def desk(
    cluster_with_sync: BareApiServer, git_server: LocalGitServer, tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[Desk]:
    name = re.sub(r"[^a-z0-9]+", "-", request.node.name.lower()).strip("-")[:50]
    git_server.create_repo(name)
    clone = tmp_path / name
    clone.mkdir()
    subprocess.run(["git", "init", "--quiet", "--initial-branch=main", str(clone)], check=True)
    desk = Desk(
        server=cluster_with_sync,
        git=git_server,
        clone=clone,
        kubeconfig=cluster_with_sync.kubeconfig,
        cache=tmp_path / "cache",
    )
    desk.write(kustomization=KUSTOMIZATION, settings=SETTINGS)
    desk.push("first")
    follow(desk, name)
    yield desk
    desk.server.kubectl("delete", "gitsync,configmap,secret", "--all", "-n", NAMESPACE)
    shutil.rmtree(clone)


def follow(desk: Desk, name: str, token: str = "") -> None:
    """The objects `gitops install` would make."""
    secret = {"token": token or desk.git.token}
    desk.server.apply(
        [
            {
                "apiVersion": "v1",
                "kind": "Secret",
                "metadata": {"name": "git", "namespace": NAMESPACE},
                "stringData": secret,
            },
            {
                "apiVersion": "v1",
                "kind": "ConfigMap",
                "metadata": {"name": "git-ca", "namespace": NAMESPACE},
                "data": {"ca.crt": desk.git.ca_file.read_text()},
            },
            {
                "apiVersion": "gitops-worker.io/v1alpha1",
                "kind": "GitSync",
                "metadata": {"name": "main", "namespace": NAMESPACE},
                "spec": {
                    "source": {
                        "url": desk.git.url(name),
                        "credentials": {"name": "git"},
                        "ca": {"name": "git-ca", "key": "ca.crt"},
                    }
                },
            },
        ]
    )


def sync(desk: Desk, *more: str) -> Ran:
    return desk.gitops("sync", "main", "-n", NAMESPACE, *more)


def test_good_input_first(desk: Desk) -> None:
    assert sync(desk).code == 0
    assert desk.colour() == "blue"


def test_broken_yaml_is_shown_with_its_line_and_changes_nothing(desk: Desk) -> None:
    sync(desk)
    desk.write(settings=SETTINGS.replace("blue", "red").replace("  name: settings", "  name: settings: no"))
    desk.push()

    ran = sync(desk)

    assert ran.code == 2
    assert "settings.yaml:4:" in ran.errors
    assert "^" in ran.errors
    assert desk.colour() == "blue"


def test_unknown_field_is_named_with_its_place_and_what_was_meant(desk: Desk) -> None:
    desk.write(kustomization=KUSTOMIZATION + "  - pool.yaml\n", pool=POOL)
    desk.push()

    ran = sync(desk)

    assert ran.code == 2
    assert "pool.yaml:7:" in ran.errors
    assert "maxOperation" in ran.errors
    assert "maxOperations" in ran.errors
    assert desk.colour() == ""


def test_lint_looks_at_what_a_git_sync_follows(desk: Desk) -> None:
    desk.write(kustomization=KUSTOMIZATION + "  - pool.yaml\n", pool=POOL)
    desk.push()
    desk.write(pool=POOL.replace("maxOperation", "maxOperations"))  # not committed, so of no matter

    ran = desk.gitops("lint", "--sync", "main", "-n", NAMESPACE)

    assert ran.code == 1, ran.errors
    assert "pool.yaml:7:" in ran.output
    assert "maxOperations" in ran.output

    desk.push()
    assert "maxOperation" not in desk.gitops("lint", "--sync", "main", "-n", NAMESPACE).output
    assert desk.gitops("lint", "--sync", "main", "-n", NAMESPACE, "--fix").code == 2


def test_all_mistakes_of_an_object_are_told_at_once(desk: Desk) -> None:
    desk.write(
        kustomization=KUSTOMIZATION + "  - pool.yaml\n",
        pool=POOL + "  imagePullPolicy: Sometimes\n  suspended: maybe\n",
    )
    desk.push()

    ran = sync(desk)

    assert ran.code == 2
    assert [line for line in (7, 8, 9) if f"pool.yaml:{line}:" in ran.errors] == [7, 8, 9]


def test_missing_base_is_named_with_the_line_that_asks_for_it(desk: Desk) -> None:
    desk.write(kustomization=KUSTOMIZATION + "  - ../base\n")
    desk.push()

    ran = sync(desk)

    assert ran.code == 2
    assert "kustomization.yaml:4:" in ran.errors
    assert "../base" in ran.errors


def test_unreachable_git_server_is_exit_3_and_named(desk: Desk) -> None:
    sync(desk)
    desk.git.stop()
    try:
        ran = sync(desk)
    finally:
        desk.git.start()

    assert ran.code == 3
    assert "SourceUnavailable" in ran.errors
    assert f"127.0.0.1:{desk.git.port}" in ran.errors
    assert sync(desk).code == 0


def test_wrong_token_is_exit_4_and_never_shown(desk: Desk) -> None:
    follow(desk, desk.clone.name, token="wrong-token-that-must-not-show")

    ran = sync(desk)

    assert ran.code == 4
    assert "SourceDenied" in ran.errors
    assert "wrong-token-that-must-not-show" not in ran.output + ran.errors


def test_denied_permission_names_who_and_what_and_writes_nothing(desk: Desk) -> None:
    reader = desk.server.user("bad-input-reader")
    desk.server.apply(
        [
            {
                "apiVersion": "rbac.authorization.k8s.io/v1",
                "kind": "ClusterRole",
                "metadata": {"name": "bad-input-reader"},
                "rules": [
                    {"apiGroups": ["*"], "resources": ["*"], "verbs": ["get", "list"]},
                    {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["create", "update", "patch"]},
                ],
            },
            {
                "apiVersion": "rbac.authorization.k8s.io/v1",
                "kind": "ClusterRoleBinding",
                "metadata": {"name": "bad-input-reader"},
                "roleRef": {
                    "apiGroup": "rbac.authorization.k8s.io",
                    "kind": "ClusterRole",
                    "name": "bad-input-reader",
                },
                "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "bad-input-reader"}],
            },
        ]
    )
    account = "apiVersion: v1\nkind: ServiceAccount\nmetadata:\n  name: somebody\n"
    desk.write(kustomization=KUSTOMIZATION + "  - account.yaml\n", account=account)
    desk.push()

    ran = desk.gitops("sync", "main", "-n", NAMESPACE, kubeconfig=reader)

    assert ran.code == 4
    assert "bad-input-reader" in ran.errors
    assert "serviceaccounts" in ran.errors
    assert desk.colour() == ""


def test_api_server_gone_is_exit_3_and_back_is_as_before(desk: Desk) -> None:
    sync(desk)
    desk.server.stop()
    try:
        ran = sync(desk)
    finally:
        desk.server.start()

    assert ran.code == 3
    assert "ClusterUnavailable" in ran.errors
    assert sync(desk).code == 0
    assert desk.colour() == "blue"


def test_what_the_server_refuses_is_said_before_anything_is_written(desk: Desk) -> None:
    desk.write(settings=SETTINGS + "immutable: sometimes\n")
    desk.push()

    ran = sync(desk)

    assert ran.code in {2, 5}
    assert "immutable" in ran.errors
    assert "settings.yaml" in ran.errors
    assert desk.colour() == ""


def test_unknown_sync_says_which_there_are(desk: Desk) -> None:
    ran = desk.gitops("sync", "mian")

    assert ran.code == 2
    assert "bad-input/main" in ran.errors
