"""The Clock port on the real clock."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """See `gitops.ports.clock.Clock`."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """See `gitops.ports.clock.Clock`."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """See `gitops.ports.clock.Clock`."""
        await asyncio.sleep(seconds)
