"""Build hook: the in-pod runner is compiled from C for both architectures and shipped inside the package.

Runs when a wheel or an editable install is made; `python hatch_build.py` does the same by hand.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

HERE = Path(__file__).resolve().parent
SOURCES = HERE / "gitops" / "runner" / "src"
BINARIES = HERE / "gitops" / "runner" / "bin"
TARGETS = {"amd64": "x86_64-linux-musl", "arm64": "aarch64-linux-musl"}
FLAGS = (
    "-std=gnu11",
    "-Os",
    "-static",
    "-s",
    "-Wall",
    "-Wextra",
    "-Werror",
    "-ffunction-sections",
    "-Wl,--gc-sections",
    # Nothing here unwinds: a tenth of the size.
    "-fno-asynchronous-unwind-tables",
    "-fno-unwind-tables",
    "-Wl,-z,norelro",
)


def digest() -> str:
    """Of everything the binaries are made from, the compiler's version included."""
    version = subprocess.run(
        [sys.executable, "-m", "ziglang", "version"], check=True, capture_output=True, text=True
    ).stdout
    content = hashlib.sha256(f"{version} {FLAGS} {TARGETS}".encode())
    for source in sorted(SOURCES.glob("*.[ch]")):
        content.update(source.name.encode() + b"\0" + source.read_bytes())
    return content.hexdigest()


def compile_runner() -> list[Path]:
    """Compile what is missing or stale; the paths of all binaries."""
    BINARIES.mkdir(exist_ok=True)
    stamp = BINARIES / "inputs"
    paths = {name: BINARIES / f"runner-{name}" for name in TARGETS}
    wanted = digest()
    if stamp.exists() and stamp.read_text() == wanted and all(path.exists() for path in paths.values()):
        return list(paths.values())
    for name, target in TARGETS.items():
        print(f"compiling the runner for {name}", file=sys.stderr)  # noqa: T201 - a build tells what it does
        made = paths[name].with_suffix(".new")
        sources = [str(path) for path in sorted(SOURCES.glob("*.c"))]
        command = [sys.executable, "-m", "ziglang", "cc", "-target", target, *FLAGS, "-o", str(made), *sources]
        subprocess.run(command, check=True)  # noqa: S603 - our own compiler on our own sources
        made.replace(paths[name])
    stamp.write_text(wanted)
    return list(paths.values())


class RunnerHook(BuildHookInterface[Any]):
    """Compiles before files are collected."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002 - hatchling's signature
        """Hatchling's entry point; the binaries run on any machine, so the wheel stays pure."""
        compile_runner()


if __name__ == "__main__":
    compile_runner()
