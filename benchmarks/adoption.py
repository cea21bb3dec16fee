"""How long a worker that starts among running pods takes until it knows the state of each: over HTTP, from a stub.

    python -m benchmarks.adoption [--pods 500]

The stub is a process of its own that lists what a dead worker left: operations that run, their pods, and one log stream
each. Known means: attended by a task of its own that has its pod. The floor is the same lists fetched and decoded, and
nothing made of them.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from aiohttp import web

from benchmarks import ground
from gitops import api, cluster, worker
from gitops.api import names
from gitops.cluster import OperationObjects
from gitops.download import HttpDownloads
from gitops.logstore import DirectoryStore
from gitops.pods import marks
from gitops.ports.objects import Resource

TARGET = 2.0
HOME, POOL, WORKER, RUNNER = "ci", "linux", "main", "gitops-runner-0123456789ab"
OPS = f"{HOME}-{POOL}-ops"
KINDS = {
    "": {"pods": "Pod", "namespaces": "Namespace", "serviceaccounts": "ServiceAccount", "nodes": "Node"}
    | {"configmaps": "ConfigMap", "events": "Event"},
    api.GROUP: {"operations": "Operation", "workerpools": "WorkerPool", "workers": "Worker", "gitsyncs": "GitSync"},
}


def uid(number: int) -> str:
    """Of an operation."""
    return f"00000000-0000-4000-8000-{number:012}"


def operation(number: int) -> dict[str, Any]:
    """One that runs, claimed by a process that is no more."""
    pod = marks.pod_name(uid(number), 1)
    claim = {"worker": "dead", "attempt": 1, "pod": pod, "namespace": OPS, "specHash": "0" * 64, "version": "1"}
    metadata = {"name": f"build-{number}", "namespace": HOME, "uid": uid(number), "resourceVersion": str(1000 + number)}
    return {
        "apiVersion": api.API_VERSION,
        "kind": "Operation",
        "metadata": {**metadata, "creationTimestamp": "2026-01-01T00:00:00Z"},
        "spec": {"pool": POOL, "script": "sleep 600\n" * 20},
        "status": {"phase": "Running", "reason": "Running", "claim": claim, "podUid": f"pod-{number}"},
    }


def pod(number: int) -> dict[str, Any]:
    """Its pod, as large as pods are."""
    labels = {marks.OPERATION: uid(number), marks.ATTEMPT: "1", marks.WORKER: WORKER, names.POOL: POOL}
    state = {"running": {"startedAt": "2026-01-01T00:00:05Z"}}
    container = {
        "name": marks.CONTAINER,
        "image": "tools:1",
        "env": [{"name": f"E{n}", "value": "v"} for n in range(40)],
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": marks.pod_name(uid(number), 1),
            "namespace": OPS,
            "uid": f"pod-{number}",
            "resourceVersion": str(5000 + number),
            "labels": labels,
            "annotations": {marks.NAME: f"{HOME}/build-{number}", marks.SCRIPT: "sleep 600\n" * 20},
        },
        "spec": {"nodeName": f"node-{number % 20}", "containers": [container]},
        "status": {"phase": "Running", "containerStatuses": [{"name": marks.CONTAINER, "state": state}]},
    }


class Stub:
    """The part of an API server that a worker asks when it starts."""

    def __init__(self, pods: int) -> None:
        pool = {
            "metadata": {"name": POOL, "namespace": HOME, "uid": "p", "generation": 1},
            "spec": {"image": "tools:1"},
        }
        ours = {"metadata": {"name": WORKER, "namespace": HOME, "uid": "w", "generation": 1}}
        self._lists: Mapping[str, bytes] = {
            "operations": _list([operation(number) for number in range(pods)]),
            "pods": _list([pod(number) for number in range(pods)]),
            "workerpools": _list([{**pool, "spec": {"image": "tools:1", "maxOperations": pods}}]),
            "workers": _list([{**ours, "spec": {"image": "gitops:1", "pools": [POOL]}}]),
        }

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Lists at once, watches and logs that stay open, and an empty object for whatever is read by name."""
        path = request.path.strip("/").split("/")
        if path in (["api"], ["apis"]):
            return web.json_response(_discovery(core=path == ["api"]))
        rest = path[2:] if path[0] == "api" else path[3:]
        rest = rest[2:] if rest[0] == "namespaces" and len(rest) > 2 else rest  # noqa: PLR2004 - with its name
        if "watch" in request.query:
            return await _held(request, b"")
        if rest[2:] == ["log"]:
            return await _held(request, b"1|o|0|begun\n")
        if rest[0] == "operations" and len(rest) > 1:
            return web.json_response(operation(int(rest[1].rpartition("-")[2])))
        if len(rest) > 1 or request.method != "GET":
            metadata = {"name": rest[1] if len(rest) > 1 else "x", "resourceVersion": "9", "uid": "x"}
            return web.json_response({"metadata": metadata})
        return web.Response(body=self._lists.get(rest[0], _list([])), content_type="application/json")


async def _held(request: web.Request, first: bytes) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    if first:
        await response.write(first)
    await asyncio.Event().wait()
    return response


def _list(items: list[dict[str, Any]]) -> bytes:
    return json.dumps({"metadata": {"resourceVersion": "9000"}, "items": items}).encode()


def _discovery(*, core: bool) -> dict[str, Any]:
    groups = [""] if core else [api.GROUP]
    return {
        "items": [
            {
                "metadata": {"name": group},
                "versions": [
                    {
                        "version": "v1" if core else api.API_VERSION.partition("/")[2],
                        "resources": [
                            {
                                "resource": plural,
                                "responseKind": {"kind": kind},
                                "scope": "Cluster" if plural in {"namespaces", "nodes"} else "Namespaced",
                            }
                            for plural, kind in KINDS[group].items()
                        ],
                    }
                ],
            }
            for group in groups
        ]
    }


async def serve(pods: int) -> None:
    """The child: serve until killed."""
    application = web.Application()
    application.router.add_route("*", "/{tail:.*}", Stub(pods).answer)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, backlog=2000)
    await site.start()
    print(runner.addresses[0][1], flush=True)
    await asyncio.Event().wait()


async def adopt(port: int, pods: int, folder: Path) -> tuple[float, float, float]:
    """Seconds until every pod is attended, until the log of each is followed, too, and of processor time for both."""
    config = cluster.ClusterConfig(server=f"http://127.0.0.1:{port}", origin="benchmark")
    async with cluster.connect(config, component="benchmark") as connection:
        ports = worker.Ports(
            door=OperationObjects(objects=connection.objects, watch=connection.watch, namespace=HOME),
            objects=connection.objects,
            watch=connection.watch,
            logs=connection.logs,
            exec=connection.exec,
            downloads=HttpDownloads(os.environ),
            history=connection.history,
            store=DirectoryStore(folder, connection.clock),
            events=connection.events,
            clock=connection.clock,
        )
        who = worker.Identity(namespace=HOME, worker=WORKER, process="new", runner=RUNNER)
        services: list[worker.Service] = []
        begun, cpu = time.perf_counter(), time.process_time()
        serving = asyncio.create_task(worker.serve(ports, who, started=services.append))

        def known() -> bool:
            if serving.done():
                serving.result()
            return bool(services) and sum(live.pod is not None for live in services[0].live.values()) >= pods

        def heard() -> bool:
            return sum(live.heard_at is not None for live in services[0].live.values()) >= pods

        try:
            async with asyncio.timeout(60):
                await ground.until(known, every=0.01)
                states = time.perf_counter() - begun
                await ground.until(heard, every=0.01)
            return states, time.perf_counter() - begun, time.process_time() - cpu
        finally:
            serving.cancel()
            await asyncio.gather(serving, return_exceptions=True)


async def lists(port: int) -> float:
    """The floor: seconds for the two large lists alone."""
    config = cluster.ClusterConfig(server=f"http://127.0.0.1:{port}", origin="benchmark")
    async with cluster.connect(config, component="benchmark") as connection:
        begun = time.perf_counter()
        for group, version, kind, plural, where in (
            (api.GROUP, "v1alpha1", "Operation", "operations", HOME),
            ("", "v1", "Pod", "pods", OPS),
        ):
            resource = Resource(group=group, version=version, kind=kind, plural=plural, namespaced=True)
            await connection.objects.list(resource, where)
        return time.perf_counter() - begun


def main() -> int:
    """Measure, print, and say whether the target was missed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--pods", type=int, default=500)
    parser.add_argument("--serve", type=int, default=0, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.serve:
        asyncio.run(serve(chosen.serve))
    command = [sys.executable, "-m", "benchmarks.adoption", "--serve", str(chosen.pods)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server, tempfile.TemporaryDirectory() as made:
        try:
            port = int(server.stdout.readline()) if server.stdout else 0
            floor = min(asyncio.run(lists(port)) for _ in range(3))
            runs = sorted(asyncio.run(adopt(port, chosen.pods, Path(made) / str(number))) for number in range(3))
        finally:
            server.kill()
    taken, followed, cpu = runs[1]
    print(
        f"adoption of {chosen.pods} running pods   {taken:.2f} s (at most {TARGET}), their lists alone {floor:.2f} s; "
        f"all logs followed {followed:.2f} s, processor {cpu:.2f} s"
    )
    return int(taken > TARGET)


if __name__ == "__main__":
    sys.exit(main())
