"""What a person sees while they wait: each step and its duration, on standard error."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager


def say(text: str) -> None:
    """Print one line of progress."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


@contextmanager
def step(text: str) -> Iterator[None]:
    """Announce a step, then say how long it took, or that it failed."""
    say(f"… {text}")
    begun = time.monotonic()
    try:
        yield
    except BaseException:
        say(f"✗ {text} failed after {time.monotonic() - begun:.1f} s")
        raise
    say(f"✓ {text} in {time.monotonic() - begun:.1f} s")
