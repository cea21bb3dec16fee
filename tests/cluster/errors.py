"""What went wrong while bringing up the ground the tests stand on."""

from __future__ import annotations

from pathlib import Path

TAIL_LINES = 15


class GroundError(Exception):
    """A step of bringing up the test cluster failed.

    Says what failed, why, where the whole log is kept, and what to try.
    """

    def __init__(self, what: str, *, why: str = "", log: Path | None = None, hint: str = "") -> None:
        self.what = what
        self.why = why
        self.log = log
        self.hint = hint
        super().__init__(self._text())

    def _text(self) -> str:
        parts = [self.what]
        if self.why:
            parts.append(f"  why:  {self.why}")
        if self.log is not None:
            parts += [f"  log:  {self.log}", *(f"        | {line}" for line in tail(self.log))]
        if self.hint:
            parts.append(f"  try:  {self.hint}")
        return "\n".join(parts)


class NotOurClusterError(GroundError):
    """Asked something of a cluster named from outside that only our own cluster can give."""

    def __init__(self, what: str) -> None:
        super().__init__(
            f"cannot {what}",
            why="GITOPS_TEST_KUBECONFIG names a cluster that this program did not start",
            hint="unset GITOPS_TEST_KUBECONFIG to use the local two-node cluster",
        )


def tail(log: Path, lines: int = TAIL_LINES) -> list[str]:
    """Return the last lines of a log; a log that does not exist has none."""
    if not log.is_file():
        return []
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - 64 * 1024))
        text = file.read().decode(errors="replace")
    return [line for line in text.splitlines() if line.strip()][-lines:]
