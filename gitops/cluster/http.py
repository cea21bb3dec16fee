"""HTTP to the API server: two pools of connections, one place where failures become errors.

Requests share a small pool; streams (watches, logs, port forwards) have connections of their own without limit, so
that a thousand followed logs can never starve a status write.
"""

from __future__ import annotations

import contextlib
import os
import ssl
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Self
from urllib.parse import quote

import aiohttp
from multidict import CIMultiDict
from yarl import URL

from gitops.cluster import credentials, status, tls
from gitops.cluster.request import Answer, Request
from gitops.cluster.retry import Gate, Retry
from gitops.cluster.settings import Certificate, ClusterConfig
from gitops.errors import ClusterError, ClusterUnavailable
from gitops.ports.clock import Clock

CONNECT_TIMEOUT = 10.0
ANSWER_TIMEOUT = 65.0
"""The API server itself gives up after 60 seconds."""
DELIVERED_WITHIN = 10
"""Seconds after which the kernel gives up sending what the other side does not acknowledge: a request that was given
up here does not arrive much later.
"""
STREAM_UNHEARD = 30

Observer = Callable[[Request, int, float], None]
"""Each request, its HTTP status (0: none) and the seconds until its answer began: for metrics."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How many requests at once, how often again, and how long an answer may take (seconds)."""

    connections: int = 16
    retry: Retry = field(default_factory=Retry)
    connect: float = CONNECT_TIMEOUT
    answer: float = ANSWER_TIMEOUT


class Http:
    """One API server as one user. Use as an async context manager."""

    def __init__(
        self,
        config: ClusterConfig,
        *,
        clock: Clock,
        agent: str,
        limits: Limits,
        observe: Observer | None = None,
    ) -> None:
        self._config = config
        self._clock = clock
        self._limits = limits
        self._observe = observe
        self._gate = Gate(clock)
        self._tls = tls.context(config.trust, config.certificate, config.origin) if _is_tls(config) else None
        self._credentials = credentials.of(config.bearer, self._install)
        self._headers = _headers(config, agent)
        self._calls = self._session(limits.connections, unheard=DELIVERED_WITHIN)
        self._streams = self._session(0, unheard=STREAM_UNHEARD)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._calls.close()
        await self._streams.close()

    async def send(self, request: Request) -> Answer:
        """The answer, after as many attempts as are harmless.

        Raises:
            ClusterError: whichever fits the answer, or its absence.
        """
        attempt, renewed = 0, False
        until = None if request.within is None else self._clock.monotonic() + request.within
        while True:
            attempt += 1
            self._in_time(request, until, self._gate.left(request.method))
            await self._gate.wait(request.method)
            try:
                return await self._once(request, until)
            except ClusterUnavailable as error:
                if error.retry_after:
                    self._gate.close(request.method, min(error.retry_after, self._limits.retry.patience))
                pause = self._limits.retry.pause(request, error, attempt)
                late = pause is not None and until is not None and self._clock.monotonic() + pause >= until
                if pause is None or late or isinstance(error.__cause__, aiohttp.ClientConnectorCertificateError):
                    raise
                await self._clock.sleep(pause)
            except ClusterError as error:
                # A rotated token: the server's 401 comes before anything is carried out.
                if error.status.get("code") != 401 or renewed or not await self._credentials.refresh():  # noqa: PLR2004
                    raise
                renewed = True

    @contextlib.asynccontextmanager
    async def stream(self, request: Request, *, silence: float) -> AsyncIterator[AsyncIterator[bytes]]:
        """The chunks of an endless answer; breaks off with `ClusterUnavailable` after `silence` seconds without a byte.

        Raises:
            ClusterError: the server refuses, or the connection breaks.
        """
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=self._limits.connect, sock_read=silence)
        response = await self._open(self._streams, request, timeout, encoding="identity")
        try:
            yield self._chunks(request, response, silence)
        finally:
            # At once: the goodbyes of TLS wait for the server, and a loop that ends before leaves the socket open.
            if response.connection is not None and response.connection.transport is not None:
                response.connection.transport.abort()
            response.close()

    @contextlib.asynccontextmanager
    async def websocket(
        self, request: Request, protocols: tuple[str, ...]
    ) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
        """A WebSocket on a connection of its own.

        Raises:
            ClusterError: the server refuses.
        """
        with self._translated(request):
            try:
                socket = await self._streams.ws_connect(
                    self._url(request),
                    protocols=protocols,
                    headers=await self._authorization(),
                    proxy=self._config.proxy or None,
                    server_hostname=self._config.trust.server_name or None,
                    max_msg_size=0,
                    autoclose=False,
                )
            except aiohttp.WSServerHandshakeError as error:
                # aiohttp keeps no body of a refused handshake: ask again, plainly, for the server's words.
                raise await self._refusal(request, error) from error
        try:
            yield socket
        finally:
            await socket.close()

    async def _refusal(self, request: Request, refused: aiohttp.WSServerHandshakeError) -> ClusterError:
        timeout = aiohttp.ClientTimeout(total=self._limits.answer)
        try:
            response = await self._open(self._calls, request, timeout)
        except ClusterError as error:
            if error.status.get("code") == refused.status or not error.status:
                return error
        else:
            response.close()
        return status.error_of(request, refused.status, {"message": f"{refused.status} {refused.message}"})

    def _in_time(self, request: Request, until: float | None, pause: float = 0.0) -> float | None:
        """Seconds that are left to send a request; None: as many as it takes.

        Raises:
            ClusterUnavailable: none are, or the server wants to be left alone for longer.
        """
        if until is None:
            return None
        left = until - self._clock.monotonic()
        if left <= pause:
            error = ClusterUnavailable(
                f"cannot {request.what}", cause=f"it could not be sent within {request.within:g} s", ref=request.ref
            )
            error.retry_after = pause
            raise error
        return left

    async def _once(self, request: Request, until: float | None) -> Answer:
        limits = self._limits
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=limits.connect, sock_read=limits.answer)
        response = await self._open(self._calls, request, timeout, until=until)
        with self._translated(request):
            async with response:
                return Answer(response.status, await response.read(), response.headers)

    async def _open(
        self,
        session: aiohttp.ClientSession,
        request: Request,
        patience: aiohttp.ClientTimeout,
        *,
        encoding: str = "",
        until: float | None = None,
    ) -> aiohttp.ClientResponse:
        headers = {"Accept": request.accept, **dict(request.headers), **await self._authorization()}
        if request.body:
            headers["Content-Type"] = request.content_type
        if encoding:
            headers["Accept-Encoding"] = encoding
        left = self._in_time(request, until)
        if left is not None:
            patience = aiohttp.ClientTimeout(
                total=None, connect=left, sock_connect=patience.sock_connect, sock_read=patience.sock_read
            )
        started, code = self._clock.monotonic(), 0
        try:
            with self._translated(request):
                response = await session.request(
                    request.method,
                    self._url(request),
                    data=request.body or None,
                    headers=headers,
                    timeout=patience,
                    proxy=self._config.proxy or None,
                    server_hostname=self._config.trust.server_name or None,
                    allow_redirects=False,
                )
                code = response.status
                if code >= 400:  # noqa: PLR2004 - HTTP's classes
                    raise await self._error(request, response)
        finally:
            if self._observe:
                self._observe(request, code, self._clock.monotonic() - started)
        return response

    async def _error(self, request: Request, response: aiohttp.ClientResponse) -> ClusterError:
        async with response:
            answer = {"code": response.status, **status.read(await response.read())}
        wish = status.retry_after(response.headers.get("Retry-After", ""))
        return status.error_of(request, response.status, answer, wish)

    async def _chunks(self, request: Request, response: aiohttp.ClientResponse, silence: float) -> AsyncIterator[bytes]:
        with self._translated(request, silence=silence):
            async for chunk in response.content.iter_any():
                yield chunk

    @contextlib.contextmanager
    def _translated(self, request: Request, *, silence: float = 0.0) -> Iterator[None]:
        try:
            yield
        except aiohttp.ClientConnectorCertificateError as error:
            raise self._unreachable(request, f"its certificate is not trusted: {error.certificate_error}") from error
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            raise self._unreachable(request, _words(error)) from error
        except (TimeoutError, aiohttp.ClientError, ConnectionError, ssl.SSLError) as error:
            why = f"silent for {silence:g} s" if silence and isinstance(error, TimeoutError) else _words(error)
            raise self._broken(request, why) from error

    def _unreachable(self, request: Request, why: str) -> ClusterUnavailable:
        return ClusterUnavailable(
            f"cannot {request.what}",
            cause=f"no connection to the API server {self._config.server}: {why}",
            hint=f"the address comes from {self._config.origin}",
            ref=request.ref,
        )

    def _broken(self, request: Request, why: str) -> ClusterUnavailable:
        error = ClusterUnavailable(
            f"cannot {request.what}", cause=f"the connection to {self._config.server} broke: {why}", ref=request.ref
        )
        error.ambiguous = not request.safe
        return error

    async def _authorization(self) -> dict[str, str]:
        header = await self._credentials.header()
        return {"Authorization": header} if header else {}

    def _url(self, request: Request) -> URL:
        return URL(self._config.server + request.target, encoded=True)

    def _install(self, certificate: Certificate) -> None:
        if self._tls:
            tls.present(self._tls, certificate, self._config.origin)

    def _session(self, limit: int, *, unheard: int) -> aiohttp.ClientSession:
        connector = aiohttp.TCPConnector(
            limit=limit,
            ssl=self._tls or True,
            keepalive_timeout=60.0,
            socket_factory=partial(tls.open_socket, unheard=unheard),
        )
        return aiohttp.ClientSession(
            connector=connector, headers=self._headers, cookie_jar=aiohttp.DummyCookieJar(), trust_env=False
        )


def _is_tls(config: ClusterConfig) -> bool:
    return config.server.startswith("https://")


def _headers(config: ClusterConfig, agent: str) -> CIMultiDict[str]:
    headers = CIMultiDict({"User-Agent": agent})
    if wanted := config.impersonate:
        headers.add("Impersonate-User", wanted.user)
        for group in wanted.groups:
            headers.add("Impersonate-Group", group)
        if wanted.uid:
            headers.add("Impersonate-Uid", wanted.uid)
        for key, value in wanted.extra:
            headers.add(f"Impersonate-Extra-{quote(key, safe='')}", value)
    return headers


def _words(error: BaseException) -> str:
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, OSError) and error.errno and not isinstance(error, aiohttp.ClientConnectorDNSError):
        return os.strerror(error.errno)
    return str(error) or type(error).__name__
