"""What starting the program costs: `--version`, `--help` and a small build, beside the bare interpreter.

The programs take turns, so that whatever else the machine does falls on all of them; medians of the rounds.

    python benchmarks/start.py
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
ROUNDS = 21
ENVIRONMENT = {**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'cmd'}"}
ENTRY = "from gitops_cli.main import main; main()"
LIMITS = {"version": 0.060, "build": 0.150}
"""Seconds above the bare interpreter."""


def overlay(folder: Path) -> Path:
    """An overlay of ten objects over a base."""
    base, top = folder / "base", folder / "overlay"
    base.mkdir()
    top.mkdir()
    objects = [
        f"apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: settings-{n}\ndata:\n  colour: blue\n" for n in range(10)
    ]
    (base / "objects.yaml").write_text("---\n".join(objects))
    (base / "kustomization.yaml").write_text("resources: [objects.yaml]\n")
    (top / "kustomization.yaml").write_text("namespace: shop\nnamePrefix: x-\nresources: [../base]\n")
    (folder / ".git").mkdir()
    return top


def seconds(words: list[str]) -> float:
    """Wall time of one run."""
    began = time.perf_counter()
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL, env=ENVIRONMENT)
    return time.perf_counter() - began


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder:
        program = [sys.executable, "-c", ENTRY]
        commands = {
            "python": [sys.executable, "-c", "pass"],
            "version": [*program, "--version"],
            "help": [*program, "--help"],
            "build": [*program, "build", "--no-expand", str(overlay(Path(folder)))],
        }
        runs: dict[str, list[float]] = {name: [] for name in commands}
        for _ in range(ROUNDS):
            for name, words in commands.items():
                runs[name].append(seconds(words))
    median = {name: statistics.median(times) for name, times in runs.items()}
    floor = median["python"]
    print(f"{'command':<10}{'median':>9}{'over python':>14}{'at most':>10}")
    for name, found in median.items():
        limit = f"{LIMITS[name] * 1000:.0f} ms" if name in LIMITS else "-"
        print(f"{name:<10}{found * 1000:>6.0f} ms{(found - floor) * 1000:>11.0f} ms{limit:>10}")


if __name__ == "__main__":
    main()
