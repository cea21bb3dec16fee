"""What the mirror costs beside git itself, on a repository on this disk, and how long it holds up the event loop.

python benchmarks/git.py
"""

from __future__ import annotations

import asyncio
import os
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from gitops.api.gitsync import Reference
from gitops.git import site
from gitops.git.mirror import Mirror
from gitops.source import EntryKind, Tree

COMMITS = 300
FILES = 2000
ROUNDS = 5
ENVIRONMENT = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}


def git(*words: str | Path, stdin: bytes | None = None) -> bytes:
    """Run git."""
    return subprocess.run(["git", *words], check=True, capture_output=True, input=stdin, env=ENVIRONMENT).stdout


def repository(path: Path) -> None:
    """Many files, and a history that changes some of them, through fast-import."""
    stream = [b"reset refs/heads/main\n"]
    for number in range(COMMITS):
        stream.append(
            b"commit refs/heads/main\ncommitter A <a@example.com> %d +0000\ndata 1\nx\n" % (1_700_000_000 + number)
        )
        changed = range(FILES) if number == 0 else range(number, FILES, COMMITS)
        for file in changed:
            content = b"kind: ConfigMap\nname: f%d\nvalue: %d\n" % (file, number) * 20
            stream.append(b"M 100644 inline d%d/f%d.yaml\ndata %d\n%s\n" % (file % 40, file, len(content), content))
    git("init", "--quiet", "--bare", "--initial-branch=main", path)
    git("-C", path, "fast-import", "--quiet", stdin=b"".join(stream))


def read_all(tree: Tree, path: str = "") -> int:
    """Bytes of all files."""
    if tree.kind(path) is EntryKind.FILE:
        return len(tree.read(path))
    return sum(read_all(tree, f"{path}/{name}".lstrip("/")) for name in tree.names(path))


async def timed(act: Callable[[], Awaitable[object]]) -> tuple[float, float]:
    """Seconds, and the worst delay of a 5 ms ticker meanwhile."""
    worst = 0.0

    async def tick() -> None:
        nonlocal worst
        while True:
            before = time.perf_counter()
            await asyncio.sleep(0.005)
            worst = max(worst, time.perf_counter() - before - 0.005)

    ticker = asyncio.create_task(tick())
    await asyncio.sleep(0)
    began = time.perf_counter()
    await act()
    elapsed = time.perf_counter() - began
    ticker.cancel()
    return elapsed, worst


def floor(*words: str | Path) -> float:
    """Seconds git takes."""
    began = time.perf_counter()
    git(*words)
    return time.perf_counter() - began


async def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        server = home / "server.git"
        repository(server)
        url = f"file://{server}"
        rows: dict[str, list[tuple[float, float, float]]] = {"clone": [], "unchanged": [], "read": []}
        for number in range(ROUNDS):
            async with Mirror(home / f"mirrors{number}", site.site(url)) as mirror:
                revision = await mirror.resolve(Reference(branch="main"))
                took, lag = await timed(lambda mirror=mirror, revision=revision: mirror.fetch(revision))  # type: ignore[misc]
                rows["clone"].append((took, lag, floor("clone", "--quiet", "--mirror", url, home / "clone.git")))
                took, lag = await timed(lambda mirror=mirror: mirror.resolve(Reference(branch="main")))  # type: ignore[misc]
                rows["unchanged"].append((took, lag, floor("ls-remote", url, "refs/heads/main")))
                tree = await mirror.tree(revision)
                took, lag = await timed(lambda tree=tree: asyncio.to_thread(read_all, tree))  # type: ignore[misc]
                rows["read"].append(
                    (took, lag, floor("-C", home / "clone.git", "archive", "--output=/dev/null", "main"))
                )
            shutil.rmtree(home / "clone.git")
    print(f"{COMMITS} commits, {FILES} files; medians of {ROUNDS}")
    print(f"{'':<12}{'mirror':>10}{'git':>10}{'ratio':>8}{'worst lag of the loop':>24}")
    for name, found in rows.items():
        took, lag, peer = (statistics.median(column) for column in zip(*found, strict=True))
        print(f"{name:<12}{took * 1000:>7.0f} ms{peer * 1000:>7.0f} ms{took / peer:>8.2f}{lag * 1000:>21.0f} ms")


if __name__ == "__main__":
    asyncio.run(main())
