"""What a sync costs: time, memory and API requests, against kubectl and the floor, all in one run on a real API server.

    python -m benchmarks.sync [--cluster]      # default: a bare API server of its own; --cluster: the two-node cluster

Whole processes that take turns, so that whatever else the machine does falls on all of them; a ratio is the median of
the ratios of neighbours. Requests are counted from the audit log, one a request. Ends with 1 if a limit is missed.
"""

from __future__ import annotations

import argparse
import asyncio
import datetime as dt
import json
import os
import shutil
import ssl
import statistics
import subprocess
import sys
import tempfile
import time
from base64 import b64decode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import yaml

from benchmarks import compiled, fleet
from tests.cluster import cluster as two_nodes
from tests.cluster import kubectl
from tests.cluster.access import Access
from tests.cluster.bare import BareApiServer

ROOT = Path(__file__).resolve().parents[1]
ROUNDS = 7
GROWTH_ROUNDS = 4
POOLS = 100
USER = "benchmark"
PLURALS = {"NetworkPolicy": "networkpolicies"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """One run of a command."""

    code: int
    wall: float
    cpu: float
    memory: float
    requests: int
    output: str


@dataclass(slots=True, kw_only=True)
class Bench:
    """A server, a user of it, a folder for what is written."""

    server: Access
    kubeconfig: Path
    folder: Path
    missed: list[str] = field(default_factory=list)

    def judge(self, what: str, found: float, limit: float) -> None:
        """One figure beside its limit."""
        print(f"    {what}: {found:.3g} (at most {limit:g})", flush=True)
        if found > limit:
            self.missed.append(f"{what}: {found:.3g}, at most {limit:g}")

    def forget(self) -> None:
        """Throw the kept renderings away: the next run is a cold one."""
        shutil.rmtree(self.folder / "cache" / "builds", ignore_errors=True)

    def run(self, *command: str) -> Figures:
        """Run a command to its end."""
        environment = {
            **compiled.environment(self.folder),
            "KUBECONFIG": str(self.kubeconfig),
            "GITOPS_CACHE": str(self.folder / "cache"),
        }
        since = dt.datetime.now(dt.UTC)
        begun = time.perf_counter()
        with (self.folder / "output").open("wb") as out:
            child = subprocess.Popen(command, env=environment, stdout=out, stderr=out)
            _, status, usage = os.wait4(child.pid, 0)
        wall = time.perf_counter() - begun
        child.returncode = os.waitstatus_to_exitcode(status)
        time.sleep(0.5)  # the audit log is written behind the answers
        return Figures(
            code=child.returncode,
            wall=wall,
            cpu=usage.ru_utime + usage.ru_stime,
            memory=usage.ru_maxrss / 1024,
            requests=len(self.server.audit(user=USER, since=since)),
            output=(self.folder / "output").read_text(errors="replace")[-600:],
        )

    def sync(self, overlay: Path, namespace: str) -> Figures:
        """Our sync."""
        words = ["sync", str(overlay), "-n", namespace, "--no-wait", "-q"]
        return self.run(sys.executable, "-m", "gitops_cli", *words)

    def diff(self, overlay: Path) -> Figures:
        """Kubectl's nearest equal."""
        return self.run(str(kubectl()), "diff", "--server-side", "--force-conflicts", "-k", str(overlay))

    @contextmanager
    def namespace(self, name: str) -> Iterator[str]:
        """A namespace for one measurement."""
        self.server.kubectl("create", "namespace", name)
        yield name
        self.server.kubectl("delete", "namespace", name, "--wait=false")


def main() -> None:
    """Measure everything and print it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--cluster", action="store_true")
    if parser.parse_args().cluster:
        with tempfile.TemporaryDirectory() as folder:
            measure(two_nodes.up(), Path(folder))
        return
    with tempfile.TemporaryDirectory() as folder, BareApiServer(Path(folder) / "server") as server:
        measure(server, Path(folder))


def measure(server: Access, folder: Path) -> None:
    """All rows of the table, in one run."""
    if not server.kubectl("get", "clusterrolebinding", USER, "--ignore-not-found"):
        server.kubectl("create", "clusterrolebinding", USER, "--clusterrole=cluster-admin", f"--user={USER}")
    bench = Bench(server=server, kubeconfig=server.user(USER), folder=folder)
    overlay = written(folder / "fleet", POOLS)
    first(bench, overlay)
    no_op(bench, overlay)
    growth(bench)
    if bench.missed:
        sys.exit("missed: " + "; ".join(bench.missed))


def first(bench: Bench, overlay: Path) -> None:
    """First apply of everything against the floor: dry-run of absent objects, then apply, raw and concurrent."""
    floors, ours = [], []
    for number in range(4):
        with bench.namespace(f"floor-{number}") as name:
            floors.append(floor(bench, rendered(overlay, name)))
        with bench.namespace(f"first-{number}") as name:
            ours.append(bench.sync(placed(overlay, name), name))
    expect(ours, {0})
    show("first apply of 1,000, ours", ours)
    print(f"    the floor: {statistics.median(floors):.2f} s")
    # The first pair pays for bytecode and for the server's own beginnings.
    bench.judge("first apply / floor", ratio([one.wall for one in ours[1:]], floors[1:]), 1.6)
    bench.judge("MiB, first apply of 1,000", max(one.memory for one in ours), 100)


def no_op(bench: Bench, overlay: Path) -> None:
    """Nothing to do, one object changed, and kubectl diff on the same work."""
    with bench.namespace("steady") as name:
        target = placed(overlay, name)
        expect([bench.sync(target, name)], {0})
        peers, ours, changed, cold = [], [], [], []
        for number in range(ROUNDS + 1):
            peers.append(bench.diff(target))
            ours.append(bench.sync(target, name))
            edit(target, number)
            changed.append(bench.sync(target, name))
            bench.forget()
            cold.append(bench.sync(target, name))
    expect(ours + changed + cold, {0})
    show("kubectl diff --server-side, 1,000", peers[1:])
    show("no-op sync, 1,000", ours[1:])
    show("one object changed of 1,000", changed[1:])
    show("no-op sync, 1,000, nothing kept", cold[1:])
    walls = {key: [one.wall for one in runs[1:]] for key, runs in (("ours", ours), ("peer", peers), ("new", changed))}
    bench.judge("no-op / kubectl diff", ratio(walls["ours"], walls["peer"]), 0.1)
    bench.judge("cold no-op / kubectl diff", ratio([one.wall for one in cold[1:]], walls["peer"]), 0.2)
    bench.judge("one changed / no-op", ratio(walls["new"], walls["ours"]), 1.3)
    bench.judge("requests of the no-op", median(ours[1:], lambda one: one.requests), 9 + 5)
    bench.judge("MiB, 1,000 objects", max(one.memory for one in ours + changed + cold), 100)


def growth(bench: Bench) -> None:
    """The no-op at ten times the size."""
    sizes = (POOLS, POOLS * 10)
    names = {pools: f"growth-{pools}" for pools in sizes}
    targets = {}
    with bench.namespace(names[sizes[0]]), bench.namespace(names[sizes[1]]):
        for pools, name in names.items():
            targets[pools] = placed(written(bench.folder / name, pools), name)
            expect([bench.sync(targets[pools], name)], {0})
        turns = [{pools: bench.sync(targets[pools], names[pools]) for pools in sizes} for _ in range(GROWTH_ROUNDS)]
    runs = {pools: [turn[pools] for turn in turns[1:]] for pools in sizes}
    for pools, found in runs.items():
        expect(found, {0})
        show(f"no-op sync, {pools * 10:,}", found)
    bench.judge(
        "growth of the no-op, 1,000 to 10,000", ratio(*([one.wall for one in runs[n]] for n in sizes[::-1])), 11
    )


def written(folder: Path, pools: int) -> Path:
    """A fleet in a Git repository."""
    overlay = fleet.write(folder, pools)
    subprocess.run(["git", "init", "--quiet", str(folder)], check=True)
    return overlay


def placed(overlay: Path, namespace: str) -> Path:
    """The overlay with another namespace: a directory beside it."""
    target = overlay.parent / namespace
    target.mkdir(exist_ok=True)
    (target / "kustomization.yaml").write_text(f"namespace: {namespace}\nresources:\n  - ../{overlay.name}\n")
    return target


def edit(target: Path, number: int) -> None:
    """Change one object."""
    text = (target / "kustomization.yaml").read_text().split("patches:")[0]
    patch = (
        "patches:\n  - target: {kind: ConfigMap, name: .*pool-0000-env}\n    patch: |\n"
        f'      - {{op: add, path: /data/ROUND, value: "{number}"}}\n'
    )
    (target / "kustomization.yaml").write_text(text + patch)


def rendered(overlay: Path, namespace: str) -> list[dict[str, Any]]:
    """The objects, rendered by kubectl, Secrets with `data`."""
    command = [str(kubectl()), "kustomize", str(placed(overlay, namespace))]
    text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return [one for one in yaml.load_all(text, yaml.CSafeLoader) if one]


def floor(bench: Bench, objects: list[dict[str, Any]]) -> float:
    """Seconds for the same requests without any logic around them."""
    return asyncio.run(_floor(bench, objects))


async def _floor(bench: Bench, objects: list[dict[str, Any]]) -> float:
    config = yaml.safe_load(bench.kubeconfig.read_text())
    user, place = config["users"][0]["user"], config["clusters"][0]["cluster"]
    context = ssl.create_default_context(cadata=_decoded(place["certificate-authority-data"]))
    with tempfile.NamedTemporaryFile("w") as pem:
        pem.write(_decoded(user["client-certificate-data"]) + "\n" + _decoded(user["client-key-data"]))
        pem.flush()
        context.load_cert_chain(pem.name)
    connector = aiohttp.TCPConnector(ssl=context, limit=16)
    async with aiohttp.ClientSession(connector=connector) as http:

        async def apply(one: dict[str, Any], query: str) -> None:
            url = f"{place['server']}{_path(one)}?fieldManager=floor&force=true{query}"
            headers = {"Content-Type": "application/apply-patch+yaml"}
            async with http.patch(url, data=json.dumps(one), headers=headers) as response:
                body = await response.read()
                if response.status >= 300:  # noqa: PLR2004 - HTTP
                    sys.exit(f"floor: {url}: {response.status} {body[:200]!r}")

        begun = time.perf_counter()
        await asyncio.gather(*(apply(one, "&dryRun=All&fieldValidation=Strict") for one in objects))
        await asyncio.gather(*(apply(one, "") for one in objects))
        return time.perf_counter() - begun


def _path(one: dict[str, Any]) -> str:
    version, kind, metadata = one["apiVersion"], one["kind"], one["metadata"]
    plural = PLURALS.get(kind, kind.lower() + "s")
    prefix = f"/apis/{version}" if "/" in version else f"/api/{version}"
    return f"{prefix}/namespaces/{metadata['namespace']}/{plural}/{metadata['name']}"


def _decoded(text: str) -> str:
    return b64decode(text).decode()


def expect(runs: list[Figures], codes: set[int]) -> None:
    """Stop if a run did not do its work: its time would mean nothing."""
    for one in runs:
        if one.code not in codes:
            sys.exit(f"a run ended with {one.code}: {one.output}")


def median(runs: list[Figures], what: Callable[[Figures], float] = lambda one: one.wall) -> float:
    """Of the wall time."""
    return statistics.median(what(one) for one in runs)


def ratio(these: list[float], those: list[float]) -> float:
    """The median of the ratios of neighbours in time."""
    return statistics.median(one / other for one, other in zip(these, those, strict=True))


def show(label: str, runs: list[Figures]) -> None:
    """One row."""
    wall = sorted(one.wall for one in runs)
    print(
        f"{label:<36} wall {statistics.median(wall):.2f} s ({wall[0]:.2f}-{wall[-1]:.2f})"
        f"  cpu {median(runs, lambda one: one.cpu):.2f} s  memory {max(one.memory for one in runs):.0f} MiB"
        f"  requests {statistics.median(one.requests for one in runs):.0f}",
        flush=True,
    )


if __name__ == "__main__":
    main()
