"""`gitops build` beside `kubectl kustomize`: whole processes, taking turns, the same bytes out.

    python -m benchmarks.build              # prints the table
    python -m benchmarks.build --picture    # and draws docs/benchmarks/build.svg

Prints medians, ratios and peak memory, and how they grow with the number of objects. Cold: nothing of an earlier build
is kept, each round has a cache of its own. Unchanged: the same tree again, with that cache. Bytecode is there.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks import compiled, fleet, picture
from gitops import build
from gitops.git.worktree import WorkTree
from tests.cluster import binary

ROOT = Path(__file__).resolve().parents[1]
PICTURE = ROOT / "docs" / "benchmarks" / "build.svg"
ROUNDS = 5
POOLS = (10, 30, 100, 200)
ALONE = (300, 1000)
"""kubectl's time grows with the square of the objects: 40 s at 3,000, minutes at 10,000."""
MAIN = 100
ENTRY = "from gitops_cli.main import main; main()"
COLD, UNCHANGED, MEMORY, GROWTH = 2.5, 6.0, 80, 13.0
"""At 1,000 objects: times faster than kubectl, so for an unchanged tree, MiB; and 10,000 objects against 1,000."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """Medians of one size: seconds, and peak MiB. kubectl's are None where it would take too long."""

    objects: int
    cold: float
    unchanged: float
    memory: float
    kubectl: float | None = None
    kubectl_memory: float = 0


def run(command: list[str], out: Path, bytecode: Path, cache: Path) -> tuple[float, float]:
    """Seconds and peak MiB of one process, its output in a file."""
    before = time.perf_counter()
    child = os.fork()
    if child == 0:
        os.dup2(os.open(out, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), 1)
        environment = {**compiled.environment(bytecode), "GITOPS_CACHE": str(cache)}
        os.execve(command[0], command, environment)  # noqa: S606 - the two programs compared
    _, status, usage = os.wait4(child, 0)
    if status:
        sys.exit(f"{command[0]} failed")
    return time.perf_counter() - before, usage.ru_maxrss / 1024


def measure(folder: Path, pools: int, bytecode: Path, *, rounds: int, peer: bool) -> Row:
    """The two programs in turns on a fleet."""
    overlay = str(fleet.write(folder, pools))
    kubectl = [str(binary.kubectl()), "kustomize", overlay]
    ours = [sys.executable, "-c", ENTRY, "build", "--no-expand", overlay]
    theirs_out, ours_out = folder / "theirs.yaml", folder / "ours.yaml"
    theirs, cold, unchanged = [], [], []
    for number in range(rounds):
        cache = folder / f"cache{number}"
        if peer:
            theirs.append(run(kubectl, theirs_out, bytecode, cache))
        cold.append(run(ours, ours_out, bytecode, cache))
        unchanged.append(run(ours, folder / "again.yaml", bytecode, cache))
        if ours_out.read_bytes() != (folder / "again.yaml").read_bytes():
            sys.exit("the same tree gave something else")
    if peer and theirs_out.read_bytes() != ours_out.read_bytes():
        sys.exit("the two builds differ")
    return Row(
        objects=pools * 10,
        cold=statistics.median(seconds for seconds, _ in cold),
        unchanged=statistics.median(seconds for seconds, _ in unchanged),
        memory=max(memory for _, memory in (*cold, *unchanged)),
        kubectl=statistics.median(seconds for seconds, _ in theirs) if peer else None,
        kubectl_memory=max((memory for _, memory in theirs), default=0),
    )


def recording(folder: Path) -> tuple[float, float]:
    """Seconds of processor time of a build that records no places, and of one that does, in this process."""
    overlay = fleet.write(folder, MAIN)
    path = overlay.relative_to(folder).as_posix()
    times: dict[bool, list[float]] = {False: [], True: []}
    for _ in range(2 * ROUNDS):
        for tracking, found in times.items():
            before = time.process_time()
            build.build(WorkTree(folder), path, tracking=tracking)
            found.append(time.process_time() - before)
    return min(times[False]), min(times[True])


def shown(row: Row) -> str:
    if row.kubectl is None:
        return f"{row.objects:8} {'':9} {row.cold:8.3f}s {'':6} {row.unchanged:9.3f}s {'':6} {'':12} {row.memory:11.0f}"
    cold, unchanged = row.kubectl / row.cold, row.kubectl / row.unchanged
    return (
        f"{row.objects:8} {row.kubectl:8.3f}s {row.cold:8.3f}s {cold:6.1f} {row.unchanged:9.3f}s {unchanged:6.1f}"
        f" {row.kubectl_memory:12.0f} {row.memory:11.0f}"
    )


def missed(rows: list[Row]) -> list[str]:
    """The targets that were not met."""
    by = {row.objects: row for row in rows}
    main, large = by[MAIN * 10], by[max(by)]
    peer = main.kubectl or 0
    checks = {
        f"cold: {COLD} times faster than kubectl": peer / main.cold >= COLD,
        f"unchanged: {UNCHANGED} times faster than kubectl": peer / main.unchanged >= UNCHANGED,
        f"at most {MEMORY} MiB at 1,000 objects": main.memory <= MEMORY,
        f"10,000 objects in at most {GROWTH} times the time of 1,000": large.cold / main.cold <= GROWTH,
    }
    return [words for words, met in checks.items() if not met]


def main() -> None:
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")
    head = ("objects", "kubectl", "cold", "ratio", "unchanged", "ratio", "kubectl MiB", "gitops MiB")
    print("{:>8} {:>9} {:>9} {:>6} {:>10} {:>6} {:>12} {:>11}".format(*head))
    rows = []
    with tempfile.TemporaryDirectory() as kept:
        bytecode = Path(kept)
        for pools in (POOLS[0], *POOLS, *ALONE):
            with tempfile.TemporaryDirectory() as folder:
                rounds = ROUNDS if pools <= MAIN else 3
                row = measure(Path(folder), pools, bytecode, rounds=rounds, peer=pools in POOLS)
            rows.append(row)
            if len(rows) > 1:  # the first round compiled the program
                print(shown(row), flush=True)
    rows = rows[1:]
    with tempfile.TemporaryDirectory() as folder:
        plain, tracked = recording(Path(folder))
    print(
        f"\n1,000 objects, processor time: {plain:.3f}s; recording where everything stands, for trace: {tracked:.3f}s"
    )
    if "--picture" in sys.argv:
        curves = {
            "kubectl kustomize": [(row.objects, row.kubectl) for row in rows if row.kubectl is not None],
            "gitops build": [(row.objects, row.cold) for row in rows],
            "the same tree again": [(row.objects, row.unchanged) for row in rows],
        }
        PICTURE.write_text(picture.draw(curves, x="objects", y="seconds", title="Seconds of a build by objects"))
    if bad := missed(rows):
        sys.exit("missed: " + "; ".join(bad))


if __name__ == "__main__":
    main()
