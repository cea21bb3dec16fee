"""The Downloads port over aiohttp: nothing is followed, unpacked or kept that was not asked for.

Redirects are followed here and not by the library, for each hop is held to what is allowed. Messages are in words of
our own: those of the library have whole addresses in them.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import ssl
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial

import aiohttp
from yarl import URL

import gitops
from gitops.cluster import proxy, status, tls
from gitops.cluster.settings import Trust
from gitops.errors import ConfigError, DownloadError, DownloadRefused, DownloadUnavailable
from gitops.objects import address as addresses
from gitops.objects.address import Address
from gitops.ports.download import Terms

CHUNK = 64 * 1024
AT_ONCE = 8
"""Files on their way at the same time; the others wait for their turn."""
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_PATIENCE_ASKED = frozenset({408, 425, 429})
_HEADERS = {"User-Agent": f"gitops/{gitops.__version__} (worker)", "Accept": "*/*", "Accept-Encoding": "identity"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """Seconds for a connection, seconds without a byte, and how many redirects."""

    connect: float = 10.0
    silence: float = 30.0
    redirects: int = 5


class HttpDownloads:
    """Fetches through the proxy that `environ` names for the address (HTTPS_PROXY, HTTP_PROXY, NO_PROXY)."""

    def __init__(self, environ: Mapping[str, str], *, patience: Patience | None = None) -> None:
        self._environ = environ
        self._patience = patience or Patience()
        self._places = asyncio.Semaphore(AT_ONCE)

    @contextlib.asynccontextmanager
    async def open(self, address: Address, terms: Terms) -> AsyncIterator[AsyncIterator[bytes]]:
        """See `gitops.ports.download.Downloads`."""
        async with self._places, self._session(address, terms) as session:
            response, at = await self._follow(session, address, terms)
            try:
                _check_size(at, response, terms.limit)
                yield _chunks(at, response, terms.limit, self._patience.silence)
            finally:
                response.close()

    def _session(self, address: Address, terms: Terms) -> aiohttp.ClientSession:
        patience = self._patience
        try:
            trust = tls.context(Trust(authority=terms.authority), None, "the pool's ca")
        except ConfigError as error:
            raise DownloadRefused(f"cannot fetch {address.shown}", cause=str(error)) from error
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                ssl=trust, socket_factory=partial(tls.open_socket, unheard=round(patience.silence)), force_close=True
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=patience.connect, sock_read=patience.silence),
            headers=_HEADERS,
            auto_decompress=False,
            trust_env=False,
        )

    async def _follow(
        self, session: aiohttp.ClientSession, address: Address, terms: Terms
    ) -> tuple[aiohttp.ClientResponse, Address]:
        at = address
        for _ in range(self._patience.redirects + 1):
            if not addresses.allows(terms.allow, at):
                where = at.shown if at is address else f"{at.shown}, to which it redirects"
                cause = f"the pool's spec.allow.urls does not allow {where}"
                raise DownloadRefused(f"cannot fetch {address.shown}", cause=cause)
            response = await self._ask(session, at)
            if response.status == 200:  # noqa: PLR2004 - the only answer that is the whole file
                return response, at
            location = response.headers.get("Location", "")
            response.close()
            if response.status not in _REDIRECTS or not location:
                raise _answered(at, response)
            at = _led(at, location)
        raise DownloadRefused(f"cannot fetch {address.shown}", cause=f"over {self._patience.redirects} redirects")

    async def _ask(self, session: aiohttp.ClientSession, at: Address) -> aiohttp.ClientResponse:
        with _translated(at, self._patience.silence):
            return await session.get(
                URL(at.target, encoded=True),
                allow_redirects=False,
                proxy=proxy.of(at.target, self._environ) or None,
            )


def _led(at: Address, location: str) -> Address:
    try:
        return addresses.follow(at, location)
    except ValueError as error:
        raise DownloadRefused(
            f"cannot fetch {at.shown}", cause=f"it redirects to an address that is not followed: {error}"
        ) from None


def _answered(at: Address, response: aiohttp.ClientResponse) -> DownloadError:
    what, why = f"cannot fetch {at.shown}", f"the server answers HTTP {response.status}"
    if response.status in _PATIENCE_ASKED or response.status >= 500:  # noqa: PLR2004 - HTTP's classes
        error = DownloadUnavailable(what, cause=why)
        error.retry_after = status.retry_after(response.headers.get("Retry-After", ""))
        return error
    return DownloadRefused(what, cause=why)


def _check_size(at: Address, response: aiohttp.ClientResponse, limit: int) -> None:
    if (response.content_length or 0) > limit:
        raise _too_large(at, limit, f"{response.content_length} bytes")


def _too_large(at: Address, limit: int, size: str) -> DownloadRefused:
    cause = f"it has {size}, and the pool's spec.allow.maxFileSize is {limit}"
    return DownloadRefused(f"cannot fetch {at.shown}", cause=cause)


async def _chunks(at: Address, response: aiohttp.ClientResponse, limit: int, silence: float) -> AsyncIterator[bytes]:
    seen = 0
    with _translated(at, silence, lambda: seen):
        async for chunk in response.content.iter_chunked(CHUNK):
            seen += len(chunk)
            if seen > limit:
                raise _too_large(at, limit, f"more than {limit} bytes")
            yield chunk


@contextlib.contextmanager
def _translated(at: Address, silence: float, seen: Callable[[], int] = lambda: 0) -> Iterator[None]:
    what = f"cannot fetch {at.shown}"
    try:
        yield
    except aiohttp.ClientConnectorCertificateError as error:
        why = f"its certificate is not trusted: {error.certificate_error}"
        raise DownloadRefused(what, cause=why, hint="name its authority in the pool's spec.ca") from error
    except aiohttp.ClientHttpProxyError as error:
        raise DownloadUnavailable(what, cause=f"the proxy answers HTTP {error.status}") from None
    except (TimeoutError, OSError, aiohttp.ClientError) as error:
        so_far = f" after {seen()} bytes" if seen() else ""
        raise DownloadUnavailable(what, cause=f"{_words(error, silence)}{so_far}") from None


def _words(error: BaseException, silence: float) -> str:
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return "no such host"
    if isinstance(error, aiohttp.ConnectionTimeoutError):
        return "no connection in time"
    if isinstance(error, TimeoutError):
        return f"silent for {silence:g} s"
    if isinstance(error, aiohttp.ClientConnectorError | ssl.SSLError):
        number = error.errno or 0
        return f"no connection: {os.strerror(number) if number > 0 else 'TLS failed'}"
    return "the connection broke"
