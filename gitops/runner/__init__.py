"""The program that runs a script inside an operation's pod, and the frames it writes.

Its files travel in an immutable ConfigMap of the operations namespace, whose name holds their digest: pods keep the
runner they were started with, and a new version is a new ConfigMap beside the old one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

from gitops import errors

ARCHITECTURES = ("amd64", "arm64")
START = "start"
"""Key of the shell script that picks the binary by `uname -m`."""
DOCKER = "docker"
"""Key of the stand-in for a docker that is not there."""
LAYOUT = {START: START, DOCKER: f"shims/{DOCKER}"} | {f"runner-{name}": f"runner-{name}" for name in ARCHITECTURES}
"""Key to path below the directory it is mounted at: the launcher looks for the stand-in beside itself."""


def files() -> Mapping[str, bytes]:
    """What the ConfigMap holds: `runner-amd64`, `runner-arm64`, `start` and `docker`, by name.

    Raises:
        ConfigError: the package was installed without its compiled runner.
    """
    package = Path(__file__).parent
    found = {name: package.joinpath(name).read_bytes() for name in (START, DOCKER)}
    for architecture in ARCHITECTURES:
        name = f"runner-{architecture}"
        try:
            found[name] = package.joinpath("bin", name).read_bytes()
        except FileNotFoundError as error:
            raise errors.ConfigError(
                f"the compiled runner for {architecture} is not installed",
                cause=str(error),
                hint="in a source checkout: python hatch_build.py (needs the package ziglang)",
            ) from error
    return found


def config_map_name(runner: Mapping[str, bytes]) -> str:
    """Name of the ConfigMap that holds these files: `gitops-runner-` and the start of their digest."""
    digest = hashlib.sha256()
    for name in sorted(runner):
        digest.update(f"{name}\0{len(runner[name])}\0".encode() + runner[name])
    return f"gitops-runner-{digest.hexdigest()[:12]}"
