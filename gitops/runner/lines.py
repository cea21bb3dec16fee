"""Lines among frames: a long line is several frames, and some frames are no line at all."""

from __future__ import annotations

from collections.abc import Sequence

from gitops.runner.frames import END, HEARTBEAT, SYSTEM, WHOLE

_NO_LINE = frozenset((END, HEARTBEAT))
_LAST_OF_LINE = WHOLE | {SYSTEM}


class LastLines:
    """Finds where the last lines begin, told of the frames from the log's end backwards, in batches of any size.

    A place is whatever says where a frame stands: its number, its offset in a file.
    """

    def __init__(self, lines: int) -> None:
        self._left = lines
        self._begin: int | None = None

    def earlier(self, found: Sequence[tuple[int, int]]) -> int | None:
        """Take in (stream, place) of the frames, in their order, before those told of so far.

        Returns the place at which the last lines begin; None if that is further back still.
        """
        for stream, place in reversed(found):
            if stream in _NO_LINE:
                continue
            if self._begin is not None and stream in _LAST_OF_LINE:
                self._left -= 1
                if self._left <= 0:
                    return self._begin
            self._begin = place
        return None
