"""Run one command to its end, its output in a log that an error can quote."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.cluster import cache
from tests.cluster.errors import GroundError


def run(
    argv: Sequence[str | Path],
    *,
    name: str,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    hint: str = "",
) -> None:
    """Run a command, its output in the log `name`; GroundError with the log's end when it fails."""
    log = cache.logs() / f"{name}.log"
    with log.open("wb") as file:
        done = subprocess.run(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            cwd=cwd,
            env={**os.environ, **(env or {})},
            check=False,
        )
    if done.returncode != 0:
        raise GroundError(
            f"{name}: `{Path(argv[0]).name}` failed", why=f"exit code {done.returncode}", log=log, hint=hint
        )


def output(argv: Sequence[str | Path], *, stdin: str | None = None) -> str:
    """Run a command and return its standard output; GroundError with its standard error on failure."""
    done = subprocess.run(argv, input=stdin, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        words = " ".join(str(word) for word in argv[:6])
        raise GroundError(f"`{words}` failed with exit code {done.returncode}", why=done.stderr.strip())
    return done.stdout
