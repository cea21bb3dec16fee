"""What the Kubernetes client costs: launches a second, log lines a second, memory a followed log, one cold request.

The server is a child process that does next to nothing, so that the figures are the client's. Each is printed beside a
floor from the same run: the same exchange over bare asyncio streams, where that makes sense.

    python benchmarks/client.py
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import ipaddress
import json
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, cast

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from gitops import cluster
from gitops.cluster.podlogs import PODS
from gitops.cluster.settings import ClusterConfig, Trust

LAUNCHES = 3000
AT_ONCE = 32
LINES = 1_000_000
RUNS = 3
LEAST_LAUNCHES, LEAST_LINES, MOST_MEMORY = 1_500, 200_000, 150
FOLLOWED = 300
LINE = b"12345|o|123456|" + b"x" * 64 + b"\n"
SPEC = {
    "containers": [
        {"name": "c", "image": "worker-tools:1", "env": [{"name": f"E{n}", "value": "v"} for n in range(40)]}
    ]
}
POD = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "namespace": "n"}, "spec": SPEC}
BODY = json.dumps({**POD, "status": {"phase": "Pending", "padding": "x" * 4000}}).encode()
CREATED = b"HTTP/1.1 201 Created\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(BODY), BODY)
STREAM = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


class Server(asyncio.Protocol):
    """Answers a POST with the pod, /log with many lines, /trickle with one and then nothing."""

    def __init__(self) -> None:
        self._data = b""
        self._writable = asyncio.Event()
        self._writable.set()
        self._task: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the connection."""
        self._transport = cast("asyncio.Transport", transport)

    def pause_writing(self) -> None:
        """The client is behind."""
        self._writable.clear()

    def resume_writing(self) -> None:
        """The client has caught up."""
        self._writable.set()

    def data_received(self, data: bytes) -> None:
        """Answer each complete request."""
        self._data += data
        while b"\r\n\r\n" in self._data:
            head, _, rest = self._data.partition(b"\r\n\r\n")
            fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:])
            length = int(fields.get(b"content-length", 0))
            if len(rest) < length:
                return
            self._data = rest[length:]
            self._answer(head)

    def _answer(self, head: bytes) -> None:
        if head.startswith(b"POST"):
            self._transport.write(CREATED)
            return
        self._transport.write(STREAM)
        if b"/log?" in head and b"/pods/many/" in head:
            self._task = asyncio.get_running_loop().create_task(self._pour())
        else:
            self._transport.write(b"%x\r\n%s\r\n" % (len(LINE), LINE))

    async def _pour(self) -> None:
        block = LINE * 200
        chunk = b"%x\r\n%s\r\n" % (len(block), block)
        for _ in range(LINES // 200):
            await self._writable.wait()
            self._transport.write(chunk)
        self._transport.write(b"0\r\n\r\n")


async def serve(folder: Path) -> None:
    """Serve plainly and over TLS, until killed."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(folder / "both.pem")
    loop = asyncio.get_running_loop()
    plain = await loop.create_server(Server, "127.0.0.1", 0)
    secure = await loop.create_server(Server, "127.0.0.1", 0, ssl=context, backlog=1000)
    print(*(server.sockets[0].getsockname()[1] for server in (plain, secure)), flush=True)
    await asyncio.Event().wait()


def certificate(folder: Path) -> bytes:
    """A certificate for 127.0.0.1 that is its own authority; key and certificate go to both.pem."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = made.public_bytes(serialization.Encoding.PEM)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / "both.pem").write_bytes(private + pem)
    return pem


async def launches(config: ClusterConfig) -> float:
    """Creates a second, `AT_ONCE` at a time."""
    async with cluster.connect(config, component="benchmark", limits=cluster.Limits(connections=AT_ONCE)) as connected:
        names = iter(range(LAUNCHES))

        async def one_after_the_other() -> None:
            for _ in names:
                await connected.objects.create(PODS, POD)

        return LAUNCHES / await timed(lambda: asyncio.gather(*(one_after_the_other() for _ in range(AT_ONCE))))


async def bare_launches(port: int) -> float:
    """The floor: the same bytes over bare streams, decoded by nobody."""
    body = json.dumps(POD).encode()
    request = b"POST / HTTP/1.1\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
    names = iter(range(LAUNCHES))

    async def one_after_the_other() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for _ in names:
            writer.write(request)
            await reader.readexactly(len(CREATED))
        writer.close()

    return LAUNCHES / await timed(lambda: asyncio.gather(*(one_after_the_other() for _ in range(AT_ONCE))))


async def lines(config: ClusterConfig) -> float:
    """Lines a second through one follower."""
    async with cluster.connect(config, component="benchmark") as connected:

        async def follow() -> None:
            count = 0
            async with contextlib.aclosing(connected.logs.read("n", "many", "c")) as chunks:
                async for chunk in chunks:
                    count += chunk.count(b"\n")
            if count != LINES:
                raise RuntimeError(f"{count} lines came instead of {LINES}")

        return LINES / await timed(follow)


async def bare_lines(port: int) -> float:
    """The floor: read the same answer without taking it apart."""

    async def follow() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /pods/many/log? HTTP/1.1\r\n\r\n")
        tail = b""
        while not tail.endswith(b"0\r\n\r\n"):
            tail = (tail + await reader.read(1 << 16))[-5:]
        writer.close()

    return LINES / await timed(follow)


async def memory(config: ClusterConfig) -> float:
    """KiB of resident memory a followed log."""
    async with cluster.connect(config, component="benchmark") as connected, contextlib.AsyncExitStack() as stack:

        async def follow(number: int) -> None:
            chunks = await stack.enter_async_context(contextlib.aclosing(connected.logs.read("n", f"p{number}", "c")))
            await anext(chunks)

        for number in range(20):
            await follow(number)
        before = resident()
        await asyncio.gather(*(follow(number) for number in range(FOLLOWED)))
        return (resident() - before) / FOLLOWED


async def timed(act: Callable[[], Awaitable[Any]]) -> float:
    """Seconds an awaitable takes."""
    started = time.perf_counter()
    await act()
    return time.perf_counter() - started


def resident() -> float:
    """KiB this process has in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4


def cold(config: ClusterConfig) -> tuple[float, float]:
    """Seconds of a whole process that makes one request, and of one that only starts Python."""
    program = (
        "import asyncio\n"
        "from gitops.cluster import connect, ClusterConfig\n"
        "from gitops.cluster.podlogs import PODS\n"
        "async def main():\n"
        f"    async with connect(ClusterConfig(server={config.server!r}, origin='x'), component='benchmark') as c:\n"
        "        await c.objects.create(PODS, {'metadata': {'name': 'p', 'namespace': 'n'}})\n"
        "asyncio.run(main())\n"
    )
    return process(program), process("pass")


def process(program: str) -> float:
    """The median of five runs."""
    runs = []
    for _ in range(5):
        started = time.perf_counter()
        subprocess.run([sys.executable, "-c", program], check=True)
        runs.append(time.perf_counter() - started)
    return sorted(runs)[2]


async def measure(plain: ClusterConfig, secure: ClusterConfig, port: int) -> bool:
    """Print each figure; whether all met their target. The best of a few runs: what else runs only slows one down."""
    met = True
    for word, ours, bare, least in (
        ("launches/s", launches, bare_launches, LEAST_LAUNCHES),
        ("log lines/s", lines, bare_lines, LEAST_LINES),
    ):
        runs = [(await ours(plain), await bare(port)) for _ in range(RUNS)]
        figure, floor = (max(values) for values in zip(*runs, strict=True))
        print(f"{word:38} {figure:12,.0f} (at least {least:,})   bare streams {floor:12,.0f}   {figure / floor:.2f}x")
        met = met and figure >= least
    size = await memory(secure)
    print(f"{'KiB a followed log, TLS':38} {size:12,.0f} (at most {MOST_MEMORY})   asyncio's own buffer alone: 256")
    return met and size <= MOST_MEMORY


def main() -> int:
    """Bring the server up, measure, end it; 1 if a target was missed."""
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        trust = Trust(authority=certificate(folder))
        with subprocess.Popen([sys.executable, __file__, str(folder)], stdout=subprocess.PIPE, text=True) as server:
            try:
                plain, secure = server.stdout.readline().split() if server.stdout else ("", "")
                config = ClusterConfig(server=f"http://127.0.0.1:{plain}", origin="benchmark")
                safe = ClusterConfig(server=f"https://127.0.0.1:{secure}", origin="benchmark", trust=trust)
                met = asyncio.run(measure(config, safe, int(plain)))
                one, nothing = cold(config)
                print(
                    f"{'ms of a process with one request':38} {one * 1000:12,.0f}   python -c pass {nothing * 1000:.0f}"
                )
                return int(not met)
            finally:
                server.kill()


if __name__ == "__main__":
    if len(sys.argv) > 1:
        asyncio.run(serve(Path(sys.argv[1])))
    else:
        sys.exit(main())
