"""A worker as a process of its own, so that a test can kill it.

Its logs are in a directory, or in a bucket if GITOPS_TEST_BUCKET says which (the fields of its settings, as JSON).
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import secrets
import signal
import sys
from pathlib import Path

from gitops import runner, worker
from gitops.cluster import OperationObjects, connect, load
from gitops.cluster.clock import SystemClock
from gitops.download import HttpDownloads
from gitops.logstore import DirectoryStore, SegmentedStore, bucket
from gitops.ports.logstore import LogStore


def store(logs: str) -> LogStore:
    given = json.loads(os.environ.get("GITOPS_TEST_BUCKET", "null"))
    if given is None:
        return DirectoryStore(Path(logs), SystemClock())
    paths = {name: Path(given[name]) for name in ("credentials", "ca")}
    return SegmentedStore(bucket.connect(bucket.Settings(**{**given, **paths})), SystemClock())


async def main(kubeconfig: str, namespace: str, name: str, logs: str) -> None:
    async with connect(load(kubeconfig=kubeconfig), component="worker") as cluster:
        ports = worker.Ports(
            door=OperationObjects(objects=cluster.objects, watch=cluster.watch, namespace=namespace),
            objects=cluster.objects,
            watch=cluster.watch,
            logs=cluster.logs,
            exec=cluster.exec,
            downloads=HttpDownloads(os.environ),
            history=cluster.history,
            store=store(logs),
            events=cluster.events,
            clock=cluster.clock,
        )
        who = worker.Identity(
            namespace=namespace,
            worker=name,
            process=f"test-{secrets.token_hex(4)}",
            runner=runner.config_map_name(runner.files()),
        )
        task = asyncio.create_task(worker.serve(ports, who))
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
        with contextlib.suppress(asyncio.CancelledError):
            await task


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO)
    asyncio.run(main(*sys.argv[1:]))
