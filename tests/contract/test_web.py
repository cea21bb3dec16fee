"""What the program serves over HTTP, asked over real connections."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from prometheus_client import CollectorRegistry

from gitops import errors, web
from gitops.logstore import DirectoryStore
from gitops.runner import frames
from gitops.testing.clock import FakeClock

UID = "0e5b4f7e-8a4f-4d1c-9df5-2a4f3f0c9a11"


@pytest.fixture
async def client() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


async def test_the_probes(client: aiohttp.ClientSession) -> None:
    missing = ["the watch of operations"]
    registry = CollectorRegistry()
    async with web.serve_probes(0, waiting_for=lambda: missing, registry=registry, host="127.0.0.1") as port:
        base = f"http://127.0.0.1:{port}"
        async with client.get(f"{base}/healthz") as answer:
            assert (answer.status, await answer.text()) == (200, "ok\n")
        async with client.get(f"{base}/readyz") as answer:
            assert (answer.status, await answer.text()) == (503, "waiting for the watch of operations\n")
        missing.clear()
        async with client.get(f"{base}/readyz") as answer:
            assert answer.status == 200
        async with client.get(f"{base}/metrics") as answer:
            assert answer.headers["Content-Type"].startswith("text/plain")


async def test_a_log_is_streamed_while_it_is_written(client: aiohttp.ClientSession, tmp_path: Path) -> None:
    store = DirectoryStore(tmp_path, FakeClock())
    writer, decoder = await store.writer(UID), frames.Decoder()
    await writer.append(decoder.feed(b"1|o|0|one\n2|s|4|a remark\n"))
    async with web.serve_logs(store, 0) as port:
        url = f"http://127.0.0.1:{port}/logs/{UID}"
        async with client.get(url) as answer:
            assert await answer.text() == "one\nrunner: a remark\n"
        async with client.get(url, params={"raw": "1", "tail": "1"}) as answer:
            assert await answer.text() == "2|s|4|a remark\n"
        async with client.get(url, params={"raw": "1", "after": "1"}) as answer:
            assert await answer.text() == "2|s|4|a remark\n"
        async with client.get(url, params={"follow": "1"}) as answer:
            assert await answer.content.readany() == b"one\nrunner: a remark\n"
            await writer.append(decoder.feed(b"3|o|4|two\n"))
            assert await asyncio.wait_for(answer.content.readany(), 5) == b"two\n"
            await writer.close(finished=True)
            assert await asyncio.wait_for(answer.content.read(), 5) == b""


@pytest.mark.parametrize(
    ("path", "status"), [("nothing", 404), (f"{UID}?tail=x", 400), (f"{UID}?since=x", 400), (f"{UID}?after=-1", 400)]
)
async def test_what_cannot_be_answered(client: aiohttp.ClientSession, tmp_path: Path, path: str, status: int) -> None:
    async with (
        web.serve_logs(DirectoryStore(tmp_path, FakeClock()), 0) as port,
        client.get(f"http://127.0.0.1:{port}/logs/{path}") as answer,
    ):
        assert answer.status == status
        assert await answer.text()


async def test_a_taken_port_is_said() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(errors.ConfigError, match=f"cannot listen on port {port}"):
            async with web.serve_probes(port, waiting_for=list, registry=CollectorRegistry(), host="127.0.0.1"):
                pass
