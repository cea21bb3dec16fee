"""What became of an object that is not there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from gitops.objects import Manifest
from gitops.ports.objects import Resource


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """`last`: the state in which an object of the name was deleted; None with `known`: there was none."""

    known: bool
    last: Manifest | None = None


class History(Protocol):
    """The recent past, as far as the server remembers it."""

    async def deleted(self, resource: Resource, namespace: str, name: str, *, since: str) -> Past:
        """Whether an object of the name was deleted after a resourceVersion, which may be another kind's.

        `known` is false if that is too long ago for the server to say.

        Raises:
            ClusterDenied: the account may not watch the kind.
            ClusterUnavailable: the API server cannot be reached.
        """
        ...
