"""Names and times in commits, which hold whatever somebody wrote into them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone


def text(raw: bytes | None) -> str:
    """A name or address."""
    return (raw or b"").decode("utf-8", "replace")


def moment(seconds: int, minutes_east: int) -> datetime:
    """A signature's time; one that no calendar holds becomes the epoch."""
    try:
        return datetime.fromtimestamp(seconds, tz=timezone(timedelta(minutes=minutes_east)))
    except (ValueError, OverflowError, OSError):
        return datetime.fromtimestamp(0, tz=UTC)
