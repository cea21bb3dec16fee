"""What starting the program costs: `--version`, `--help` and a small build, beside the bare interpreter.

The programs take turns, so that whatever else the machine does falls on all of them; the least of the rounds counts.

    python benchmarks/start.py
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks import compiled

ROUNDS = 21
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


def seconds(words: list[str], environment: dict[str, str]) -> float:
    """Wall time of one run."""
    began = time.perf_counter()
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL, env=environment)
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
        environment = compiled.environment(Path(folder))
        for words in commands.values():
            seconds(words, environment)  # compiles
        runs: dict[str, list[float]] = {name: [] for name in commands}
        for _ in range(ROUNDS):
            for name, words in commands.items():
                runs[name].append(seconds(words, environment))
    # The least of many: other work on the machine only ever adds.
    least = {name: min(times) for name, times in runs.items()}
    above = {name: found - least["python"] for name, found in least.items()}
    print(f"{'command':<10}{'least':>9}{'over python':>14}{'at most':>10}")
    for name, found in least.items():
        limit = f"{LIMITS[name] * 1000:.0f} ms" if name in LIMITS else "-"
        print(f"{name:<10}{found * 1000:>6.0f} ms{above[name] * 1000:>11.0f} ms{limit:>10}")
    missed = [name for name, limit in LIMITS.items() if above[name] > limit]
    if missed:
        sys.exit(f"missed: {', '.join(missed)}")


if __name__ == "__main__":
    main()
