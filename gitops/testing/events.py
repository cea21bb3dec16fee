"""The Events port in memory."""

from __future__ import annotations

from gitops.objects import Manifest, ref_of
from gitops.ports.events import Happening
from gitops.ref import ResourceRef


class FakeEvents:
    """Keeps what was told, in order."""

    def __init__(self) -> None:
        self.told: list[tuple[ResourceRef, Happening]] = []

    async def tell(self, regarding: Manifest, happening: Happening) -> None:
        """See `gitops.ports.events.Events`."""
        self.told.append((ref_of(regarding), happening))

    @property
    def reasons(self) -> list[str]:
        """The reasons alone."""
        return [happening.reason for _, happening in self.told]
