"""The images that pods of the tests run, built here because no registry answers."""

from __future__ import annotations

import subprocess
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path

from tests.cluster import archive, cache, process, rootfs
from tests.cluster.archive import Entry, ImageConfig
from tests.cluster.progress import step

PAUSE = "docker.io/library/pause:1"
BUSYBOX = "docker.io/library/busybox:1"
WORKER_TOOLS = "docker.io/library/worker-tools:1"
PATH = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}

PAUSE_SOURCE = r"""
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

static void end(int number) { (void)number; _exit(0); }
static void reap(int number) { (void)number; while (waitpid(-1, 0, WNOHANG) > 0) {} }

int main(void) {
    signal(SIGINT, end);
    signal(SIGTERM, end);
    signal(SIGCHLD, reap);
    for (;;) pause();
}
"""


def obtain_all() -> list[Path]:
    """Return the archives of the images every test may count on, building what is absent."""
    return [pause(), busybox(), worker_tools()]


def pause() -> Path:
    """Build the image that holds a pod's namespaces: one static program."""

    def make(made: Path) -> None:
        source, program = made.with_name("pause.c"), made.with_name("pause")
        source.write_text(PAUSE_SOURCE)
        compiler = [sys.executable, "-m", "ziglang", "cc", "-target", "x86_64-linux-musl", "-static", "-Os", "-s"]
        process.run([*compiler, "-o", program, source], name="build-pause", hint="is `ziglang` installed?")
        layer = made.with_name("layer.tar")
        archive.write_layer(layer, [Entry(path="pause", content=program.read_bytes(), mode=0o755)])
        config = ImageConfig(entrypoint=["/pause"], user="65535:65535")
        archive.write_image(made, name=PAUSE, layers=[layer], config=config)

    return _image("pause", cache.key(archive.FORMAT, PAUSE, PAUSE_SOURCE), make)


def busybox() -> Path:
    """Build an image of Debian's static busybox and a link per applet: a shell without bash or Python."""
    node = rootfs.obtain(rootfs.NODE)

    def make(made: Path) -> None:
        with tarfile.open(node) as tar:
            member = tar.extractfile("./usr/bin/busybox")
            program = member.read() if member else b""
        local = made.with_name("busybox")
        local.write_bytes(program)
        local.chmod(0o755)
        applets = subprocess.run([local, "--list"], capture_output=True, text=True, check=True).stdout.split()
        links = [Entry(path=f"bin/{name}", link="busybox") for name in applets if name != "busybox"]
        files = [
            Entry(path="bin/busybox", content=program, mode=0o755),
            Entry(path="etc/passwd", content=b"root:x:0:0:root:/root:/bin/sh\n"),
            Entry(path="etc/group", content=b"root:x:0:\n"),
            Entry(path="root/", mode=0o700),
            Entry(path="tmp/", mode=0o1777),
        ]
        layer = made.with_name("layer.tar")
        archive.write_layer(layer, [*files, *links])
        archive.write_image(made, name=BUSYBOX, layers=[layer], config=ImageConfig(command=["sh"], env=PATH))

    return _image("busybox", cache.key(archive.FORMAT, BUSYBOX, node.name), make)


def worker_tools() -> Path:
    """Build an image with bash and Python that runs as root, as deployment tool images do."""
    tools = rootfs.obtain(rootfs.TOOLS)

    def make(made: Path) -> None:
        config = ImageConfig(command=["/bin/bash"], env={**PATH, "HOME": "/root"})
        archive.write_image(made, name=WORKER_TOOLS, layers=[tools], config=config)

    return _image("worker-tools", cache.key(archive.FORMAT, WORKER_TOOLS, tools.name), make)


def _image(name: str, key: str, make: Callable[[Path], None]) -> Path:
    def announced(made: Path) -> None:
        with step(f"build the image {name}"):
            make(made)

    return cache.obtain(f"image-{name}", key, announced, suffix=".tar")
