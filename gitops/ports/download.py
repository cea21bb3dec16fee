"""Files from addresses (URLs)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol

from gitops.objects.address import Address


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """On which terms a file is fetched.

    `allow` holds the address and wherever it redirects to (`gitops.objects.address.allows`), `authority` is PEM (empty:
    the system's roots), `limit` the most bytes the file may have.
    """

    allow: Sequence[str]
    authority: bytes = b""
    limit: int


class Downloads(Protocol):
    """Files that others serve."""

    def open(self, address: Address, terms: Terms) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
        """The file's content as it comes, no more than 64 KiB at once; asked for only as fast as it is taken.

        Raises, at the start or on the way:
            DownloadUnavailable: no connection, an answer that asks for patience (408, 425, 429, 5xx), silence, or an
                answer that breaks off.
            DownloadRefused: any other answer than the file, one that is too large, a certificate that is not trusted,
                an address or redirect that is not allowed, too many redirects.
        """
        ...
