"""`make bench`: every benchmark, one after the other, each in a process of its own. Fails if one missed its target."""

from __future__ import annotations

import subprocess
import sys

BENCHMARKS = ("start", "build", "client", "adoption", "git", "sync", "follow", "firstline", "operations")


def main() -> int:
    """Run them; the names of those that failed go to stderr."""
    failed = []
    for name in BENCHMARKS:
        print(f"\n== {name}", flush=True)
        if subprocess.run([sys.executable, "-m", f"benchmarks.{name}"], check=False).returncode:
            failed.append(name)
    if failed:
        print(f"missed, or failed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
