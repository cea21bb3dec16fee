"""The `Downloads` port: the fake and real connections do the same; then what only a real server can do wrong."""

from __future__ import annotations

import asyncio
import os
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from aiohttp import web

from gitops.download import HttpDownloads, Patience
from gitops.errors import DownloadRefused, DownloadUnavailable
from gitops.objects import address
from gitops.ports.download import Downloads, Terms
from gitops.testing import stub
from gitops.testing.download import FakeDownloads, Serving
from gitops.testing.stub import Stub
from tests.cluster import pki

CONTENT = os.urandom(300_000)
QUICK = Patience(connect=2, silence=0.4, redirects=5)


@dataclass
class Shelf:
    """A server of files, and who fetches from it; `base` is its address."""

    downloads: Downloads
    base: str
    serve: Callable[..., None]
    asked: Callable[[], list[str]]
    allow: tuple[str, ...] = ()
    limit: int = 1 << 20

    async def fetch(self, path: str = "/f") -> bytes:
        allow = self.allow or (f"{self.base}/",)
        terms = Terms(allow=allow, limit=self.limit)
        async with self.downloads.open(address.parse(self.base + path), terms) as chunks:
            found = [chunk async for chunk in chunks]
        assert all(len(chunk) <= 65536 for chunk in found)
        return b"".join(found)


def behaviour(given: Serving) -> stub.Behaviour:
    async def behave(request: web.Request) -> web.StreamResponse:
        if given.location:
            return web.Response(status=302, headers={"Location": given.location})
        if given.cut is None:
            headers = {"Retry-After": f"{given.retry_after:g}"} if given.retry_after else {}
            return web.Response(status=given.status, body=given.content, headers=headers)
        response = web.StreamResponse()
        response.content_length = len(given.content)
        await response.prepare(request)
        await response.write(given.content[: given.cut])
        await stub.break_off(request)
        return response

    return behave


@pytest.fixture
async def server() -> AsyncIterator[Stub]:
    async with Stub() as made:
        yield made


@pytest.fixture
def real(server: Stub) -> Shelf:
    return Shelf(
        HttpDownloads({}, patience=QUICK),
        server.url,
        lambda path, *given: server.on(*(behaviour(one) for one in given), path=path),
        lambda: [seen.path for seen in server.requests],
    )


@pytest.fixture(params=["memory", "real"])
def shelf(request: pytest.FixtureRequest) -> Shelf:
    if request.param == "real":
        found: Shelf = request.getfixturevalue("real")
        return found
    fake = FakeDownloads()
    base = "http://files.example"
    return Shelf(
        fake,
        base,
        lambda path, *given: fake.serve(base + path, *given),
        lambda: [one.removeprefix(base).partition("?")[0] for one in fake.asked],
    )


@pytest.mark.parametrize("size", [0, 1, 65_536, 300_000])
async def test_a_file_comes_whole(shelf: Shelf, size: int) -> None:
    shelf.serve("/f", Serving(content=CONTENT[:size]))
    assert await shelf.fetch("/f?sig=s3cret") == CONTENT[:size]


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410])
async def test_what_is_not_there_is_said_without_the_query(shelf: Shelf, status: int) -> None:
    shelf.serve("/f", Serving(status=status))
    with pytest.raises(DownloadRefused, match=rf"/f: the server answers HTTP {status}") as caught:
        await shelf.fetch("/f?sig=s3cret")
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
async def test_a_server_in_trouble_is_worth_another_try(shelf: Shelf, status: int) -> None:
    shelf.serve("/f", Serving(status=status, retry_after=7), Serving(content=CONTENT))
    with pytest.raises(DownloadUnavailable, match=f"HTTP {status}") as caught:
        await shelf.fetch("/f?sig=s3cret")
    assert caught.value.retry_after == 7
    assert "s3cret" not in str(caught.value)
    assert await shelf.fetch() == CONTENT


@pytest.mark.parametrize("cut", [0, 1, 200_000])
async def test_a_stream_that_breaks_is_no_file(shelf: Shelf, cut: int) -> None:
    shelf.serve("/f", Serving(content=CONTENT, cut=cut))
    with pytest.raises(DownloadUnavailable, match="broke") as caught:
        await shelf.fetch("/f?sig=s3cret")
    assert "s3cret" not in str(caught.value)


async def test_too_large_is_refused(shelf: Shelf) -> None:
    shelf.limit = 200_000
    shelf.serve("/f", Serving(content=CONTENT))
    with pytest.raises(DownloadRefused, match="200000"):
        await shelf.fetch()


async def test_what_is_not_allowed_is_not_asked_for(shelf: Shelf) -> None:
    shelf.allow = (f"{shelf.base}/other/",)
    with pytest.raises(DownloadRefused, match="allow"):
        await shelf.fetch("/f?sig=s3cret")
    assert shelf.asked() == []


async def test_redirects_are_followed_where_they_are_allowed(shelf: Shelf) -> None:
    shelf.serve("/f", Serving(location="/g?sig=s3cret"))
    shelf.serve("/g", Serving(content=CONTENT))
    assert await shelf.fetch() == CONTENT
    assert shelf.asked() == ["/f", "/g"]


@pytest.mark.parametrize(
    "location",
    ["http://169.254.169.254/latest?sig=s3cret", "/private/x?sig=s3cret", "https://files.example.evil/f?sig=s3cret"],
)
async def test_a_redirect_to_what_is_not_allowed_is_named_and_not_followed(shelf: Shelf, location: str) -> None:
    shelf.allow = (f"{shelf.base}/f",)
    shelf.serve("/f", Serving(location=location))
    with pytest.raises(DownloadRefused) as caught:
        await shelf.fetch()
    assert location.partition("?")[0] in str(caught.value)
    assert "s3cret" not in str(caught.value)
    assert shelf.asked() == ["/f"]


@pytest.mark.parametrize("location", ["file:///etc/passwd", "http://user:s3cret@h/", "/%2e%2e/x", "http://127.1/"])
async def test_a_redirect_of_another_form_is_not_followed(shelf: Shelf, location: str) -> None:
    shelf.serve("/f", Serving(location=location))
    with pytest.raises(DownloadRefused) as caught:
        await shelf.fetch()
    assert "s3cret" not in str(caught.value)
    assert shelf.asked() == ["/f"]


async def test_redirects_in_a_circle_end(shelf: Shelf) -> None:
    shelf.serve("/f", Serving(location="/f"))
    with pytest.raises(DownloadRefused, match="5 redirects"):
        await shelf.fetch()
    assert len(shelf.asked()) == 6


async def test_an_endless_answer_without_a_length_is_cut_at_the_limit(real: Shelf, server: Stub) -> None:
    server.on(stub.stream([CONTENT] * 100))
    with pytest.raises(DownloadRefused, match="more than 1048576 bytes"):
        await real.fetch()


async def test_chunks_without_a_length_are_a_file_only_with_their_end(real: Shelf, server: Stub) -> None:
    server.on(stub.stream([CONTENT]), path="/whole")
    server.on(stub.stream([CONTENT], then=stub.break_off), path="/cut")
    assert await real.fetch("/whole") == CONTENT
    with pytest.raises(DownloadUnavailable, match=r"broke after \d+ bytes"):
        await real.fetch("/cut")


@pytest.mark.parametrize("when", ["before", "within"])
async def test_silence_is_not_waited_for(real: Shelf, server: Stub, when: str) -> None:
    server.on(stub.silent() if when == "before" else stub.stream([CONTENT], then=stub.hang))
    with pytest.raises(DownloadUnavailable, match=r"silent for 0.4 s"):
        await real.fetch()


async def test_a_slow_server_is_waited_for_as_long_as_it_speaks(real: Shelf, server: Stub) -> None:
    async def drip(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for at in range(6):
            await asyncio.sleep(0.2)
            await response.write(CONTENT[at : at + 1])
        return response

    server.on(drip)
    assert await real.fetch() == CONTENT[:6]


async def test_what_claims_to_be_packed_is_given_as_it_is(real: Shelf, server: Stub) -> None:
    async def packed(_: web.Request) -> web.StreamResponse:
        return web.Response(body=CONTENT, headers={"Content-Encoding": "gzip"})

    server.on(packed)
    assert await real.fetch() == CONTENT
    assert server.requests[0].headers["Accept-Encoding"] == "identity"
    assert "Cookie" not in server.requests[0].headers


async def test_nobody_listens(real: Shelf, server: Stub) -> None:
    real.base = "http://127.0.0.1:1"
    with pytest.raises(DownloadUnavailable, match="Connection refused"):
        await real.fetch("/f?sig=s3cret")
    real.base = "http://no-such-host.invalid"
    with pytest.raises(DownloadUnavailable, match="no such host"):
        await real.fetch("/f?sig=s3cret")


async def test_the_proxy_is_asked_for_the_whole_address(real: Shelf, server: Stub) -> None:
    through = HttpDownloads({"HTTP_PROXY": server.url}, patience=QUICK)
    shelf = Shelf(through, "http://files.example", real.serve, real.asked)
    server.on(behaviour(Serving(content=CONTENT)))
    assert await shelf.fetch() == CONTENT
    assert server.requests[0].headers["Host"] == "files.example"


async def test_only_so_many_at_once(server: Stub) -> None:
    going, most = 0, 0

    async def count(_: web.Request) -> web.StreamResponse:
        nonlocal going, most
        going += 1
        most = max(most, going)
        await asyncio.sleep(0.05)
        going -= 1
        return web.Response(body=b"x")

    server.on(count)
    shelf = Shelf(HttpDownloads({}, patience=QUICK), server.url, lambda: None, list)
    assert await asyncio.gather(*(shelf.fetch() for _ in range(20))) == [b"x"] * 20
    assert most == 8


@asynccontextmanager
async def secure(folder: Path) -> AsyncIterator[tuple[str, bytes]]:
    """A server over TLS with an authority of its own: its address, and the authority."""
    authority = pki.create_authority("files")
    authority.issue("files", addresses=["127.0.0.1"]).write(folder, "files")
    trust = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trust.load_cert_chain(folder / "files.crt", folder / "files.key")
    app = web.Application()

    async def answer(_: web.Request) -> web.StreamResponse:
        return web.Response(body=CONTENT)

    app.router.add_get("/f", answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=trust).start()
    yield f"https://127.0.0.1:{runner.addresses[0][1]}", authority.pem
    await runner.cleanup()


async def test_a_private_authority_is_believed_only_if_it_is_named(tmp_path: Path) -> None:
    downloads = HttpDownloads({}, patience=QUICK)
    async with secure(tmp_path) as (base, authority):
        at = address.parse(f"{base}/f")
        async with downloads.open(at, Terms(allow=[f"{base}/"], authority=authority, limit=1 << 20)) as chunks:
            assert b"".join([chunk async for chunk in chunks]) == CONTENT
        with pytest.raises(DownloadRefused, match="not trusted"):
            async with downloads.open(at, Terms(allow=[f"{base}/"], limit=1 << 20)):
                pass
        with pytest.raises(DownloadRefused, match="not PEM"):
            async with downloads.open(at, Terms(allow=[f"{base}/"], authority=b"-----BEGIN C", limit=1 << 20)):
                pass


async def test_who_stops_reading_closes_the_connection(real: Shelf, server: Stub) -> None:
    ended: asyncio.Event = asyncio.Event()

    async def endless(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        try:
            while True:
                await response.write(CONTENT)
        finally:
            ended.set()

    server.on(endless)
    terms = Terms(allow=[f"{real.base}/"], limit=1 << 40)

    async def read_some() -> None:
        async with real.downloads.open(address.parse(f"{real.base}/f"), terms) as chunks:
            async for _ in chunks:
                break

    await read_some()
    async with asyncio.timeout(5):
        await ended.wait()
