"""Root file systems made with debootstrap from the distribution's packages, kept as one layer each."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.cluster import cache, machine, process
from tests.cluster.errors import GroundError
from tests.cluster.progress import step

SUITE = "bookworm"
PYTHON = (3, 11)

# What a running container does not need, in bulk.
DROPPED = (
    "./var/cache/apt/*",
    "./var/lib/apt/lists/*",
    "./var/log/*",
    "./usr/share/doc/*",
    "./usr/share/man/*",
    "./usr/share/locale/*",
    "./usr/share/info/*",
    "./dev/*",
    "./proc/*",
    "./sys/*",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """A root file system: its name, and the packages beyond the minimal base."""

    name: str
    packages: tuple[str, ...]


NODE = Recipe(
    name="node",
    packages=(
        "busybox-static",
        "ca-certificates",
        "conntrack",
        "containerd",
        "containernetworking-plugins",
        "git",
        "iproute2",
        "iptables",
        "openssl",
        "procps",
        "python3",
        "runc",
    ),
)
TOOLS = Recipe(name="tools", packages=("ca-certificates", "python3"))


def obtain(recipe: Recipe) -> Path:
    """Return the recipe's root file system as a layer, made if absent (a minute and a half)."""
    inputs = cache.key(SUITE, " ".join(recipe.packages), " ".join(DROPPED))
    return cache.obtain(f"rootfs-{recipe.name}", inputs, lambda made: _make(recipe, made), suffix=".tar")


def _make(recipe: Recipe, made: Path) -> None:
    machine.need({"debootstrap": "debootstrap"})
    if os.geteuid() != 0:
        raise GroundError("a root file system cannot be made", why="debootstrap needs root", hint="use sudo")
    tree = made.with_name("tree")
    with step(f"make the {recipe.name} root file system (Debian {SUITE}, a minute and a half, once)"):
        packages = ",".join(recipe.packages)
        process.run(
            ["debootstrap", "--variant=minbase", f"--include={packages}", SUITE, tree, *_mirror()],
            name=f"debootstrap-{recipe.name}",
            hint="is the Debian mirror reachable? GITOPS_DEBIAN_MIRROR names another",
        )
        (tree / "etc/machine-id").write_text("0123456789abcdef0123456789abcdef\n")
        dropped = [f"--exclude={pattern}" for pattern in DROPPED]
        process.run(
            ["tar", "--create", "--numeric-owner", "--sort=name", *dropped, "-C", tree, "-f", made, "."],
            name=f"tar-{recipe.name}",
        )
        shutil.rmtree(tree)


def _mirror() -> list[str]:
    """Name the mirror this machine uses for that suite; empty lets debootstrap use its own default."""
    chosen = os.environ.get("GITOPS_DEBIAN_MIRROR")
    if chosen:
        return [chosen]
    if not shutil.which("apt-get"):
        return []
    asked = ["apt-get", "indextargets", "--format", "$(SITE)", f"Codename: {SUITE}", "Origin: Debian"]
    listed = subprocess.run(asked, capture_output=True, text=True, check=False).stdout.split()
    return listed[:1]
