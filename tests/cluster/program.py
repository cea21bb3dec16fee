"""The image of our own program: Debian's Python, the dependencies, the wheel; each a layer of its own."""

from __future__ import annotations

import configparser
import email.parser
import importlib.util
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

from tests.cluster import archive, cache, process, rootfs
from tests.cluster.archive import Entry, ImageConfig
from tests.cluster.errors import GroundError
from tests.cluster.images import PATH
from tests.cluster.progress import step

USER = 65532
EXTRA = "'s3'"
"""The optional part an image has: a Worker may keep its logs in a bucket."""
SITE = "/usr/local/lib/python{}.{}/dist-packages".format(*rootfs.PYTHON)
# Newest first, so that pip takes the newest build that runs on the image's C library (2.36).
PLATFORMS = ("manylinux_2_36_x86_64", "manylinux_2_28_x86_64", "manylinux_2_17_x86_64", "manylinux2014_x86_64")

LAUNCHER = """\
#!/usr/bin/python3
import sys

from {module} import {function}

if __name__ == "__main__":  # as pip writes it: a process the program starts imports this file again
    sys.exit({function}())
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wheel:
    """What the image needs to know of a wheel."""

    path: Path
    version: str
    requirements: tuple[str, ...]
    scripts: dict[str, str]


def name_of(version: str) -> str:
    """Return the image's full name for a version of the program."""
    return f"docker.io/library/gitops-worker:{version}"


def build(wheel: Path, *, version: str | None = None) -> Path:
    """Return the archive of the program's image, keyed by the wheel's content.

    The image is tagged with the wheel's version, or `version`; it runs `gitops` as user 65532 and
    writes nothing outside what is mounted. Rebuilding for a changed wheel takes seconds.
    """
    content = read(wheel)
    base, dependencies = rootfs.obtain(rootfs.TOOLS), _dependencies(content)
    name = name_of(version or content.version)
    config = ImageConfig(
        entrypoint=["gitops"],
        user=f"{USER}:{USER}",
        directory="/home/gitops",
        env={**PATH, "HOME": "/home/gitops", "PYTHONDONTWRITEBYTECODE": "1", "PYTHONUNBUFFERED": "1"},
    )

    def make(made: Path) -> None:
        with step(f"build the image {name}"):
            own, account = made.with_name("program.tar"), made.with_name("account.tar")
            _install(own, [str(wheel)], only_it=True)
            archive.write_layer(account, [*_account(), *_launchers(content)])
            archive.write_image(made, name=name, layers=[base, dependencies, own, account], config=config)

    key = cache.key(archive.FORMAT, name, base.name, dependencies.name, wheel, Path(__file__))
    return cache.obtain("image-gitops-worker", key, make, suffix=".tar")


def read(wheel: Path) -> Wheel:
    """Read a wheel's version, requirements and console scripts."""
    if not zipfile.is_zipfile(wheel):
        raise GroundError(f"{wheel} is no wheel", hint="python -m build --wheel")
    with zipfile.ZipFile(wheel) as files:
        info = next(name.partition("/")[0] for name in files.namelist() if name.endswith(".dist-info/METADATA"))
        metadata = email.parser.Parser().parsestr(files.read(f"{info}/METADATA").decode())
        points = configparser.ConfigParser(delimiters=("=",))
        points.read_string(files.read(f"{info}/entry_points.txt").decode())
    asked = [text.partition(";") for text in metadata.get_all("Requires-Dist", [])]
    needed = [name.strip() for name, _, marker in asked if "extra ==" not in marker or EXTRA in marker]
    return Wheel(
        path=wheel,
        version=metadata["Version"],
        requirements=tuple(sorted(needed)),
        scripts=dict(points["console_scripts"]) if points.has_section("console_scripts") else {},
    )


def _dependencies(wheel: Wheel) -> Path:
    def make(made: Path) -> None:
        with step("install the program's dependencies for its image"):
            _install(made, list(wheel.requirements), only_it=False)

    key = cache.key(rootfs.SUITE, SITE, *wheel.requirements)
    return cache.obtain("layer-dependencies", key, make, suffix=".tar")


def _install(layer: Path, wanted: list[str], *, only_it: bool) -> None:
    version = ".".join(str(number) for number in rootfs.PYTHON)
    platforms = [f"--platform={name}" for name in PLATFORMS]
    with tempfile.TemporaryDirectory(dir=layer.parent) as scratch:
        site = Path(scratch) / "site"
        process.run(
            [
                *_pip(),
                "install",
                "--quiet",
                "--disable-pip-version-check",
                "--no-compile",
                "--only-binary=:all:",
                f"--python-version={version}",
                *platforms,
                f"--target={site}",
                *(["--no-deps"] if only_it else []),
                *wanted,
            ],
            name="pip-program" if only_it else "pip-dependencies",
            hint="the package index must be reachable, and have wheels for that Python",
        )
        if sys.version_info[:2] == rootfs.PYTHON:
            _compile(site)
        archive.write_layer_from(layer, site, at=SITE)


def _pip() -> list[str]:
    if importlib.util.find_spec("pip") is None:
        raise GroundError("the program's image cannot be built", why=f"{sys.executable} has no pip")
    return [sys.executable, "-m", "pip"]


def _compile(site: Path) -> None:
    # By hash and unchecked: the layer has no times, and nobody edits files in an image.
    options = ["-q", "-j0", "--invalidation-mode=unchecked-hash", f"-s{site}", f"-p{SITE}"]
    subprocess.run([sys.executable, "-m", "compileall", *options, site], check=False, capture_output=True)


def _account() -> list[Entry]:
    account = f"root:x:0:0:root:/root:/bin/sh\ngitops:x:{USER}:{USER}:gitops:/home/gitops:/usr/sbin/nologin\n"
    group = f"root:x:0:\ngitops:x:{USER}:\n"
    return [
        Entry(path="etc/passwd", content=account.encode()),
        Entry(path="etc/group", content=group.encode()),
        Entry(path="home/gitops/", mode=0o755),
    ]


def _launchers(wheel: Wheel) -> list[Entry]:
    found = []
    for name, target in wheel.scripts.items():
        module, _, function = target.partition(":")
        text = LAUNCHER.format(module=module, function=function)
        found.append(Entry(path=f"usr/local/bin/{name}", content=text.encode(), mode=0o755))
    return found
