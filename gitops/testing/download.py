"""The Downloads port in memory: tests say what each address gives."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass

from gitops.errors import DownloadRefused, DownloadUnavailable
from gitops.objects import address as addresses
from gitops.objects.address import Address
from gitops.ports.download import Terms

CHUNK = 64 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Serving:
    """One answer: a file, of which `cut` bytes come before the connection breaks; another status; a redirect."""

    content: bytes = b""
    status: int = 200
    location: str = ""
    cut: int | None = None
    retry_after: float = 0.0


class FakeDownloads:
    """Give addresses with `serve`; the last answer of each is given for ever."""

    def __init__(self) -> None:
        self._answers: dict[str, list[Serving]] = {}
        self.asked: list[str] = []
        """Every address asked for, in order, redirects included."""

    def serve(self, address: str, *answers: Serving) -> None:
        """What an address (without query) gives, in turn."""
        self._answers[address] = list(answers)

    @contextlib.asynccontextmanager
    async def open(self, address: Address, terms: Terms) -> AsyncIterator[AsyncIterator[bytes]]:
        """See `gitops.ports.download.Downloads`."""
        at = address
        for _ in range(6):
            if not addresses.allows(terms.allow, at):
                raise DownloadRefused(f"cannot fetch {address.shown}", cause=f"{at.shown} is not allowed")
            given = self._next(at)
            if not given.location:
                break
            try:
                at = addresses.follow(at, given.location)
            except ValueError as error:
                raise DownloadRefused(f"cannot fetch {at.shown}", cause=str(error)) from None
        else:
            raise DownloadRefused(f"cannot fetch {address.shown}", cause="over 5 redirects")
        _check(at, given)
        if len(given.content) > terms.limit:
            raise DownloadRefused(f"cannot fetch {at.shown}", cause=f"it has more than {terms.limit} bytes")
        yield _chunks(at, given)

    def _next(self, at: Address) -> Serving:
        self.asked.append(at.target)
        answers = self._answers.get(at.shown)
        if not answers:
            return Serving(status=404)
        return answers.pop(0) if len(answers) > 1 else answers[0]


def _check(at: Address, given: Serving) -> None:
    what, why = f"cannot fetch {at.shown}", f"the server answers HTTP {given.status}"
    if given.status in {408, 425, 429} or given.status >= 500:  # noqa: PLR2004 - HTTP's classes
        error = DownloadUnavailable(what, cause=why)
        error.retry_after = given.retry_after
        raise error
    if given.status != 200:  # noqa: PLR2004 - the only answer that is the whole file
        raise DownloadRefused(what, cause=why)


async def _chunks(at: Address, given: Serving) -> AsyncIterator[bytes]:
    end = len(given.content) if given.cut is None else given.cut
    for start in range(0, end, CHUNK):
        yield given.content[start : min(start + CHUNK, end)]
    if given.cut is not None:
        raise DownloadUnavailable(f"cannot fetch {at.shown}", cause=f"the connection broke after {end} bytes")
