"""`gitops build` beside `kubectl kustomize`: whole processes, taking turns, the same bytes out.

    python benchmarks/build.py

Prints medians, the ratio, peak memory, and how both grow with the number of objects.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks import compiled, fleet
from tests.cluster import binary

ROUNDS = 5
POOLS = (10, 30, 100, 200)
ALONE = (300, 1000)
"""kubectl's time grows with the square of the objects: 40 s at 3,000, minutes at 10,000."""
MAIN = 100
ENTRY = "from gitops_cli.main import main; main()"
TARGETS = {"ratio": 2.5, "MiB": 80}


def run(command: list[str], out: Path) -> tuple[float, float]:
    """Seconds and peak MiB of one process, its output in a file."""
    before = time.perf_counter()
    child = os.fork()
    if child == 0:
        os.dup2(os.open(out, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), 1)
        environment = compiled.environment(out.parent)
        os.execve(command[0], command, environment)  # noqa: S606 - the two programs compared
    _, status, usage = os.wait4(child, 0)
    if status:
        sys.exit(f"{command[0]} failed")
    return time.perf_counter() - before, usage.ru_maxrss / 1024


def compare(folder: Path, pools: int, rounds: int) -> tuple[float, float, float, float]:
    """Median seconds and peak MiB of kubectl, then of this program, on a fleet."""
    overlay = str(fleet.write(folder, pools))
    kubectl = [str(binary.kubectl()), "kustomize", overlay]
    ours = [sys.executable, "-c", ENTRY, "build", "--no-expand", overlay]
    theirs_out, ours_out = folder / "theirs.yaml", folder / "ours.yaml"
    theirs, mine = [], []
    for _ in range(rounds):
        theirs.append(run(kubectl, theirs_out))
        mine.append(run(ours, ours_out))
    if theirs_out.read_bytes() != ours_out.read_bytes():
        sys.exit("the two builds differ")
    return (
        statistics.median(seconds for seconds, _ in theirs),
        max(memory for _, memory in theirs),
        statistics.median(seconds for seconds, _ in mine),
        max(memory for _, memory in mine),
    )


def main() -> None:
    print(f"{'objects':>8} {'kubectl':>9} {'gitops':>9} {'ratio':>6} {'kubectl MiB':>12} {'gitops MiB':>11}")
    missed = []
    for pools in POOLS:
        with tempfile.TemporaryDirectory() as folder:
            rounds = ROUNDS if pools <= MAIN else 3
            theirs, their_memory, mine, my_memory = compare(Path(folder), pools, rounds)
        print(f"{pools * 10:8} {theirs:8.3f}s {mine:8.3f}s {theirs / mine:6.1f} {their_memory:12.0f} {my_memory:11.0f}")
        if pools == MAIN and (theirs / mine < TARGETS["ratio"] or my_memory > TARGETS["MiB"]):
            missed.append(f"{pools * 10} objects: at least {TARGETS['ratio']} times faster within {TARGETS['MiB']} MiB")
    print("\ngitops alone")
    for pools in ALONE:
        with tempfile.TemporaryDirectory() as folder:
            overlay = str(fleet.write(Path(folder), pools))
            ours = [sys.executable, "-c", ENTRY, "build", "--no-expand", overlay]
            seconds, memory = run(ours, Path(folder) / "ours.yaml")
        print(f"{pools * 10:8} {seconds:8.3f}s {memory:8.0f} MiB")
    if missed:
        sys.exit("missed: " + "; ".join(missed))


if __name__ == "__main__":
    main()
