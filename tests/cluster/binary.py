"""Kubernetes itself, built from its Go modules: one binary, a link per component."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from tests.cluster import cache, process
from tests.cluster.errors import GroundError
from tests.cluster.progress import step

KUBERNETES = "v1.35.4"
COMPONENTS = (
    "etcd",
    "kube-apiserver",
    "kube-controller-manager",
    "kube-scheduler",
    "kube-proxy",
    "kubelet",
    "kubectl",
)
GO_NEEDED = (1, 25)
SOURCE = Path(__file__).parent / "node"


def obtain() -> Path:
    """Return the directory of the components at the pinned version, building it if absent (5 min)."""
    sources = [SOURCE / name for name in ("main.go", "go.mod", "go.sum")]
    return cache.obtain("kubernetes", cache.key(KUBERNETES, _flags(), *sources), _build)


def kubectl() -> Path:
    """Return the pinned kubectl, the oracle for builds; built if absent."""
    return obtain() / "kubectl"


def _flags() -> str:
    major, minor, _ = KUBERNETES.removeprefix("v").split(".")
    values = {"gitVersion": KUBERNETES, "gitMajor": major, "gitMinor": minor, "gitTreeState": "archive"}
    packages = ("k8s.io/component-base/version", "k8s.io/client-go/pkg/version")
    stamps = [f"-X {package}.{name}={value}" for package in packages for name, value in values.items()]
    return " ".join(["-s -w", *stamps])


def _build(made: Path) -> None:
    made.mkdir()
    with step(f"build Kubernetes {KUBERNETES} from its Go modules (5 minutes, once)"):
        process.run(
            [go(), "build", "-trimpath", "-ldflags", _flags(), "-o", made / "kubernetes", "."],
            name="go-build",
            cwd=SOURCE,
            env={"CGO_ENABLED": "0", "GOFLAGS": "-mod=readonly -buildvcs=false"},
            hint="the Go module proxy must be reachable, and 3 GB free for the build cache",
        )
    for component in COMPONENTS:
        (made / component).symlink_to("kubernetes")


def go() -> str:
    """Return the Go compiler, new enough for everything built here."""
    found = shutil.which("go") or shutil.which("go", path="/usr/local/go/bin")
    wanted = ".".join(str(number) for number in GO_NEEDED)
    if found is None:
        machine_hint = f"install Go {wanted} or later from go.dev/dl, or golang-{wanted} from Debian backports"
        raise GroundError("Kubernetes cannot be built", why="there is no `go` on PATH", hint=machine_hint)
    text = subprocess.run([found, "env", "GOVERSION"], capture_output=True, text=True, check=True).stdout.strip()
    numbers = tuple(int(part) for part in text.removeprefix("go").split(".")[:2] if part.isdigit())
    if numbers < GO_NEEDED:
        raise GroundError("Kubernetes cannot be built", why=f"{found} is {text}", hint=f"install Go {wanted} or later")
    return found
