"""Following all objects of a kind: a list, then changes, for ever, through every disconnect."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from gitops.objects import Manifest
from gitops.ports.objects import Resource


@dataclass(frozen=True, slots=True)
class Synced:
    """The complete set, at the start and after every gap the server could not fill (410): replace what you knew."""

    items: Sequence[Manifest]


@dataclass(frozen=True, slots=True)
class Put:
    """An object was added or changed."""

    object: Manifest


@dataclass(frozen=True, slots=True)
class Gone:
    """An object was deleted; its last state."""

    object: Manifest


WatchEvent = Synced | Put | Gone


def nobody() -> None:
    """Who listens to signs of life unless someone else does."""


class Watch(Protocol):
    """A reflector: bookmarks, resume from the last resourceVersion, 410 in both forms, silent stalls, Retry-After."""

    def watch(
        self, resource: Resource, namespace: str = "", *, labels: str = "", heard: Callable[[], None] = nobody
    ) -> AsyncGenerator[WatchEvent, None]:
        """Events of a kind in a namespace (all if empty). Ends only by cancellation.

        `heard` is called at every sign of life, bookmarks included, of which the server sends one a minute.

        Raises:
            ClusterDenied: the account may not list or watch. Everything else is retried with backoff.
        """
        ...
