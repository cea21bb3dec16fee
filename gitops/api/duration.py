"""Durations as people write them in our kinds: 30s, 5m, 1h30m."""

from __future__ import annotations

import re

from gitops import errors

PATTERN = re.compile(r"^(?:([0-9]+)h)?(?:([0-9]+)m)?(?:([0-9]+)s)?$")


def seconds(text: str) -> int:
    """The seconds of a duration.

    Raises:
        ConfigError: the text is no duration.
    """
    match = PATTERN.fullmatch(text)
    if not text or match is None:
        raise errors.ConfigError(f"not a duration: {text!r}", hint="write hours, minutes, seconds: 30s, 5m, 1h30m")
    hours, minutes, rest = (int(part or 0) for part in match.groups())
    return hours * 3600 + minutes * 60 + rest
